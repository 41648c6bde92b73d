//! What a node and its application need of an async runtime.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::connection::{Connection, Listener};

/// An async runtime: tasks, time, names, chance, and connections for the application. An adapter
/// implements it once. An application uses its [`RuntimeHandle`](crate::RuntimeHandle).
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

    /// The time by which timers go.
    fn now(&self) -> Instant;

    /// A timer that is not set.
    fn timer(&self) -> Self::Timer;

    /// Lets other tasks run, and has the runtime ask the system what arrived, before it resolves.
    fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static;

    /// Runs a task that nobody waits for. It ends when its future does, or with the runtime.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// The addresses of a host, each with this port, by the system's resolver.
    ///
    /// # Errors
    ///
    /// What the resolver says.
    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static;

    /// Fills this with random bytes of the operating system, which nobody can guess.
    ///
    /// # Errors
    ///
    /// The system has none.
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;

    /// Opens a connection for the application.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Connection>> + Send + 'static;

    /// Listens for connections to the application; port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn listen(&self, on: SocketAddr) -> io::Result<Listener>;
}

/// Wakes a task when it is time; see [`Runtime`].
pub trait Timer: Send + Unpin + 'static {
    /// Ready once it is `at`, which may be another time with each call. Only the time of the last
    /// call that was pending wakes the task.
    fn poll_at(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()>;
}

/// Resolves once this much time has gone by: never, where it is more than the clock can tell.
pub(crate) async fn sleep(runtime: impl Runtime, time: Duration) {
    let Some(at) = runtime.now().checked_add(time) else {
        return std::future::pending().await;
    };
    let mut timer = runtime.timer();
    std::future::poll_fn(|cx| timer.poll_at(cx, at)).await;
}

/// What the future resolves to, or `None` if it takes longer than this.
pub(crate) async fn within<F: Future>(
    runtime: impl Runtime,
    time: Duration,
    future: F,
) -> Option<F::Output> {
    before(sleep(runtime, time), future).await
}

/// What the future resolves to, or `None` if the limit is over before.
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
