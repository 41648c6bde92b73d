//! The conformance suite on tokio: `cargo test -p swim-tokio --test conformance`. Part of a name
//! runs some of it, as in `-- udp_tcp` or `-- a_crashed_node`.

use std::net::SocketAddr;
use std::process::ExitCode;

use swim_conformance::{Adapter, LocalFuture, Settings, Threads, run};
use swim_tokio::{
    BindError, Bound, Hooks, MemoryNetwork, Node, Options, Tokio, Transport, UdpTcp, bind_on,
    bind_with_hooks, start_with_hooks,
};
use tokio::runtime::Builder;

fn main() -> ExitCode {
    run(Settings::of(OnTokio)
        .default_transport("udp_tcp")
        .streams_only("tcp")
        .over_tls("tls")
        .over_tls_only("tcp_tls")
        .over::<MemoryNetwork>())
}

#[derive(Clone, Copy)]
struct OnTokio;

impl Adapter for OnTokio {
    const NAME: &'static str = "tokio";

    type Runtime = Tokio;

    type Sockets = UdpTcp;

    fn runtime(self) -> Tokio {
        Tokio
    }

    fn block_on(self, threads: Threads, case: LocalFuture<'_, ()>) {
        let mut builder = match threads {
            Threads::One => Builder::new_current_thread(),
            Threads::Many => Builder::new_multi_thread(),
        };
        builder.enable_all().build().expect("the system lets tokio run").block_on(case);
    }

    fn open(self, bind: SocketAddr) -> Result<UdpTcp, BindError> {
        UdpTcp::open(bind)
    }

    async fn start(self, options: Options, hooks: Box<dyn Hooks>) -> Result<Node, BindError> {
        start_with_hooks(options, hooks).await
    }

    async fn bind(self, options: Options, hooks: Box<dyn Hooks>) -> Result<Bound, BindError> {
        bind_with_hooks(options, hooks).await
    }

    async fn bind_on<T: Transport>(
        self,
        transport: T,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Result<Bound<T>, BindError> {
        bind_on(transport, options, hooks).await
    }
}
