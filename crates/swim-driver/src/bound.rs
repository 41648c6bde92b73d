//! A node that does not run yet.

use std::fmt;
use std::net::SocketAddr;

use swim_core::Hooks;

use crate::carrier::Carrier;
use crate::cluster::Cluster;
use crate::driver::Driver;
use crate::engine::Engine;
use crate::error::BindError;
use crate::events::Events;
use crate::node::Node;
use crate::options::Options;
use crate::runtime::Runtime;
use crate::runtime_handle::RuntimeHandle;
use crate::transport::Transport;

/// A node whose transport is open, and which does not run yet: [run](Bound::run) it in your own
/// task, or [spawn](Bound::spawn) it. Dropping it closes the transport.
///
/// There is no [`Cluster`] of it before it runs, so no command can wait for a node that nobody
/// polls.
#[must_use = "dropping it closes the node's transport"]
pub struct Bound<T, R: Runtime> {
    runtime: R,
    driver: Driver,
    engine: Engine<T, R>,
    address: SocketAddr,
}

impl<T: Transport, R: Runtime> Bound<T, R> {
    /// A node on a transport that listens already.
    ///
    /// # Errors
    ///
    /// [`BindError`] if a setting cannot work, or the system has no random bytes;
    /// [`BindError::TlsNotSpoken`] if the options have certificates that this transport does not
    /// use.
    pub fn new(
        runtime: R,
        transport: T,
        options: &Options,
        hooks: Box<dyn Hooks>,
    ) -> Result<Self, BindError> {
        options.check()?;
        let secured = transport.secures_streams();
        if options.tls.is_some() && !secured {
            return Err(BindError::TlsNotSpoken);
        }
        let datagrams = options.transport == Carrier::Datagrams;
        if secured && datagrams && options.config.keyring.is_empty() {
            tracing::warn!(
                target: "swim", node = %options.config.name,
                "TLS protects streams alone, and datagrams are in the clear: set a key_file too"
            );
        }
        let mut seed = [0; 32];
        let random = runtime.random(&mut seed);
        random.map_err(|error| BindError::Random { reason: error.to_string() })?;
        let address = transport.local_address();
        let mut driver = Driver::with_hooks(options, hooks, address, seed, runtime.now())?;
        driver.set_runtime(RuntimeHandle::new(runtime.clone()));
        let engine = Engine::new(runtime.clone(), transport, driver.inbox());
        Ok(Bound { runtime, driver, engine, address })
    }

    /// The address that the node listens on.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Runs the node beside `application`, in one task, until the future of `application` ends;
    /// then stops the node without a leave, and returns what the application returned.
    ///
    /// The [`Events`] begin with the node's first. When this future resolves, the node's sockets
    /// are closed and its tasks have ended. To be seen as left, have the application await
    /// [`Cluster::leave`] last.
    ///
    /// The node and the application share a task: while one computes, the other waits. Work that
    /// takes more than a few milliseconds belongs into a task of its own.
    ///
    /// # Cancel safety
    ///
    /// A dropped future stops the node at once, without a leave.
    ///
    /// # Panics
    ///
    /// With the panic of one of its [`Hooks`] or of the application.
    pub async fn run<A, F>(self, application: A) -> F::Output
    where
        A: FnOnce(Cluster, Events) -> F,
        F: Future,
    {
        let cluster = self.driver.cluster();
        let (_, events) = cluster.subscribe();
        self.engine.run(self.driver, application(cluster, events)).await
    }

    /// Runs the node in a task of its own, and returns the handle that owns it.
    ///
    /// # Panics
    ///
    /// Where the runtime cannot spawn: tokio outside of its runtime.
    pub fn spawn(self) -> Node {
        Node::spawn(self.runtime, self.driver, self.engine)
    }
}

impl<T, R: Runtime> fmt::Debug for Bound<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}
