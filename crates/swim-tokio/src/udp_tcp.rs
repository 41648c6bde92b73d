//! The transport of UDP and TCP on tokio's sockets.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use swim_driver::{BindError, Transport};
use swim_sockets::Sockets;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// One UDP socket and one TCP listener on the same port: the transport of
/// [`start`](crate::start).
#[derive(Debug)]
pub struct UdpTcp {
    /// For waiting.
    datagrams: UdpSocket,
    /// The same socket, for asking the system itself; see [`receive`](UdpTcp::receive).
    direct: std::net::UdpSocket,
    listener: TcpListener,
    address: SocketAddr,
}

impl UdpTcp {
    /// Opens both on one port; port 0 is any that is free for both.
    ///
    /// # Errors
    ///
    /// [`BindError`], which names the address and which of the two cannot be opened.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with input and output enabled.
    pub fn open(bind: SocketAddr) -> Result<Self, BindError> {
        let sockets = Sockets::open(bind)?;
        let address = sockets.bound;
        let failed = |error| BindError::Socket { transport: "UDP and TCP", address, error };
        Ok(UdpTcp {
            direct: sockets.datagrams.try_clone().map_err(failed)?,
            datagrams: UdpSocket::from_std(sockets.datagrams).map_err(failed)?,
            listener: TcpListener::from_std(sockets.listener).map_err(failed)?,
            address,
        })
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match self.datagrams.try_recv_from(buffer) {
            // That is only what the runtime heard last. After a stall it may not have asked the
            // system yet, while an ack waits there and a timer is about to give up on it.
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
        loop {
            match self.receive(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return Poll::Ready(received),
            }
            ready!(self.datagrams.poll_recv_ready(cx))?;
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        self.datagrams.poll_send_to(cx, payload, to).map_ok(drop)
    }

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Compat<TcpStream>, SocketAddr)>> {
        self.listener.poll_accept(cx).map_ok(|(stream, from)| (ready_to_talk(stream), from))
    }

    fn dial(
        &mut self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Compat<TcpStream>>> + Send + 'static {
        dial(to)
    }
}

async fn dial(to: SocketAddr) -> io::Result<Compat<TcpStream>> {
    Ok(ready_to_talk(TcpStream::connect(to).await?))
}

/// Exchanges are short, and every one waits for its last bytes.
fn ready_to_talk(stream: TcpStream) -> Compat<TcpStream> {
    let _ = stream.set_nodelay(true);
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
        // Not a single await: the runtime had no chance to look at the socket.
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
