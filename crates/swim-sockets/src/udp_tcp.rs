//! The transport of UDP and TCP on async-io.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::task::{Context, Poll, ready};

use async_io::Async;
use swim_driver::{BindError, Transport};

use crate::connection::TcpConnection;
use crate::sockets::Sockets;

/// One UDP socket and one TCP listener on the same port. Its tasks may run on any runtime:
/// `async-io` waits for the system in a thread of its own.
///
/// ```
/// # use swim_driver::Transport;
/// # use swim_sockets::UdpTcp;
/// let transport = UdpTcp::open("127.0.0.1:0".parse()?)?;
/// assert_ne!(transport.local_address().port(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UdpTcp {
    datagrams: Async<UdpSocket>,
    listener: Async<TcpListener>,
    address: SocketAddr,
}

impl UdpTcp {
    /// Opens both on one port; port 0 is any that is free for both.
    ///
    /// # Errors
    ///
    /// As [`Sockets::open`].
    pub fn open(bind: SocketAddr) -> Result<Self, BindError> {
        let Sockets { datagrams, listener, bound: address } = Sockets::open(bind)?;
        let failed = |error| BindError::Socket { transport: "UDP and TCP", address, error };
        Ok(UdpTcp {
            datagrams: Async::new_nonblocking(datagrams).map_err(failed)?,
            listener: Async::new_nonblocking(listener).map_err(failed)?,
            address,
        })
    }
}

impl Transport for UdpTcp {
    type Stream = TcpConnection;

    fn local_address(&self) -> SocketAddr {
        self.address
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        loop {
            if let Some(received) = done(self.datagrams.get_ref().recv_from(buffer)) {
                return Poll::Ready(received);
            }
            ready!(self.datagrams.poll_readable(cx))?;
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(sent) = done(self.datagrams.get_ref().send_to(payload, to)) {
                return Poll::Ready(sent.map(drop));
            }
            ready!(self.datagrams.poll_writable(cx))?;
        }
    }

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpConnection, SocketAddr)>> {
        loop {
            if let Some(accepted) = done(self.listener.get_ref().accept()) {
                return Poll::Ready(accepted.and_then(|(stream, from)| {
                    Ok((TcpConnection::new(Async::new(stream)?), from))
                }));
            }
            ready!(self.listener.poll_readable(cx))?;
        }
    }

    fn dial(
        &mut self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<TcpConnection>> + Send + 'static {
        dial(to)
    }
}

async fn dial(to: SocketAddr) -> io::Result<TcpConnection> {
    Ok(TcpConnection::new(Async::<TcpStream>::connect(to).await?))
}

/// What the system did, or `None` if it has to be waited for.
fn done<T>(result: io::Result<T>) -> Option<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        result => Some(result),
    }
}
