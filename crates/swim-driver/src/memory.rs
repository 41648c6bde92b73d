//! A network within one process, without sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use async_channel::{Receiver, Sender};
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use piper::{Reader, Writer};

use crate::action::DialPurpose;
use crate::error::BindError;
use crate::transport::Transport;

/// The most datagrams that wait at one node; further ones are lost.
const DATAGRAMS_MAX: usize = 1024;

/// The most connections that wait to be accepted at one node; further ones are refused.
const BACKLOG: usize = 256;

/// The most bytes that wait on a connection, in each direction.
const PIPE_SIZE: usize = 64 << 10;

/// The ports to choose from for port 0.
const ANY_PORT: std::ops::RangeInclusive<u16> = 49152..=65535;

/// A network within one process: nodes with its [`MemoryTransport`] reach only each other.
///
/// It uses no sockets. Clones are the same network. It loses datagrams only if a node does not keep
/// up. For packet loss, delays, partitions and virtual time use the simulator `swim-sim`.
///
/// ```
/// # use swim_driver::{MemoryNetwork, Transport};
/// let network = MemoryNetwork::new();
/// let a = network.open("10.0.0.1:7946".parse()?)?;
/// let any_port = network.open("10.0.0.1:0".parse()?)?;
/// assert_ne!(a.local_address(), any_port.local_address());
/// // An address is free again once its transport is dropped.
/// assert!(network.open("10.0.0.1:7946".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryNetwork {
    ends: Arc<Mutex<BTreeMap<SocketAddr, End>>>,
}

/// The channels to a node.
struct End {
    datagrams: Sender<Datagram>,
    streams: Sender<(MemoryStream, SocketAddr)>,
}

struct Datagram {
    from: SocketAddr,
    payload: Box<[u8]>,
}

impl MemoryNetwork {
    /// A network without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens any address in this network; port 0 takes a free port.
    ///
    /// # Errors
    ///
    /// [`BindError::Socket`] if the address is taken, [`BindError::NoFreePort`] if all ports are.
    pub fn open(&self, address: SocketAddr) -> Result<MemoryTransport, BindError> {
        let mut ends = self.ends();
        let free = |address: &SocketAddr| !ends.contains_key(address);
        let address = if address.port() == 0 {
            let mut any = ANY_PORT.map(|port| SocketAddr::new(address.ip(), port));
            any.find(free).ok_or(BindError::NoFreePort { address, attempts: ANY_PORT.len() })?
        } else if free(&address) {
            address
        } else {
            let error = io::ErrorKind::AddrInUse.into();
            return Err(BindError::Socket { transport: "in-memory", address, error });
        };
        let (datagrams, waiting) = async_channel::bounded(DATAGRAMS_MAX);
        let (streams, backlog) = async_channel::bounded(BACKLOG);
        ends.insert(address, End { datagrams, streams });
        Ok(MemoryTransport {
            network: self.clone(),
            address,
            waiting: Box::pin(waiting),
            backlog: Box::pin(backlog),
        })
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ends().keys()).finish()
    }
}

/// The [transport](Transport) of a node in a [`MemoryNetwork`].
pub struct MemoryTransport {
    network: MemoryNetwork,
    address: SocketAddr,
    waiting: Pin<Box<Receiver<Datagram>>>,
    backlog: Pin<Box<Receiver<(MemoryStream, SocketAddr)>>>,
}

impl Transport for MemoryTransport {
    type Stream = MemoryStream;

    fn local_address(&self) -> SocketAddr {
        self.address
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.waiting.as_mut().poll_next(cx).map(|next| {
            let Datagram { from, payload } = next.ok_or(io::ErrorKind::NotConnected)?;
            let space = buffer.get_mut(..payload.len()).ok_or(io::ErrorKind::InvalidInput)?;
            space.copy_from_slice(&payload);
            Ok((payload.len(), from))
        })
    }

    fn poll_send(
        &mut self,
        _: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        if let Some(end) = self.network.ends().get(&to) {
            // A datagram that does not fit is lost.
            let _ =
                end.datagrams.try_send(Datagram { from: self.address, payload: payload.into() });
        }
        Poll::Ready(Ok(()))
    }

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(MemoryStream, SocketAddr)>> {
        let next = self.backlog.as_mut().poll_next(cx);
        next.map(|next| next.ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }

    fn dial(
        &mut self,
        to: SocketAddr,
        _: DialPurpose,
    ) -> impl Future<Output = io::Result<MemoryStream>> + Send + 'static {
        let dialled: Ready<_> = ready(self.connect(to));
        dialled
    }
}

impl MemoryTransport {
    fn connect(&self, to: SocketAddr) -> io::Result<MemoryStream> {
        let (there, here) = MemoryStream::pair();
        let ends = self.network.ends();
        let end = ends.get(&to).ok_or(io::ErrorKind::ConnectionRefused)?;
        let queued = end.streams.try_send((there, self.address));
        queued.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(here)
    }
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransport").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.network.ends().remove(&self.address);
    }
}

/// A connection of a [`MemoryNetwork`].
pub struct MemoryStream {
    reader: Reader,
    /// `None` once this side is closed.
    writer: Option<Writer>,
}

impl MemoryStream {
    /// Both ends of a new connection.
    fn pair() -> (MemoryStream, MemoryStream) {
        let ((here_reads, there_writes), (there_reads, here_writes)) =
            (piper::pipe(PIPE_SIZE), piper::pipe(PIPE_SIZE));
        (
            MemoryStream { reader: here_reads, writer: Some(here_writes) },
            MemoryStream { reader: there_reads, writer: Some(there_writes) },
        )
    }
}

impl fmt::Debug for MemoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStream").finish_non_exhaustive()
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(writer) = &mut self.writer else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        Pin::new(writer).poll_write(cx, bytes).map(|written| match written {
            // The other end is gone.
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::BrokenPipe.into()),
            written => written,
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer = None;
        Poll::Ready(Ok(()))
    }
}
