//! Connections of an application.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// A connection of an application: ordered bytes in both directions.
///
/// See [`RuntimeHandle::connect`](crate::RuntimeHandle::connect). Closing it (`poll_close`) ends
/// the peer's reading; dropping it ends both directions.
pub struct Connection {
    stream: Pin<Box<dyn Stream>>,
}

trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

impl Connection {
    /// Wraps this stream, for implementations of [`Runtime`](crate::Runtime).
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

/// Accepts connections; dropping it closes the port.
///
/// See [`RuntimeHandle::listen`](crate::RuntimeHandle::listen).
pub struct Listener {
    address: SocketAddr,
    accept: Box<Accept>,
}

type Accept = dyn FnMut(&mut Context<'_>) -> Poll<io::Result<(Connection, SocketAddr)>> + Send;

impl Listener {
    /// A listener at `address`, for implementations of [`Runtime`](crate::Runtime).
    ///
    /// `accept` is called like [`Future::poll`].
    pub fn new(
        address: SocketAddr,
        accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<(Connection, SocketAddr)>>
        + Send
        + 'static,
    ) -> Self {
        Listener { address, accept: Box::new(accept) }
    }

    /// The address it listens on.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts the next connection, and returns it with its source address.
    ///
    /// # Errors
    ///
    /// No connection can be accepted now, for example because descriptors ran out. Wait a little
    /// before you call this again.
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
