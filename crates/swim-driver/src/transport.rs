//! What carries the datagrams and the streams of a node.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use swim_core::Name;

use crate::action::DialPurpose;

/// What carries the datagrams and the streams of a node: sockets, a tunnel, or memory.
///
/// Whoever writes one writes it once for all runtimes: it is polled, and streams are those of
/// `futures-io`. Adapters bring one of UDP and TCP; [`MemoryNetwork`](crate::MemoryNetwork) has
/// one for nodes of one process. An address is what members know each other by; a transport whose
/// endpoints have other names keeps the table from the one to the other. The repository has an
/// example that is tested like the others, `examples/unix-transport`: Unix sockets on one machine.
///
/// All functions are called by the task that runs the node, which they must not hold up: what takes
/// long, such as a handshake, belongs into the future of [`dial`](Transport::dial) or into the
/// stream that [`poll_accept`](Transport::poll_accept) returns, since each connection is a task of
/// its own. A function that returns [`Poll::Pending`] has the task woken once it is worth another
/// call, as [`Future::poll`] does.
///
/// Dropping the transport closes it: what it listened on can be opened again.
pub trait Transport: Send + Unpin + 'static {
    /// A connection: bytes in order, one way and the other. Closing its sending side has to end the
    /// peer's reading, and dropping it the whole connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Where it listens, for datagrams and for streams.
    fn local_address(&self) -> SocketAddr;

    /// The next datagram: its bytes go to the front of `buffer`, which has room for 64 KiB. Returns
    /// how many they are and where they come from.
    ///
    /// # Errors
    ///
    /// What concerns one datagram; the node asks for the next. When many fail in a row it waits
    /// before it goes on.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>>;

    /// Sends a datagram whole, or not at all.
    ///
    /// While it is pending, the node keeps up to 512 datagrams for it and drops what comes on top.
    ///
    /// # Errors
    ///
    /// The datagram cannot be sent, and is lost; the node sends the next.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>>;

    /// The next connection that a peer opened, and the address that it comes from. Shares of what
    /// streams may take are counted by that address; its port need not be the peer's own.
    ///
    /// # Errors
    ///
    /// No connection can be accepted now, as when descriptors run out; the node waits before it
    /// asks again.
    fn poll_accept(&mut self, cx: &mut Context<'_>)
    -> Poll<io::Result<(Self::Stream, SocketAddr)>>;

    /// Connects; `purpose` says what for, should it matter. The future is dropped when it takes
    /// longer than [`Config::stream_timeout`](crate::Config::stream_timeout) (a link:
    /// [`Config::probe_interval`](crate::Config::probe_interval)), or when nobody needs the
    /// connection any more.
    ///
    /// # Errors
    ///
    /// The kind tells peers and operators what to look for: refused, unreachable, timed out, reset;
    /// all others count as trouble of this machine. An error that is made of a
    /// [`ConnectionError`](crate::ConnectionError) says it exactly, here and on a stream:
    /// `io::Error::other(ConnectionError::Tls(fault))`.
    fn dial(
        &mut self,
        to: SocketAddr,
        purpose: DialPurpose,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static;

    /// Whether streams are encrypted, both sides of them are known, and datagrams are neither. Then
    /// a node without a keyring warns that its datagrams are in the clear. False by default.
    fn secures_streams(&self) -> bool {
        false
    }

    /// The names that the peer on this stream may go by, as its certificate says. A peer that calls
    /// itself anything else is refused. Asked for once, when its first bytes have come in. `None`,
    /// the default, lets it go by any name.
    fn peer_names(_stream: &Self::Stream) -> Option<Arc<[Name]>> {
        None
    }
}
