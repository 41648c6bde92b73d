//! The transport that a node polls.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::task::{Context, Poll, ready};

use async_io::Async;
use swim_tokio::{DialPurpose, Transport};

use crate::connection::UnixConnection;
use crate::directory::Claim;
use crate::names;

/// The Unix sockets of a node.
#[derive(Debug)]
pub struct UnixTransport {
    claim: Claim,
    datagrams: Async<UnixDatagram>,
    listener: Async<UnixListener>,
    /// The number of dialled connections: each has its own name.
    dialled: u64,
}

impl UnixTransport {
    pub(crate) fn new(
        claim: Claim,
        datagrams: UnixDatagram,
        listener: UnixListener,
    ) -> io::Result<Self> {
        let (datagrams, listener) = (Async::new(datagrams)?, Async::new(listener)?);
        Ok(UnixTransport { claim, datagrams, listener, dialled: 0 })
    }
}

impl Transport for UnixTransport {
    type Stream = UnixConnection;

    fn local_address(&self) -> SocketAddr {
        self.claim.address
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        loop {
            // Tries the system first: the runtime may not yet know of a datagram.
            if let Some(received) = done(self.datagrams.get_ref().recv_from(buffer)) {
                return Poll::Ready(received.and_then(|(len, from)| {
                    let from = names::address(from.as_pathname());
                    Ok((len, from.ok_or(io::ErrorKind::InvalidData)?))
                }));
            }
            ready!(self.datagrams.poll_readable(cx))?;
        }
    }

    /// Never waits: the system does not report when a peer has room again, and a peer that does not
    /// read must not delay datagrams to other peers. A datagram without room is lost.
    fn poll_send(
        &mut self,
        _: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        let to = names::datagrams(&self.claim.folder, to);
        Poll::Ready(self.datagrams.get_ref().send_to(payload, to).map(drop))
    }

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(UnixConnection, SocketAddr)>> {
        loop {
            if let Some(accepted) = done(self.listener.get_ref().accept()) {
                let (stream, from) = accepted?;
                // A connection without a name is not from a node.
                if let Some(from) = names::address(from.as_pathname()) {
                    return Poll::Ready(Ok((UnixConnection::new(stream)?, from)));
                }
                continue;
            }
            ready!(self.listener.poll_readable(cx))?;
        }
    }

    fn dial(
        &mut self,
        to: SocketAddr,
        _: DialPurpose,
    ) -> impl Future<Output = io::Result<UnixConnection>> + Send + 'static {
        self.dialled += 1;
        let Claim { folder, address, .. } = &self.claim;
        let own = names::connection(folder, *address, self.dialled);
        UnixConnection::dial(folder.clone(), own, to)
    }
}

/// The result of a system call, or `None` if it would block.
fn done<T>(result: io::Result<T>) -> Option<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        result => Some(result),
    }
}
