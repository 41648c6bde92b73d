//! The transport over UDP and TCP on async-io.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::task::{Context, Poll, ready};

use async_io::Async;
use swim_driver::{BindError, Carrier, DialPurpose, Options, Transport};

use crate::connection::TcpConnection;
use crate::sockets::{Sockets, listen};

/// One UDP socket and one TCP listener on the same port.
///
/// Works on any runtime: `async-io` waits for the system in its own thread.
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
    /// `None` if packets travel over streams alone.
    datagrams: Option<Async<UdpSocket>>,
    listener: Async<TcpListener>,
    address: SocketAddr,
}

impl UdpTcp {
    /// Opens both on one port; port 0 takes one that is free for both.
    ///
    /// # Errors
    ///
    /// As for [`Sockets::open`].
    pub fn open(bind: SocketAddr) -> Result<Self, BindError> {
        let Sockets { datagrams, listener, bound: address } = Sockets::open(bind)?;
        let failed = |error| BindError::Socket { transport: "UDP and TCP", address, error };
        Ok(UdpTcp {
            datagrams: Some(Async::new_nonblocking(datagrams).map_err(failed)?),
            listener: Async::new_nonblocking(listener).map_err(failed)?,
            address,
        })
    }

    /// Opens only a listener, for a node with [`Carrier::Streams`].
    ///
    /// # Errors
    ///
    /// As for [`listen`].
    pub fn open_streams(bind: SocketAddr) -> Result<Self, BindError> {
        let (listener, address) = listen(bind)?;
        let failed = |error| BindError::Socket { transport: "TCP", address, error };
        let listener = Async::new_nonblocking(listener).map_err(failed)?;
        Ok(UdpTcp { datagrams: None, listener, address })
    }

    /// Opens the sockets that these options need.
    ///
    /// # Errors
    ///
    /// As for [`open`](UdpTcp::open) and [`open_streams`](UdpTcp::open_streams).
    pub fn for_options(options: &Options) -> Result<Self, BindError> {
        match options.transport {
            Carrier::Streams => UdpTcp::open_streams(options.bind),
            _ => UdpTcp::open(options.bind),
        }
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
        // No datagram ever comes.
        let Some(datagrams) = &self.datagrams else { return Poll::Pending };
        loop {
            if let Some(received) = done(datagrams.get_ref().recv_from(buffer)) {
                return Poll::Ready(received);
            }
            ready!(datagrams.poll_readable(cx))?;
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        let Some(datagrams) = &self.datagrams else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        loop {
            if let Some(sent) = done(datagrams.get_ref().send_to(payload, to)) {
                return Poll::Ready(sent.map(drop));
            }
            ready!(datagrams.poll_writable(cx))?;
        }
    }

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpConnection, SocketAddr)>> {
        loop {
            if let Some(accepted) = done(self.listener.get_ref().accept()) {
                return Poll::Ready(accepted.and_then(|(stream, from)| {
                    Ok((TcpConnection::new(Async::new(stream)?, DialPurpose::Exchange), from))
                }));
            }
            ready!(self.listener.poll_readable(cx))?;
        }
    }

    fn dial(
        &mut self,
        to: SocketAddr,
        purpose: DialPurpose,
    ) -> impl Future<Output = io::Result<TcpConnection>> + Send + 'static {
        dial(to, purpose)
    }
}

async fn dial(to: SocketAddr, purpose: DialPurpose) -> io::Result<TcpConnection> {
    Ok(TcpConnection::new(Async::<TcpStream>::connect(to).await?, purpose))
}

/// The result of a system call, or `None` if it would block.
pub(crate) fn done<T>(result: io::Result<T>) -> Option<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        result => Some(result),
    }
}
