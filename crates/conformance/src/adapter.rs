//! The adapter under test: its runtime, and its functions that start nodes.

use std::net::SocketAddr;
use std::pin::Pin;

use swim_driver::{BindError, Bound, Hooks, Node, Options, Runtime, Transport};

/// A future that stays in its thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How many threads a case wants. A runtime without a choice ignores this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One.
    One,
    /// As many as there are cores.
    Many,
}

/// An adapter: its runtime, and its functions that start nodes.
pub trait Adapter: Copy + Send + Sync + 'static {
    /// The name in the names of trials, such as `tokio`.
    const NAME: &'static str;

    /// Its runtime.
    type Runtime: Runtime;

    /// Its default transport.
    type Sockets: Transport;

    /// The runtime.
    fn runtime(self) -> Self::Runtime;

    /// Runs a case to its end.
    fn block_on(self, threads: Threads, case: LocalFuture<'_, ()>);

    /// Opens the default transport.
    ///
    /// # Errors
    ///
    /// The transport's error.
    fn open(self, bind: SocketAddr) -> Result<Self::Sockets, BindError>;

    /// Its `start_with_hooks`.
    fn start(
        self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> impl Future<Output = Result<Node, BindError>> + Send;

    /// Its `bind_with_hooks`.
    fn bind(
        self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> impl Future<Output = Result<Bound<Self::Sockets, Self::Runtime>, BindError>> + Send;

    /// Its `bind_on`.
    fn bind_on<T: Transport>(
        self,
        transport: T,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> impl Future<Output = Result<Bound<T, Self::Runtime>, BindError>> + Send;
}
