//! Connections of an application.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// A connection of an application: bytes in order, one way and the other. See
/// [`RuntimeHandle::connect`](crate::RuntimeHandle::connect).
///
/// Closing it (`poll_close`) ends what the peer reads; dropping it ends both ways.
pub struct Connection {
    stream: Pin<Box<dyn Stream>>,
}

trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

impl Connection {
    /// A connection over this stream: for whoever implements a [`Runtime`](crate::Runtime).
    #[must_use]
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Connection { stream: Box::pin(stream) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, pieces)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_close(cx)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Accepts the connections of others; see
/// [`RuntimeHandle::listen`](crate::RuntimeHandle::listen). Dropping it closes the port.
pub struct Listener {
    address: SocketAddr,
    accept: Box<Accept>,
}

type Accept = dyn FnMut(&mut Context<'_>) -> Poll<io::Result<(Connection, SocketAddr)>> + Send;

impl Listener {
    /// One that listens at `address` and is asked by `accept`, which is called like
    /// [`Future::poll`]: for whoever implements a [`Runtime`](crate::Runtime).
    pub fn new(
        address: SocketAddr,
        accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<(Connection, SocketAddr)>>
        + Send
        + 'static,
    ) -> Self {
        Listener { address, accept: Box::new(accept) }
    }

    /// Where it listens.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, and the address that it comes from.
    ///
    /// # Errors
    ///
    /// No connection can be accepted now, as when descriptors run out. Wait a little before you ask
    /// again.
    ///
    /// # Cancel safety
    ///
    /// A dropped future has accepted nothing.
    pub async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        poll_fn(|cx| (self.accept)(cx)).await
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}
