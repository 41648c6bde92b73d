//! A connection over a Unix socket.

use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_io::{Async, Timer};
use futures_io::{AsyncRead, AsyncWrite};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::names;

/// The pause before another attempt, if a peer's queue of connections is full.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// A connection over a Unix socket.
#[derive(Debug)]
pub struct UnixConnection {
    stream: Async<UnixStream>,
}

impl UnixConnection {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(UnixConnection { stream: Async::new(stream)? })
    }

    /// Connects to an address, from a socket whose name identifies this node to the peer.
    pub(crate) async fn dial(folder: PathBuf, own: PathBuf, to: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::unix(&own)?)?;
        let _name = Name { path: &own };
        let peer = SockAddr::unix(names::streams(&folder, to))?;
        loop {
            match socket.connect(&peer) {
                Ok(()) => return UnixConnection::new(socket.into()),
                // The peer's queue is full. The system does not report when it has room.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    Timer::after(QUEUE_PAUSE).await;
                }
                // There is no such node.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The name of a connecting socket. A connected peer knows it, so the file is removed after the
/// dial in any case.
struct Name<'a> {
    path: &'a Path,
}

impl Drop for Name<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path);
    }
}

impl AsyncRead for UnixConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for UnixConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends the stream for the peer's reads.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.stream.get_ref().shutdown(Shutdown::Write) {
            // The peer is gone.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            closed => closed,
        })
    }
}
