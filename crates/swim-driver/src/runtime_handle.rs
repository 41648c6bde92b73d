//! The runtime as an application uses it: the same on every adapter, and in the simulator.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::connection::{Connection, Listener};
use crate::runtime::{Runtime, Timer, before};
use crate::task::Task;

/// The runtime of a node: tasks, time, random bytes and connections. Cheap to clone.
///
/// An application that uses only this and its [`Cluster`](crate::Cluster) runs unchanged on every
/// adapter and in the simulator `swim-sim`. It must use no other clock, timer, socket or random
/// source. In the simulator it runs on virtual time, over a network that loses packets, with the
/// crashes that the test asks for.
///
/// ```
/// use std::time::Duration;
/// use futures_lite::AsyncWriteExt;
/// # use swim_driver::Cluster;
///
/// /// Greets each live member, at the port after its own.
/// async fn greet(cluster: Cluster) {
///     let runtime = cluster.runtime();
///     for member in cluster.peers() {
///         let mut address = member.address;
///         address.set_port(address.port() + 1);
///         // In its own task: a peer that does not answer holds up no other.
///         let connect = runtime.timeout(Duration::from_secs(5), runtime.connect(address));
///         let greeting = async move {
///             if let Ok(Ok(mut connection)) = connect.await {
///                 let _ = connection.write_all(b"hello\n").await;
///             }
///         };
///         runtime.spawn(greeting).detach();
///     }
/// }
/// ```
#[derive(Clone)]
pub struct RuntimeHandle {
    runtime: Arc<dyn Erased>,
}

impl RuntimeHandle {
    /// A handle to this runtime.
    #[must_use]
    pub fn new(runtime: impl Runtime) -> Self {
        RuntimeHandle { runtime: Arc::new(runtime) }
    }

    /// The clock of [`sleep`](RuntimeHandle::sleep).
    ///
    /// In the simulator it is the host's clock, which a test may set.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Resolves after `time`; never, if the clock cannot represent the end.
    ///
    /// # Cancel safety
    ///
    /// A dropped future changes nothing.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let at = self.now().checked_add(time);
        let mut timer = self.runtime.timer();
        poll_fn(move |cx| at.map_or(Poll::Pending, |at| timer.poll_at(cx, at)))
    }

    /// Resolves at `at`, or at once if that is past.
    ///
    /// # Cancel safety
    ///
    /// A dropped future changes nothing.
    pub fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let mut timer = self.runtime.timer();
        poll_fn(move |cx| timer.poll_at(cx, at))
    }

    /// Waits for `future`, but at most `limit`; then drops it.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] after `limit`.
    ///
    /// # Cancel safety
    ///
    /// As for `future`.
    pub fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> + use<F> {
        let limit = self.sleep(limit);
        async move { before(limit, future).await.ok_or(Elapsed) }
    }

    /// Runs a future in its own task, which ends when the returned handle is dropped.
    ///
    /// Keep the handle, await it, or [detach](Task::detach) it.
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (work, task) = Task::new(future);
        self.runtime.spawn(Box::pin(work));
        task
    }

    /// Fills `bytes` with unpredictable random bytes from the operating system.
    ///
    /// In the simulator they come from the seed.
    ///
    /// # Errors
    ///
    /// The system has none.
    pub fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.runtime.random(bytes)
    }

    /// A random number, uniform over 2^64, for jitter, identities and the like.
    ///
    /// See [`fill_random`](RuntimeHandle::fill_random).
    ///
    /// # Panics
    ///
    /// If the system has no random bytes. A system without them cannot start a node.
    #[must_use]
    pub fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_random(&mut bytes).expect("a node was started with random bytes");
        u64::from_le_bytes(bytes)
    }

    /// Opens a connection: TCP, or in the simulator a stream of its network.
    ///
    /// Wrap it in a [`timeout`](RuntimeHandle::timeout): for a peer that never answers there is no
    /// limit but the system's.
    ///
    /// # Errors
    ///
    /// The system's error.
    ///
    /// # Cancel safety
    ///
    /// A dropped future abandons the connection.
    pub fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Connection>> + Send + Unpin + use<> {
        self.runtime.connect(to)
    }

    /// Listens at an address of this machine; port 0 takes any free port.
    ///
    /// # Errors
    ///
    /// The system's error: the port is taken, or the address is another machine's.
    pub fn listen(&self, on: SocketAddr) -> io::Result<Listener> {
        self.runtime.listen(on)
    }
}

impl fmt::Debug for RuntimeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeHandle").finish_non_exhaustive()
    }
}

/// The future of [`RuntimeHandle::timeout`] took longer than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit has passed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A [`Runtime`] of any type.
trait Erased: Send + Sync {
    fn now(&self) -> Instant;
    fn timer(&self) -> Box<dyn Timer>;
    fn spawn(&self, work: Boxed<()>);
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;
    fn connect(&self, to: SocketAddr) -> Boxed<io::Result<Connection>>;
    fn listen(&self, on: SocketAddr) -> io::Result<Listener>;
}

impl<R: Runtime> Erased for R {
    fn now(&self) -> Instant {
        Runtime::now(self)
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::new(Runtime::timer(self))
    }

    fn spawn(&self, work: Boxed<()>) {
        Runtime::spawn(self, work);
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        Runtime::random(self, bytes)
    }

    fn connect(&self, to: SocketAddr) -> Boxed<io::Result<Connection>> {
        Box::pin(Runtime::connect(self, to))
    }

    fn listen(&self, on: SocketAddr) -> io::Result<Listener> {
        Runtime::listen(self, on)
    }
}
