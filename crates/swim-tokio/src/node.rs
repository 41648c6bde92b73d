//! The handle that owns a running node.

use std::fmt;
use std::future::pending;
use std::time::Duration;

use swim_driver::{Cluster, Departure, Driver, Error, Events};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::adapter::Adapter;

/// A running node, as [`start`](crate::start) returns it. Dropping it stops the node at once, and
/// without a leave: peers see it fail.
///
/// ```
/// use std::time::Duration;
/// use swim_tokio::Options;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut options = Options::local("a".parse()?);
/// # options.bind = "127.0.0.1:0".parse()?;
/// let mut node = swim_tokio::start(options).await?;
/// let (cluster, mut events) = (node.cluster(), node.events());
/// tokio::select! {
///     notice = events.next() => println!("{notice:?}"),
///     () = node.stopped() => eprintln!("the node ended by itself"),
///     () = async {} => println!("{} live members", cluster.live_count()),
/// }
/// node.shutdown(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it stops the node"]
pub struct Node {
    cluster: Cluster,
    /// Those from the first on, until somebody takes them.
    events: Option<Events>,
    /// Ends the task. Dropped unused, it lets the task run on.
    stop: Option<oneshot::Sender<()>>,
    /// `None` once it has ended, or runs without this handle.
    task: Option<JoinHandle<()>>,
}

impl Node {
    pub(crate) fn spawn(driver: Driver, adapter: Adapter) -> Self {
        let cluster = driver.cluster();
        let (_, events) = cluster.subscribe();
        let (stop, stopping) = oneshot::channel();
        let task = tokio::spawn(adapter.run(driver, async {
            if stopping.await.is_err() {
                // The handle is gone: either it aborts the task, or the task is to run on.
                pending::<()>().await;
            }
        }));
        Node { cluster, events: Some(events), stop: Some(stop), task: Some(task) }
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
    /// lookup of a name that is under way on one of tokio's blocking threads ends later, by itself.
    ///
    /// # Errors
    ///
    /// The node is stopped all the same. [`Error::Stopped`] if it had ended by itself; otherwise
    /// what [`Cluster::leave`] returned.
    ///
    /// # Cancel safety
    ///
    /// A dropped future stops the node at once, as dropping the handle does.
    pub async fn shutdown(mut self, limit: Duration) -> Result<Departure, Error> {
        // The node measures the timeout itself; the runtime does where the node is held up.
        let departure = match timeout(limit, self.cluster.leave(limit)).await {
            Ok(departure) => departure,
            Err(_) => Ok(Departure::TimedOut),
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

    /// Waits until the node has ended by itself, because a [hook](crate::start_with_hooks)
    /// panicked or the runtime shuts down.
    ///
    /// # Cancel safety
    ///
    /// A dropped future changes nothing.
    pub async fn stopped(&mut self) {
        if let Some(task) = &mut self.task {
            // An error is a panic, which has been reported where it happened.
            let _ = task.await;
            self.task = None;
        }
    }

    /// Lets the node run without this handle, until the runtime ends. It cannot be stopped any
    /// more; [`Cluster::leave`] still works.
    pub fn detach(mut self) {
        self.task = None;
    }

    async fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails if the task has ended.
            let _ = stop.send(());
        }
        self.stopped().await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}
