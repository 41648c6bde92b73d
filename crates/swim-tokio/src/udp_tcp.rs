//! The transport over UDP and TCP with tokio's sockets.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use swim_driver::{BindError, Carrier, DialPurpose, Options, Transport};
use swim_sockets::{Sockets, listen, tune};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// One UDP socket and one TCP listener on the same port: the transport of [`start`](crate::start).
#[derive(Debug)]
pub struct UdpTcp {
    /// `None` if packets travel over streams alone.
    datagrams: Option<Datagrams>,
    listener: TcpListener,
    address: SocketAddr,
}

#[derive(Debug)]
struct Datagrams {
    /// To wait for datagrams.
    socket: UdpSocket,
    /// The same socket, to ask the system directly; see [`receive`](Datagrams::receive).
    direct: std::net::UdpSocket,
}

impl UdpTcp {
    /// Opens both on one port; port 0 takes one that is free for both.
    ///
    /// # Errors
    ///
    /// [`BindError`], with the address and the socket that cannot be opened.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn open(bind: SocketAddr) -> Result<Self, BindError> {
        let sockets = Sockets::open(bind)?;
        let address = sockets.bound;
        let failed = |error| BindError::Socket { transport: "UDP and TCP", address, error };
        let direct = sockets.datagrams.try_clone().map_err(failed)?;
        let socket = UdpSocket::from_std(sockets.datagrams).map_err(failed)?;
        Ok(UdpTcp {
            datagrams: Some(Datagrams { socket, direct }),
            listener: TcpListener::from_std(sockets.listener).map_err(failed)?,
            address,
        })
    }

    /// Opens only a listener, for a node with [`Carrier::Streams`]; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`BindError`], with the address.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn open_streams(bind: SocketAddr) -> Result<Self, BindError> {
        let (listener, address) = listen(bind)?;
        let failed = |error| BindError::Socket { transport: "TCP", address, error };
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        Ok(UdpTcp { datagrams: None, listener, address })
    }

    /// Opens the sockets that these options need.
    ///
    /// # Errors
    ///
    /// As for [`open`](UdpTcp::open) and [`open_streams`](UdpTcp::open_streams).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn for_options(options: &Options) -> Result<Self, BindError> {
        match options.transport {
            Carrier::Streams => UdpTcp::open_streams(options.bind),
            _ => UdpTcp::open(options.bind),
        }
    }
}

impl Datagrams {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match self.socket.try_recv_from(buffer) {
            // This reflects only the runtime's last poll. After a stall the runtime may not have
            // polled yet, while an ack waits in the socket and a timer is about to give up on it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.direct.recv_from(buffer)
            }
            received => received,
        }
    }
}

impl Transport for UdpTcp {
    type Stream = Compat<TcpStream>;

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
            match datagrams.receive(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return Poll::Ready(received),
            }
            ready!(datagrams.socket.poll_recv_ready(cx))?;
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        let Some(Datagrams { socket, .. }) = &self.datagrams else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        socket.poll_send_to(cx, payload, to).map_ok(drop)
    }

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Compat<TcpStream>, SocketAddr)>> {
        self.listener
            .poll_accept(cx)
            .map_ok(|(stream, from)| (tuned(stream, DialPurpose::Exchange), from))
    }

    fn dial(
        &mut self,
        to: SocketAddr,
        purpose: DialPurpose,
    ) -> impl Future<Output = io::Result<Compat<TcpStream>>> + Send + 'static {
        dial(to, purpose)
    }
}

async fn dial(to: SocketAddr, purpose: DialPurpose) -> io::Result<Compat<TcpStream>> {
    Ok(tuned(TcpStream::connect(to).await?, purpose))
}

pub(crate) fn tuned(stream: TcpStream, purpose: DialPurpose) -> Compat<TcpStream> {
    tune((&stream).into(), purpose);
    stream.compat()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn a_datagram_is_received_before_the_runtime_heard_of_it() {
        let mut transport = UdpTcp::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(b"ack", transport.local_address()).unwrap();
        // Without an await, so the runtime had no chance to poll the socket.
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut buffer = [0; 16];
        let Poll::Ready(Ok((len, from))) = transport.poll_receive(&mut cx, &mut buffer) else {
            panic!("it is not received");
        };
        assert_eq!(from, peer.local_addr().unwrap());
        assert_eq!(&buffer[..len], b"ack");
        assert!(transport.poll_receive(&mut cx, &mut buffer).is_pending());
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_an_error_and_the_next_is_sent() {
        let mut transport = UdpTcp::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = peer.local_addr().unwrap();
        for (to, payload, fits) in [
            (to, vec![0; 70_000], false),
            ("[::1]:9".parse().unwrap(), b"wrong family".to_vec(), false),
            (to, b"fine".to_vec(), true),
        ] {
            let sent = poll_fn(|cx| transport.poll_send(cx, to, &payload)).await;
            assert_eq!(sent.is_ok(), fits, "{sent:?}");
        }
        let mut buffer = [0; 16];
        assert_eq!(peer.recv(&mut buffer).unwrap(), 4);
    }
}
