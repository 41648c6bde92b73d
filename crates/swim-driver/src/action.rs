//! What goes into a driver and what comes out of it, as plain data.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use swim_core::{ConnectionError, Name, StreamId};

use crate::command::Command;

/// What an adapter brings to its driver.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram arrived.
    Datagram {
        /// Its source, as the socket reports it.
        from: SocketAddr,
        /// Its content.
        payload: &'a [u8],
    },
    /// News about a connection.
    Stream {
        /// Which.
        id: StreamId,
        /// What happened.
        news: StreamNews<'a>,
    },
    /// The answer to [`Action::Resolve`].
    Resolved {
        /// Which name.
        id: ResolveId,
        /// Its addresses with the port that was asked for, or what the resolver says.
        result: Result<Vec<SocketAddr>, String>,
    },
    /// A command from the [`Inbox`](crate::Inbox).
    Command(Command),
}

/// What happened to a connection. After `Failed`, and after `Finished` of a connection that was
/// told to finish, there is nothing more to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamNews<'a> {
    /// The dialled connection is established.
    Opened,
    /// The names that the peer may go by, as its certificate says. Reported before any data, by
    /// transports that check names.
    Certified(&'a [Name]),
    /// Bytes came in. An adapter reads no further while it cannot hand them on.
    Data(&'a [u8]),
    /// The bytes of the last [`Action::Write`] are written: the next may come.
    Written,
    /// The peer closed its sending side.
    Finished,
    /// The connection could not be made, or broke.
    Failed(ConnectionError),
}

/// What an error of the system means for a connection, for [`StreamNews::Failed`].
///
/// A transport that knows better says so itself, with an error made of a [`ConnectionError`]:
///
/// ```
/// use std::io;
/// use swim_driver::{ConnectionError, TlsFault, connection_error};
///
/// let expired = ConnectionError::Tls(TlsFault::Expired);
/// assert_eq!(connection_error(&io::Error::other(expired)), expired);
/// assert_eq!(
///     connection_error(&io::ErrorKind::ConnectionRefused.into()),
///     ConnectionError::Refused
/// );
/// ```
#[must_use]
pub fn connection_error(error: &io::Error) -> ConnectionError {
    use io::ErrorKind as Kind;
    if let Some(known) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return *known;
    }
    match error.kind() {
        Kind::ConnectionRefused => ConnectionError::Refused,
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => {
            ConnectionError::Unreachable
        }
        Kind::TimedOut => ConnectionError::TimedOut,
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::NotConnected
        | Kind::UnexpectedEof => ConnectionError::Reset,
        // No descriptor or port is left, a filter of this machine forbids it, and the like.
        _ => ConnectionError::Local,
    }
}

/// What an adapter has to do. Exhaustive on purpose: a new duty must not be overlooked.
///
/// None of it may block the turn. Actions on one connection are carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send a datagram. It may be lost, and nothing is reported when it cannot be sent.
    Send {
        /// Where to, in the form that the bound socket takes.
        to: SocketAddr,
        /// Its content.
        payload: Bytes,
    },
    /// Connect, and report [`StreamNews::Opened`] or [`StreamNews::Failed`].
    Dial {
        /// The connection's name from now on.
        id: StreamId,
        /// Where to.
        to: SocketAddr,
        /// When to give up.
        timeout: Duration,
        /// What for.
        purpose: DialPurpose,
    },
    /// Write these bytes to an open connection and report [`StreamNews::Written`]. There is never
    /// more than one unreported write for each connection.
    Write {
        /// Which connection.
        id: StreamId,
        /// The bytes, never empty.
        bytes: Bytes,
    },
    /// Close the sending side; everything is written. The connection is at its end when the peer
    /// closes its side too.
    Finish {
        /// Which connection.
        id: StreamId,
    },
    /// Close the connection, or stop dialling, now. What is still reported about it is ignored.
    Abort {
        /// Which connection.
        id: StreamId,
    },
    /// Resolve a name, and report [`Input::Resolved`]. There are never more than
    /// [`RESOLVES_MAX`](crate::RESOLVES_MAX) unreported ones.
    Resolve {
        /// Names the answer.
        id: ResolveId,
        /// The host.
        host: String,
        /// The port that belongs to it.
        port: u16,
    },
}

/// What a connection is dialled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialPurpose {
    /// An exchange: a join, a push/pull, a reliable message, a ping over a stream.
    Exchange,
    /// A link, which carries packets for as long as it is used; see
    /// [`Carrier::Streams`](crate::Carrier::Streams). Late packets are of no use: a transport of
    /// TCP keeps its send buffer small and ends the connection when what was sent is not
    /// acknowledged for `give_up_after` (`TCP_USER_TIMEOUT`), where the system can.
    Link {
        /// The time that a ping may take.
        give_up_after: Duration,
    },
}

/// Names a name that is being resolved. Never reused within one driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResolveId(pub u64);

/// An adapter's sockets and channels, as [`Driver::turn`](crate::Driver::turn) uses them.
pub trait Io {
    /// The next input that is waiting, without blocking, and when it was taken: round trips are
    /// measured by that. Sources take turns, so that a flood of one does not silence the others.
    ///
    /// A time before that of the turn, or of an earlier input, counts as that one.
    fn take(&mut self) -> Option<(Instant, Input<'_>)>;

    /// Carries out an action, without blocking.
    fn perform(&mut self, action: Action);
}
