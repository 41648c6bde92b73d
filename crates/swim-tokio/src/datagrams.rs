//! The datagram socket: takes what waits, and sends without ever waiting.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::time::sleep;

/// Longer than any UDP payload, so that none is cut short unnoticed.
const DATAGRAM_SIZE_MAX: usize = 1 << 16;

/// Datagrams that wait while the socket cannot take them; further ones are lost, as datagrams may
/// be. A turn sends a few; an hour's worth would be stale.
const UNSENT_MAX: usize = 512;

/// Errors in a row that are skipped: on some systems each undeliverable datagram that was sent
/// comes back as an error of the next receive.
const ERRORS_SKIPPED_MAX: usize = 64;

/// The wait after an error that does not go away, instead of trying as fast as possible.
const ERROR_PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Datagrams {
    /// For waiting.
    socket: UdpSocket,
    /// The same socket, for asking the system itself; see [`receive`](Datagrams::receive).
    direct: std::net::UdpSocket,
    buffer: Box<[u8]>,
    unsent: VecDeque<(SocketAddr, Bytes)>,
    failing: bool,
}

impl Datagrams {
    pub(crate) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let direct = socket.try_clone()?;
        Ok(Datagrams {
            socket: UdpSocket::from_std(socket)?,
            direct,
            buffer: vec![0; DATAGRAM_SIZE_MAX].into(),
            unsent: VecDeque::new(),
            failing: false,
        })
    }

    /// Waits until there may be something to receive.
    pub(crate) async fn readable(&self) {
        if self.failing {
            return sleep(ERROR_PAUSE).await;
        }
        if self.socket.readable().await.is_err() {
            // The runtime is shutting down.
            pending().await
        }
    }

    /// Waits until what is unsent can be sent; for ever if there is nothing.
    pub(crate) async fn writable(&self) {
        if self.unsent.is_empty() || self.socket.writable().await.is_err() {
            pending().await
        }
    }

    /// The next datagram that waits: where it is from and how long it is. Its bytes are
    /// [`received`](Datagrams::received).
    pub(crate) fn receive(&mut self) -> Option<(SocketAddr, usize)> {
        for _ in 0..ERRORS_SKIPPED_MAX {
            let mut received = self.socket.try_recv_from(&mut self.buffer);
            if matches!(&received, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
                // That is only what the runtime heard last. After a stall it may not have asked the
                // system yet, while an ack waits there and a timer is about to give up on it.
                received = self.direct.recv_from(&mut self.buffer);
            }
            match received {
                Ok((len, from)) => {
                    self.failing = false;
                    return Some((from, len));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.failing = false;
                    return None;
                }
                Err(error) => {
                    tracing::debug!(target: "swim", %error, "receiving a datagram");
                }
            }
        }
        if !self.failing {
            tracing::warn!(target: "swim", "receiving datagrams fails again and again");
        }
        self.failing = true;
        None
    }

    /// The bytes of the datagram that was received last.
    pub(crate) fn received(&self, len: usize) -> &[u8] {
        &self.buffer[..len]
    }

    /// Sends a datagram, now or when the socket can take it.
    pub(crate) fn send(&mut self, to: SocketAddr, payload: Bytes) {
        if self.unsent.is_empty() && self.try_send(to, &payload) {
            return;
        }
        if self.unsent.len() < UNSENT_MAX {
            self.unsent.push_back((to, payload));
        } else {
            tracing::debug!(target: "swim", %to, "a datagram is lost: too many wait to be sent");
        }
    }

    /// Sends what is unsent, as far as the socket takes it.
    pub(crate) fn flush(&mut self) {
        while let Some((to, payload)) = self.unsent.pop_front() {
            if !self.try_send(to, &payload) {
                self.unsent.push_front((to, payload));
                return;
            }
        }
    }

    /// False when the socket is full for now. Whatever else goes wrong (no route, too large,
    /// refused by a filter) concerns this datagram alone, which is lost.
    fn try_send(&self, to: SocketAddr, payload: &[u8]) -> bool {
        match self.socket.try_send_to(payload, to) {
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                let size = payload.len();
                tracing::debug!(target: "swim", %to, size, %error, "a datagram could not be sent");
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Datagrams {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        Datagrams::new(socket).unwrap()
    }

    #[tokio::test]
    async fn a_datagram_is_received_before_the_runtime_heard_of_it() {
        let mut datagrams = open();
        let to = datagrams.direct.local_addr().unwrap();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(b"ack", to).unwrap();
        // Not a single await: the runtime had no chance to look at the socket.
        let (from, len) = datagrams.receive().unwrap();
        assert_eq!(from, peer.local_addr().unwrap());
        assert_eq!(datagrams.received(len), b"ack");
        assert_eq!(datagrams.receive(), None);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_lost_and_the_rest_goes_on() {
        let mut datagrams = open();
        datagrams.socket.writable().await.unwrap();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        datagrams.send(peer.local_addr().unwrap(), vec![0; 70_000].into());
        datagrams.send("[::1]:9".parse().unwrap(), b"wrong family"[..].into());
        datagrams.send(peer.local_addr().unwrap(), b"fine"[..].into());
        let mut buffer = [0; 16];
        assert_eq!(peer.recv(&mut buffer).unwrap(), 4);
    }

    #[tokio::test]
    async fn what_waits_to_be_sent_is_bounded_and_sent_in_order() {
        let mut datagrams = open();
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = peer.local_addr().unwrap();
        // The runtime does not know yet that the socket takes anything, so all of it waits.
        for number in 0..=UNSENT_MAX {
            datagrams.send(to, vec![0; number].into());
        }
        assert_eq!(datagrams.unsent.len(), UNSENT_MAX);
        datagrams.writable().await;
        datagrams.flush();
        let mut buffer = [0; 1024];
        for number in 0..3 {
            assert_eq!(peer.recv(&mut buffer).unwrap(), number);
        }
    }
}
