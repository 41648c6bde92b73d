//! Strangers: they use the transport but not the protocol.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use futures_lite::future::Boxed;
use futures_lite::io::{AsyncRead, AsyncWrite};
use swim_driver::{DialPurpose, Transport};

use crate::wait::{in_time, pause};

/// A connection of any transport.
pub(crate) type Connection = Box<dyn Bytes>;

/// Both directions of a connection, on any runtime.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Bytes for S {}

/// Any transport, without a node.
pub(crate) trait Endpoint: Send {
    fn address(&self) -> SocketAddr;

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>>;

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>>;

    fn dial(&mut self, to: SocketAddr) -> Boxed<io::Result<Connection>>;
}

impl<T: Transport> Endpoint for T {
    fn address(&self) -> SocketAddr {
        self.local_address()
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        Transport::poll_receive(self, cx, buffer)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        Transport::poll_send(self, cx, to, payload)
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        Transport::poll_accept(self, cx).map_ok(|(stream, _)| Box::new(stream) as Connection)
    }

    fn dial(&mut self, to: SocketAddr) -> Boxed<io::Result<Connection>> {
        let dialled = Transport::dial(self, to, DialPurpose::Exchange);
        Box::pin(async move { Ok(Box::new(dialled.await?) as Connection) })
    }
}

/// A stranger at an address of the network.
pub(crate) struct Stranger {
    endpoint: Box<dyn Endpoint>,
}

impl Stranger {
    pub(crate) fn new(endpoint: Box<dyn Endpoint>) -> Self {
        Stranger { endpoint }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.address()
    }

    /// The next datagram: its size in the buffer, and its source.
    pub(crate) async fn receive(&mut self, buffer: &mut [u8]) -> (usize, SocketAddr) {
        loop {
            let received = poll_fn(|cx| self.endpoint.poll_receive(cx, buffer)).await;
            // Systems other than Linux report a datagram to a closed port as an error here.
            if let Ok(received) = received {
                return received;
            }
        }
    }

    /// Sends a datagram, which the transport may refuse.
    pub(crate) async fn send(&mut self, to: SocketAddr, payload: &[u8]) {
        let sent = poll_fn(|cx| self.endpoint.poll_send(cx, to, payload));
        let _ = in_time("a datagram is sent", sent).await;
    }

    /// Connects to a node, which may have to accept other connections first.
    pub(crate) async fn dial(&mut self, to: SocketAddr) -> Connection {
        let connecting = async {
            loop {
                match self.try_dial(to).await {
                    Ok(connection) => return connection,
                    Err(_) => pause().await,
                }
            }
        };
        in_time("it is connected", connecting).await
    }

    /// Connects to an address that may not listen.
    pub(crate) async fn try_dial(&mut self, to: SocketAddr) -> io::Result<Connection> {
        self.endpoint.dial(to).await
    }

    /// Accepts the next connection.
    pub(crate) async fn accept(&mut self) -> Connection {
        let accepting = poll_fn(|cx| self.endpoint.poll_accept(cx));
        in_time("somebody connects", accepting).await.unwrap()
    }

    /// Accepts every connection, takes every datagram, and never sends anything.
    pub(crate) async fn say_nothing(mut self) -> Infallible {
        let mut kept = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        poll_fn(|cx| {
            while let Poll::Ready(Ok(connection)) = self.endpoint.poll_accept(cx) {
                kept.push(connection);
            }
            while self.endpoint.poll_receive(cx, &mut buffer).is_ready() {}
            Poll::Pending
        })
        .await
    }
}
