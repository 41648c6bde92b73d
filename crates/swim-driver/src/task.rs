//! Tasks of an application.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_channel::oneshot;

use crate::runtime::Runtime;

/// A task that an application [spawned](crate::RuntimeHandle::spawn); resolves to its result.
///
/// Dropping this ends the task, at its current await point. [`detach`](Task::detach) lets it run
/// on.
#[must_use = "dropping it ends the task"]
pub struct Task<T> {
    result: oneshot::Receiver<T>,
    /// If dropped, it ends the task; if sent to, it lets the task run on.
    keep: Option<oneshot::Sender<()>>,
}

impl<T> Task<T> {
    /// The work of a task, and its handle.
    pub(crate) fn new<F>(future: F) -> (impl Future<Output = ()> + use<T, F>, Self)
    where
        F: Future<Output = T>,
    {
        let (done, result) = oneshot::channel();
        let (keep, mut kept) = oneshot::channel();
        let work = async move {
            let mut future = pin!(future);
            let mut is_kept = false;
            let output = std::future::poll_fn(|cx| {
                if !is_kept && let Poll::Ready(kept) = Pin::new(&mut kept).poll(cx) {
                    is_kept = kept.is_ok();
                    if !is_kept {
                        return Poll::Ready(None);
                    }
                }
                future.as_mut().poll(cx).map(Some)
            })
            .await;
            if let Some(output) = output {
                // The handle may be gone.
                let _ = done.send(output);
            }
        };
        (work, Task { result, keep: Some(keep) })
    }

    /// Lets the task run on until it ends by itself or the runtime does.
    pub fn detach(mut self) {
        if let Some(keep) = self.keep.take() {
            // Fails if the task has ended.
            let _ = keep.send(());
        }
    }
}

/// Runs a future in a task of this runtime.
pub(crate) fn spawn<F>(runtime: &impl Runtime, future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (work, task) = Task::new(future);
    runtime.spawn(work);
    task
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskEnded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.result).poll(cx).map_err(|_| TaskEnded)
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// A [`Task`] ended without a result: it panicked, or the runtime shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct TaskEnded;

impl fmt::Display for TaskEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task ended without a result: it panicked, or its runtime shut down")
    }
}

impl std::error::Error for TaskEnded {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;

    use super::*;

    fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn it_resolves_to_what_the_task_returns() {
        let (work, mut task) = Task::new(async { 7 });
        assert_eq!(poll(&mut task), Poll::Pending);
        assert!(poll(&mut Box::pin(work)).is_ready());
        assert_eq!(poll(&mut task), Poll::Ready(Ok(7)));
    }

    #[test]
    fn it_ends_with_its_handle_unless_that_detached_it() {
        for detached in [false, true] {
            let held = Arc::new(());
            let inside = Arc::clone(&held);
            let (work, task) = Task::new(async move {
                let _inside = inside;
                std::future::pending::<()>().await;
            });
            let mut work = Box::pin(work);
            assert!(poll(&mut work).is_pending());
            if detached {
                task.detach();
            } else {
                drop(task);
            }
            assert_eq!(poll(&mut work).is_pending(), detached);
        }
    }

    #[test]
    fn one_that_is_gone_says_so() {
        let (work, mut task) = Task::new(std::future::pending::<()>());
        drop(work);
        assert_eq!(poll(&mut task), Poll::Ready(Err(TaskEnded)));
    }
}
