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

/// A running node. Dropping it stops the node without a leave: peers see it fail.
///
/// After a drop the port is free as soon as the runtime gets to it; [`stop`](Node::stop) and
/// [`shutdown`](Node::shutdown) wait for that.
#[must_use = "dropping it stops the node"]
pub struct Node {
    cluster: Cluster,
    /// All events from the first on, until they are taken.
    events: Option<Events>,
    /// Ends the node's task. If dropped unused, the task runs on.
    stop: Option<oneshot::Sender<()>>,
    /// Resolves once the task has ended; `None` from then on.
    ended: Option<oneshot::Receiver<Infallible>>,
    /// Measures time if the node is held up.
    runtime: RuntimeHandle,
}

impl Node {
    /// Runs a node in its own task.
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
            // Dropped last, even on a panic: the transport is closed by then.
            let _alive = alive;
            let until = async {
                if stopping.await.is_err() {
                    // The handle is gone, but the node runs on.
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

    /// A handle for commands and queries. It does not keep the node alive.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// The node's events: the first call returns all of them, each later call those after the call.
    ///
    /// Until the first call they wait in a queue with the limits
    /// [`Options::events_max`](crate::Options::events_max) and
    /// [`Options::events_bytes_max`](crate::Options::events_bytes_max).
    #[must_use]
    pub fn events(&mut self) -> Events {
        self.events.take().unwrap_or_else(|| self.cluster.subscribe().1)
    }

    /// Leaves the cluster, then stops the node even if the leave failed.
    ///
    /// Waits for the leave up to `limit`, like [`Cluster::leave`]. When this resolves, the node's
    /// sockets are closed, its port can be bound again, and its tasks have ended. A name lookup
    /// that is under way in the system's resolver ends later, by itself.
    ///
    /// # Errors
    ///
    /// The node is stopped in any case. [`Error::Stopped`] if it had ended by itself; otherwise the
    /// error of [`Cluster::leave`]. [`Failure::NobodyHeard`](crate::Failure::NobodyHeard) means
    /// that no peer acknowledged the leave, so running peers will see this node as failed.
    ///
    /// # Cancel safety
    ///
    /// A dropped future stops the node at once, like dropping the handle.
    pub async fn shutdown(mut self, limit: Duration) -> Result<Departure, Error> {
        // The node measures the timeout itself; the runtime does if the node is held up.
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

    /// Stops the node without a leave: peers see it fail.
    ///
    /// Resolves when its sockets are closed and its tasks have ended.
    ///
    /// # Cancel safety
    ///
    /// A dropped future still stops the node.
    pub async fn stop(mut self) {
        self.end().await;
    }

    /// Waits until the node ends by itself.
    ///
    /// It does if one of its [`Hooks`](crate::Hooks) panicked or the runtime shuts down.
    ///
    /// # Cancel safety
    ///
    /// A dropped future changes nothing.
    pub async fn stopped(&mut self) {
        if let Some(ended) = &mut self.ended {
            // Always an error: nothing is ever sent.
            let _ = ended.await;
            self.ended = None;
        }
    }

    /// Lets the node run without this handle, until the runtime ends.
    ///
    /// It can no longer be stopped; [`Cluster::leave`] still works.
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
