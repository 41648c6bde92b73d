//! The transport: it carries the datagrams and the streams of a node.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use swim_core::Name;

use crate::action::DialPurpose;

/// Carries the datagrams and streams of a node: over sockets, a tunnel, or memory.
///
/// One implementation serves all runtimes: functions are polled, and streams are those of
/// `futures-io`. Adapters provide one over UDP and TCP; [`MemoryNetwork`](crate::MemoryNetwork)
/// connects nodes of one process. The repository has a tested example with Unix sockets on one
/// machine, `examples/unix-transport`.
///
/// Members know each other by address. A transport whose endpoints have other names must map
/// addresses to them.
///
/// The node's task calls all functions, so they must not block it. Slow work, such as a handshake,
/// belongs in the future of [`dial`](Transport::dial) or in the stream that
/// [`poll_accept`](Transport::poll_accept) returns: each connection has its own task. A function
/// that returns [`Poll::Pending`] must wake the task when another call is worthwhile, like
/// [`Future::poll`].
///
/// Dropping the transport closes it: its address can be opened again.
pub trait Transport: Send + Unpin + 'static {
    /// A connection: ordered bytes in both directions. Closing the sending side must end the peer's
    /// reading; dropping the stream must end the whole connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// The address it listens on, for datagrams and streams.
    fn local_address(&self) -> SocketAddr;

    /// Receives the next datagram into the front of `buffer`, which has room for 64 KiB.
    ///
    /// Returns its length and its source.
    ///
    /// # Errors
    ///
    /// An error concerns one datagram; the node asks for the next. When many fail in a row, the
    /// node waits before it goes on.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>>;

    /// Sends a datagram whole, or not at all.
    ///
    /// While this is pending, the node keeps up to 512 further datagrams and drops the rest.
    ///
    /// # Errors
    ///
    /// The datagram cannot be sent, and is lost. The node sends the next.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>>;

    /// The next connection that a peer opened, and its source address.
    ///
    /// The node counts each address's share of the stream limits. The port need not be the peer's
    /// own.
    ///
    /// # Errors
    ///
    /// No connection can be accepted now, for example because descriptors ran out. The node waits
    /// before it asks again.
    fn poll_accept(&mut self, cx: &mut Context<'_>)
    -> Poll<io::Result<(Self::Stream, SocketAddr)>>;

    /// Connects to `to`; `purpose` says what for.
    ///
    /// The node drops the future when it no longer needs the connection, or after
    /// [`Config::stream_timeout`](crate::Config::stream_timeout) (for a link
    /// [`Config::probe_interval`](crate::Config::probe_interval)).
    ///
    /// # Errors
    ///
    /// The kind tells peers and operators what to look for: refused, unreachable, timed out or
    /// reset. All other kinds count as trouble of this machine. To be exact, here and on a stream,
    /// wrap a [`ConnectionError`](crate::ConnectionError):
    /// `io::Error::other(ConnectionError::Tls(fault))`.
    fn dial(
        &mut self,
        to: SocketAddr,
        purpose: DialPurpose,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static;

    /// Whether streams are encrypted and authenticated on both sides, and datagrams are not.
    ///
    /// If true, a node without a keyring warns that its datagrams are in the clear. False by
    /// default.
    fn secures_streams(&self) -> bool {
        false
    }

    /// The names that the certificate of the peer on this stream allows.
    ///
    /// A peer with any other name is refused. Called once, when its first bytes have arrived.
    /// `None`, the default, allows any name.
    fn peer_names(_stream: &Self::Stream) -> Option<Arc<[Name]>> {
        None
    }
}
