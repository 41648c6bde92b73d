//! The smol runtime of a node.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use swim_driver::{Connection, Listener, Runtime};
use swim_sockets::{AsyncIoTimer, connect, listen_async};

/// Smol's global executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Runtime for Smol {
    type Timer = AsyncIoTimer;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn timer(&self) -> AsyncIoTimer {
        AsyncIoTimer::default()
    }

    fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static {
        smol::future::yield_now()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }

    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        smol::net::resolve((host, port))
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
