//! The setting of a suite: an adapter with one of its transports.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_lite::future::Boxed;
use swim_driver::{BindError, Carrier, Hooks, Node, Options};

use crate::adapter::{Adapter, LocalFuture, Threads};
use crate::counting::{Counted, Tasks};
use crate::network::Network;
use crate::stranger::Endpoint;
#[cfg(feature = "tls")]
use crate::tls::OverTls;
use crate::unstarted::Unstarted;

/// The transports on which an adapter runs the suite.
pub struct Settings<A> {
    adapter: A,
    settings: Vec<Arc<dyn Setting>>,
}

impl<A: Adapter> Settings<A> {
    /// Starts without a transport.
    #[must_use]
    pub fn of(adapter: A) -> Self {
        Settings { adapter, settings: Vec::new() }
    }

    /// Adds the transport that the adapter's `start` opens, under this name.
    #[must_use]
    pub fn default_transport(self, name: &str) -> Self {
        self.default_sockets(name, Carrier::Datagrams)
    }

    /// Adds the same with [`Carrier::Streams`]: without datagrams.
    #[must_use]
    pub fn streams_only(self, name: &str) -> Self {
        self.default_sockets(name, Carrier::Streams)
    }

    fn default_sockets(mut self, name: &str, carrier: Carrier) -> Self {
        let name = format!("{}::{name}", A::NAME);
        self.settings.push(Arc::new(OfAdapter { adapter: self.adapter, name, carrier }));
        self
    }

    /// Adds the adapter's default transport with TLS streams, under this name.
    ///
    /// All nodes have the same certificate.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn over_tls(self, name: &str) -> Self {
        self.sockets_over_tls(name, Carrier::Datagrams)
    }

    /// Adds the same with [`Carrier::Streams`]: everything over TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn over_tls_only(self, name: &str) -> Self {
        self.sockets_over_tls(name, Carrier::Streams)
    }

    #[cfg(feature = "tls")]
    fn sockets_over_tls(mut self, name: &str, carrier: Carrier) -> Self {
        let name = format!("{}::{name}", A::NAME);
        self.settings.push(Arc::new(OverTls::new(self.adapter, name, carrier)));
        self
    }

    /// Adds a custom network.
    #[must_use]
    pub fn over<N: Network>(mut self) -> Self {
        let name = format!("{}::{}", A::NAME, N::NAME);
        let make = N::default;
        self.settings.push(Arc::new(Over { adapter: self.adapter, name, make }));
        self
    }

    pub(crate) fn into_settings(self) -> Vec<Arc<dyn Setting>> {
        self.settings
    }
}

impl<A: Adapter> std::fmt::Debug for Settings<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.settings.iter().map(|setting| setting.name())).finish()
    }
}

/// An adapter with one of its transports.
pub(crate) trait Setting: Send + Sync {
    /// The prefix of its trials' names.
    fn name(&self) -> &str;

    /// Whether its addresses are those of the machine.
    fn is_of_the_machine(&self) -> bool;

    /// How packets travel.
    fn carrier(&self) -> Carrier {
        Carrier::Datagrams
    }

    fn block_on(&self, threads: Threads, case: LocalFuture<'_, ()>);

    /// The network of one case.
    fn world(&self) -> Arc<dyn World>;

    /// The same for a case that counts tasks. Its nodes are not started by the adapter's functions,
    /// which would use the adapter's runtime uncounted.
    fn counted_world(&self, tasks: &Tasks) -> Arc<dyn World>;
}

/// The world that the nodes of a case share.
pub(crate) trait World: Send + Sync {
    fn start(&self, options: Options, hooks: Box<dyn Hooks>) -> Boxed<Result<Node, BindError>>;

    fn bind(
        &self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Boxed<Result<Box<dyn Unstarted>, BindError>>;

    /// A transport without a node.
    fn open(&self, bind: SocketAddr) -> Result<Box<dyn Endpoint>, BindError>;
}

#[derive(Clone)]
struct OfAdapter<A> {
    adapter: A,
    name: String,
    carrier: Carrier,
}

impl<A: Adapter> Setting for OfAdapter<A> {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_of_the_machine(&self) -> bool {
        true
    }

    fn carrier(&self) -> Carrier {
        self.carrier
    }

    fn block_on(&self, threads: Threads, case: LocalFuture<'_, ()>) {
        self.adapter.block_on(threads, case);
    }

    fn world(&self) -> Arc<dyn World> {
        Arc::new(Carried { world: self.clone(), carrier: self.carrier })
    }

    fn counted_world(&self, tasks: &Tasks) -> Arc<dyn World> {
        let adapter = self.adapter;
        let counted = Counted::new(adapter.runtime(), tasks, move |bind| adapter.open(bind));
        Arc::new(Carried { world: counted, carrier: self.carrier })
    }
}

impl<A: Adapter> World for OfAdapter<A> {
    fn start(&self, options: Options, hooks: Box<dyn Hooks>) -> Boxed<Result<Node, BindError>> {
        let adapter = self.adapter;
        Box::pin(async move { adapter.start(options, hooks).await })
    }

    fn bind(
        &self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Boxed<Result<Box<dyn Unstarted>, BindError>> {
        let adapter = self.adapter;
        Box::pin(async move {
            let bound = adapter.bind(options, hooks).await?;
            Ok(Box::new(bound) as Box<dyn Unstarted>)
        })
    }

    fn open(&self, bind: SocketAddr) -> Result<Box<dyn Endpoint>, BindError> {
        Ok(Box::new(self.adapter.open(bind)?))
    }
}

/// A network whose nodes' packets travel in this way.
pub(crate) struct Carried<W> {
    pub(crate) world: W,
    pub(crate) carrier: Carrier,
}

impl<W: World> World for Carried<W> {
    fn start(&self, mut options: Options, hooks: Box<dyn Hooks>) -> Boxed<Result<Node, BindError>> {
        options.transport = self.carrier;
        self.world.start(options, hooks)
    }

    fn bind(
        &self,
        mut options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Boxed<Result<Box<dyn Unstarted>, BindError>> {
        options.transport = self.carrier;
        self.world.bind(options, hooks)
    }

    fn open(&self, bind: SocketAddr) -> Result<Box<dyn Endpoint>, BindError> {
        self.world.open(bind)
    }
}

struct Over<A, N> {
    adapter: A,
    name: String,
    make: fn() -> N,
}

impl<A: Adapter, N: Network> Setting for Over<A, N> {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_of_the_machine(&self) -> bool {
        false
    }

    fn block_on(&self, threads: Threads, case: LocalFuture<'_, ()>) {
        self.adapter.block_on(threads, case);
    }

    fn world(&self) -> Arc<dyn World> {
        Arc::new(Own { adapter: self.adapter, network: (self.make)() })
    }

    fn counted_world(&self, tasks: &Tasks) -> Arc<dyn World> {
        let network = (self.make)();
        Arc::new(Counted::new(self.adapter.runtime(), tasks, move |bind| network.open(bind)))
    }
}

struct Own<A, N> {
    adapter: A,
    network: N,
}

impl<A: Adapter, N: Network> World for Own<A, N> {
    fn start(&self, options: Options, hooks: Box<dyn Hooks>) -> Boxed<Result<Node, BindError>> {
        let (adapter, transport) = (self.adapter, self.network.open(options.bind));
        Box::pin(async move { Ok(adapter.bind_on(transport?, options, hooks).await?.spawn()) })
    }

    fn bind(
        &self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Boxed<Result<Box<dyn Unstarted>, BindError>> {
        let (adapter, transport) = (self.adapter, self.network.open(options.bind));
        Box::pin(async move {
            let bound = adapter.bind_on(transport?, options, hooks).await?;
            Ok(Box::new(bound) as Box<dyn Unstarted>)
        })
    }

    fn open(&self, bind: SocketAddr) -> Result<Box<dyn Endpoint>, BindError> {
        Ok(Box::new(self.network.open(bind)?))
    }
}
