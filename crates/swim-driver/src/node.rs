//! The handle that owns a running node.

use std::convert::Infallible;
use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_channel::oneshot;

use crate::cluster::Cluster;
use crate::driver::Driver;
use crate::engine::Engine;
use crate::error::Error;
use crate::events::Events;
use crate::leaving::Departure;
use crate::runtime::Runtime;
use crate::runtime_handle::RuntimeHandle;
use crate::transport::Transport;

/// A running node. Dropping it stops the node without a leave: peers see it fail. The port is free
/// as soon as the runtime gets to it; [`stop`](Node::stop) and [`shutdown`](Node::shutdown) wait.
#[must_use = "dropping it stops the node"]
pub struct Node {
    cluster: Cluster,
    /// Those from the first on, until somebody takes them.
    events: Option<Events>,
    /// Ends the node's task. Dropped unused, it lets the task run on.
    stop: Option<oneshot::Sender<()>>,
    /// Resolves once the task has ended; `None` from then on.
    ended: Option<oneshot::Receiver<Infallible>>,
    /// Measures time where the node is held up.
    runtime: RuntimeHandle,
}

impl Node {
    /// Runs a node in a task of its own.
    pub(crate) fn spawn<T: Transport, R: Runtime>(
        runtime: R,
        driver: Driver,
        engine: Engine<T, R>,
    ) -> Self {
        let cluster = driver.cluster();
        let (_, events) = cluster.subscribe();
        let (stop, stopping) = oneshot::channel();
        let (alive, ended) = oneshot::channel();
        runtime.spawn(async move {
            // Dropped last, also by a panic: by then the transport is closed.
            let _alive = alive;
            let until = async {
                if stopping.await.is_err() {
                    // The handle is gone, and the node is to run on.
                    pending::<()>().await;
                }
            };
            engine.run(driver, until).await;
        });
        Node {
            cluster,
            events: Some(events),
            stop: Some(stop),
            ended: Some(ended),
            runtime: RuntimeHandle::new(runtime),
        }
    }

    /// A handle for commands and questions. It does not keep the node alive.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// The node's events. The first call returns those from the node's first event on; every
    /// further call those after the call.
    ///
    /// Until the first call they wait like those of a subscriber that does not read, within
    /// [`Options::events_max`](crate::Options::events_max) and
    /// [`Options::events_bytes_max`](crate::Options::events_bytes_max).
    #[must_use]
    pub fn events(&mut self) -> Events {
        self.events.take().unwrap_or_else(|| self.cluster.subscribe().1)
    }

    /// Leaves the cluster, then stops the node, whatever became of the leave.
    ///
    /// Waits for the leave up to `limit`, as [`Cluster::leave`] does. When it resolves, the
    /// node's sockets are closed, so that its port can be bound again, and its tasks have ended. A
    /// lookup of a name that is under way in the system's resolver ends later, by itself.
    ///
    /// # Errors
    ///
    /// The node is stopped all the same. [`Error::Stopped`] if it had ended by itself; otherwise
    /// what [`Cluster::leave`] returned: [`Failure::NobodyHeard`](crate::Failure::NobodyHeard) if
    /// no peer acknowledged the leave, so that those that run will see this node as failed.
    ///
    /// # Cancel safety
    ///
    /// A dropped future stops the node at once, as dropping the handle does.
    pub async fn shutdown(mut self, limit: Duration) -> Result<Departure, Error> {
        // The node measures the timeout itself; the runtime does where the node is held up.
        let mut limited = self.runtime.sleep(limit);
        let departure = {
            let mut leaving = std::pin::pin!(self.cluster.leave(limit));
            poll_fn(|cx| match leaving.as_mut().poll(cx) {
                Poll::Ready(departure) => Poll::Ready(departure),
                Poll::Pending => Pin::new(&mut limited).poll(cx).map(|()| Ok(Departure::TimedOut)),
            })
            .await
        };
        self.end().await;
        departure
    }

    /// Stops the node without a leave, and waits until its sockets are closed and its tasks have
    /// ended. Peers see it fail.
    ///
    /// # Cancel safety
    ///
    /// A dropped future stops the node all the same.
    pub async fn stop(mut self) {
        self.end().await;
    }

    /// Waits until the node has ended by itself, because one of its [`Hooks`](crate::Hooks)
    /// panicked or the runtime shuts down.
    ///
    /// # Cancel safety
    ///
    /// A dropped future changes nothing.
    pub async fn stopped(&mut self) {
        if let Some(ended) = &mut self.ended {
            // Only ever an error: nobody sends.
            let _ = ended.await;
            self.ended = None;
        }
    }

    /// Lets the node run without this handle, until the runtime ends. It cannot be stopped any
    /// more; [`Cluster::leave`] still works.
    pub fn detach(mut self) {
        self.stop = None;
    }

    async fn end(&mut self) {
        self.ask_to_stop();
        self.stopped().await;
    }

    fn ask_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails if the task has ended.
            let _ = stop.send(());
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}
