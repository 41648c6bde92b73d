//! The conformance suite on smol: `cargo test -p swim-smol --test conformance`. Part of a name runs
//! some of it, as in `-- udp_tcp` or `-- a_crashed_node`.

use std::net::SocketAddr;
use std::process::ExitCode;

use swim_conformance::{Adapter, LocalFuture, Settings, Threads, run};
use swim_smol::{
    BindError, Bound, Hooks, MemoryNetwork, Node, Options, Smol, Transport, UdpTcp, bind_on,
    bind_with_hooks, start_with_hooks,
};

fn main() -> ExitCode {
    run(Settings::of(OnSmol)
        .default_transport("udp_tcp")
        .streams_only("tcp")
        .over_tls("tls")
        .over_tls_only("tcp_tls")
        .over::<MemoryNetwork>())
}

#[derive(Clone, Copy)]
struct OnSmol;

impl Adapter for OnSmol {
    const NAME: &'static str = "smol";

    type Runtime = Smol;

    type Sockets = UdpTcp;

    fn runtime(self) -> Smol {
        Smol
    }

    fn block_on(self, _: Threads, case: LocalFuture<'_, ()>) {
        // Tasks run on the global executor: one thread, unless SMOL_THREADS is set.
        smol::block_on(case);
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
