//! The tokio runtime of a node.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use swim_driver::{Connection, DialPurpose, Listener, Runtime, Timer};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::{self, Sleep, sleep_until};

use crate::udp_tcp::tuned;

/// The running tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    type Timer = TokioTimer;

    /// The runtime's own clock, which a test may have paused.
    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }

    fn timer(&self) -> TokioTimer {
        TokioTimer { sleep: None }
    }

    fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static {
        tokio::task::yield_now()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(tokio::spawn(task));
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

    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    fn listen(&self, on: SocketAddr) -> io::Result<Listener> {
        let listener = TcpListener::from_std(swim_sockets::open_listener(on)?)?;
        let address = listener.local_addr()?;
        Ok(Listener::new(address, move |cx| {
            listener.poll_accept(cx).map_ok(|(stream, from)| (connection(stream), from))
        }))
    }
}

async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((host, port)).await?.collect())
}

async fn connect(to: SocketAddr) -> io::Result<Connection> {
    Ok(connection(TcpStream::connect(to).await?))
}

fn connection(stream: TcpStream) -> Connection {
    Connection::new(tuned(stream, DialPurpose::Exchange))
}

/// A tokio timer.
#[derive(Debug)]
pub struct TokioTimer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer for TokioTimer {
    fn poll_at(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let at = at.into();
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}
