//! The async-std runtime of a node.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use swim_driver::{Connection, Listener, Runtime};
use swim_sockets::{AsyncIoTimer, connect, listen_async};

/// async-std's executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

impl Runtime for AsyncStd {
    type Timer = AsyncIoTimer;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn timer(&self) -> AsyncIoTimer {
        AsyncIoTimer::default()
    }

    fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static {
        async_std::task::yield_now()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(async_std::task::spawn(task));
    }

    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        resolve(host, port)
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::from)
    }

    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Connection>> + Send + 'static {
        connect(to)
    }

    fn listen(&self, on: SocketAddr) -> io::Result<Listener> {
        listen_async(on)
    }
}

async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = (host.as_str(), port);
    Ok(async_std::net::ToSocketAddrs::to_socket_addrs(&host).await?.collect())
}
