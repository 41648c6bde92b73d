//! An adapter's default transport with TLS streams.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_lite::future::Boxed;
use swim_driver::{BindError, Carrier, Hooks, Node, Options};
use swim_test_certificates::{Authority, Folder};
use swim_tls::{Tls, TlsTransport};

use crate::adapter::{Adapter, LocalFuture, Threads};
use crate::counting::{Counted, Tasks};
use crate::setting::{Carried, Setting, World};
use crate::stranger::Endpoint;
use crate::unstarted::Unstarted;

/// An adapter's sockets, with one certificate for all nodes.
#[derive(Clone)]
pub(crate) struct OverTls<A> {
    adapter: A,
    name: String,
    tls: Tls,
    carrier: Carrier,
}

impl<A: Adapter> OverTls<A> {
    pub(crate) fn new(adapter: A, name: String, carrier: Carrier) -> Self {
        let (authority, folder) = (Authority::new("conformance"), Folder::new());
        let files = folder.files("node", &[&authority], &authority.issue(&["node"]));
        OverTls { adapter, name, tls: Tls::load(files).unwrap(), carrier }
    }

    fn transport(&self, bind: SocketAddr) -> Result<TlsTransport<A::Sockets>, BindError> {
        Ok(self.tls.wrap(self.adapter.open(bind)?))
    }
}

impl<A: Adapter> Setting for OverTls<A> {
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
        let this = self.clone();
        let open = move |bind| this.transport(bind);
        let counted = Counted::new(self.adapter.runtime(), tasks, open);
        Arc::new(Carried { world: counted, carrier: self.carrier })
    }
}

impl<A: Adapter> World for OverTls<A> {
    fn start(&self, options: Options, hooks: Box<dyn Hooks>) -> Boxed<Result<Node, BindError>> {
        let this = self.clone();
        Box::pin(async move {
            options.check()?;
            let transport = this.transport(options.bind)?;
            Ok(this.adapter.bind_on(transport, options, hooks).await?.spawn())
        })
    }

    fn bind(
        &self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Boxed<Result<Box<dyn Unstarted>, BindError>> {
        let this = self.clone();
        Box::pin(async move {
            options.check()?;
            let transport = this.transport(options.bind)?;
            let bound = this.adapter.bind_on(transport, options, hooks).await?;
            Ok(Box::new(bound) as Box<dyn Unstarted>)
        })
    }

    fn open(&self, bind: SocketAddr) -> Result<Box<dyn Endpoint>, BindError> {
        Ok(Box::new(self.transport(bind)?))
    }
}
