//! The conformance cases of adapters, on this transport:
//! `cargo test -p unix-transport --test conformance`.
#![cfg(unix)]

use std::net::SocketAddr;
use std::process::ExitCode;

use swim_conformance::{Adapter, LocalFuture, Network, Settings, Threads, run};
use swim_tokio::{
    BindError, Bound, Hooks, Node, Options, Tokio, Transport, UdpTcp, bind_on, bind_with_hooks,
    start_with_hooks,
};
use tempfile::TempDir;
use tokio::runtime::Builder;
use unix_transport::{Directory, UnixTransport};

fn main() -> ExitCode {
    run(Settings::of(OnTokio).over::<Folder>())
}

/// A folder for one case, removed at its end.
struct Folder {
    directory: Directory,
    _folder: TempDir,
}

impl Default for Folder {
    fn default() -> Self {
        let folder = TempDir::new().expect("there is room for a folder");
        let directory = Directory::new(folder.path()).expect("it is there");
        Folder { directory, _folder: folder }
    }
}

impl Network for Folder {
    const NAME: &'static str = "unix";

    type Transport = UnixTransport;

    fn open(&self, bind: SocketAddr) -> Result<UnixTransport, BindError> {
        self.directory.open(bind)
    }
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
