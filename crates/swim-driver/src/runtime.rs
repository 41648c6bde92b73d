//! The runtime interface that nodes and applications use.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::connection::{Connection, Listener};

/// An async runtime: tasks, time, names, random bytes, and connections for the application.
///
/// Each adapter implements it once. Applications use its [`RuntimeHandle`](crate::RuntimeHandle).
///
/// ```
/// # use std::io;
/// # use std::net::SocketAddr;
/// # use swim_driver::Runtime;
/// async fn address_of(runtime: impl Runtime, host: &str) -> io::Result<Option<SocketAddr>> {
///     Ok(runtime.resolve(host.into(), 7946).await?.first().copied())
/// }
/// ```
pub trait Runtime: Clone + Send + Sync + 'static {
    /// Wakes a task when it is time.
    type Timer: Timer;

    /// The clock of the timers.
    fn now(&self) -> Instant;

    /// A timer that is not set.
    fn timer(&self) -> Self::Timer;

    /// Lets other tasks run, and the runtime poll the system for arrivals, before it resolves.
    fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static;

    /// Runs a detached task. It ends with its future or with the runtime.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// The addresses of a host, each with this port, by the system's resolver.
    ///
    /// # Errors
    ///
    /// The resolver's error.
    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static;

    /// Fills `bytes` with unpredictable random bytes from the operating system.
    ///
    /// # Errors
    ///
    /// The system has none.
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;

    /// Opens a connection for the application.
    ///
    /// # Errors
    ///
    /// The system's error.
    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Connection>> + Send + 'static;

    /// Listens for connections to the application; port 0 takes any free port.
    ///
    /// # Errors
    ///
    /// The system's error.
    fn listen(&self, on: SocketAddr) -> io::Result<Listener>;
}

/// Wakes a task when it is time; see [`Runtime`].
pub trait Timer: Send + Unpin + 'static {
    /// Ready once it is `at`, which may differ with each call.
    ///
    /// Only the time of the last pending call wakes the task.
    fn poll_at(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()>;
}

/// Resolves after `time`; never, if the clock cannot represent the end.
pub(crate) async fn sleep(runtime: impl Runtime, time: Duration) {
    let Some(at) = runtime.now().checked_add(time) else {
        return std::future::pending().await;
    };
    let mut timer = runtime.timer();
    std::future::poll_fn(|cx| timer.poll_at(cx, at)).await;
}

/// The output of `future`, or `None` if it takes longer than `time`.
pub(crate) async fn within<F: Future>(
    runtime: impl Runtime,
    time: Duration,
    future: F,
) -> Option<F::Output> {
    before(sleep(runtime, time), future).await
}

/// The output of `future`, or `None` if `limit` resolves first.
pub(crate) async fn before<F: Future>(
    limit: impl Future<Output = ()>,
    future: F,
) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut limit = std::pin::pin!(limit);
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
    .await
}
