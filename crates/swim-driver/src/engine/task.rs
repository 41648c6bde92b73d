//! A task that ends when nobody needs it any more.

use std::pin::{Pin, pin};
use std::task::Poll;

use futures_channel::oneshot;

use crate::runtime::Runtime;

/// Dropping it ends the task that it belongs to, as soon as the runtime gets to it.
#[derive(Debug)]
pub(super) struct Guard {
    _alive: oneshot::Sender<()>,
}

/// Runs a task until it is done or its guard is dropped.
pub(super) fn spawn(
    runtime: &impl Runtime,
    work: impl Future<Output = ()> + Send + 'static,
) -> Guard {
    let (alive, mut dead) = oneshot::channel();
    runtime.spawn(async move {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| {
            // Only ever an error: nobody sends.
            if Pin::new(&mut dead).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            work.as_mut().poll(cx)
        })
        .await;
    });
    Guard { _alive: alive }
}
