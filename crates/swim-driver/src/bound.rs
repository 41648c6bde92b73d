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

/// A node whose transport is open but which does not run yet.
///
/// [Run](Bound::run) it in your own task, or [spawn](Bound::spawn) it. Dropping it closes the
/// transport. There is no [`Cluster`] handle before it runs, so no command can wait for a node that
/// is not polled.
#[must_use = "dropping it closes the node's transport"]
pub struct Bound<T, R: Runtime> {
    runtime: R,
    driver: Driver,
    engine: Engine<T, R>,
    address: SocketAddr,
}

impl<T: Transport, R: Runtime> Bound<T, R> {
    /// Creates a node on a transport that already listens.
    ///
    /// # Errors
    ///
    /// [`BindError`] if a setting cannot work or the system has no random bytes;
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
                "TLS protects only streams, and datagrams are not encrypted: also set a key_file"
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

    /// Runs the node beside `application`, in one task, until the application's future ends.
    ///
    /// Then it stops the node without a leave, and returns the application's result. For a leave,
    /// let the application await [`Cluster::leave`] last. The [`Events`] begin with the node's
    /// first. When this resolves, the node's sockets are closed and its tasks have ended.
    ///
    /// The node and the application share one task: while one computes, the other waits. Spawn work
    /// that takes more than a few milliseconds.
    ///
    /// # Cancel safety
    ///
    /// A dropped future stops the node at once, without a leave.
    ///
    /// # Panics
    ///
    /// If a hook ([`Hooks`]) or the application panics.
    pub async fn run<A, F>(self, application: A) -> F::Output
    where
        A: FnOnce(Cluster, Events) -> F,
        F: Future,
    {
        let cluster = self.driver.cluster();
        let (_, events) = cluster.subscribe();
        self.engine.run(self.driver, application(cluster, events)).await
    }

    /// Runs the node in its own task, and returns the handle that owns it.
    ///
    /// # Panics
    ///
    /// If the runtime cannot spawn, like tokio outside of its runtime.
    pub fn spawn(self) -> Node {
        Node::spawn(self.runtime, self.driver, self.engine)
    }
}

impl<T, R: Runtime> fmt::Debug for Bound<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}
