//! The inputs and outputs of a driver, as plain data.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use swim_core::{ConnectionError, Name, StreamId};

use crate::command::Command;

/// An input that an adapter gives its driver.
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
        /// The connection.
        id: StreamId,
        /// The news.
        news: StreamNews<'a>,
    },
    /// The answer to [`Action::Resolve`].
    Resolved {
        /// The name.
        id: ResolveId,
        /// Its addresses with the port that was asked for, or the resolver's error.
        result: Result<Vec<SocketAddr>, String>,
    },
    /// A command from the [`Inbox`](crate::Inbox).
    Command(Command),
}

/// News about a connection.
///
/// Nothing follows `Failed`, nor `Finished` on a connection that was asked to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamNews<'a> {
    /// The dialled connection is established.
    Opened,
    /// The names that the peer's certificate allows.
    ///
    /// Transports that check names report this before any data.
    Certified(&'a [Name]),
    /// Bytes arrived. An adapter stops reading while it cannot hand them on.
    Data(&'a [u8]),
    /// The bytes of the last [`Action::Write`] are written; the next write may follow.
    Written,
    /// The peer closed its sending side.
    Finished,
    /// The connection could not be made, or broke.
    Failed(ConnectionError),
}

/// The meaning of a system error for a connection, for [`StreamNews::Failed`].
///
/// A transport that knows the cause wraps a [`ConnectionError`] in its error:
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
        // For example, no descriptor or port is left, or a local filter forbids it.
        _ => ConnectionError::Local,
    }
}

/// An output that an adapter carries out. Exhaustive on purpose: no adapter may miss a new one.
///
/// None may block the turn. Actions on one connection are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a datagram. It may be lost, and a failure to send is not reported.
    Send {
        /// The destination, in the form that the bound socket takes.
        to: SocketAddr,
        /// Its content.
        payload: Bytes,
    },
    /// Connect, and report [`StreamNews::Opened`] or [`StreamNews::Failed`].
    Dial {
        /// The connection's id from now on.
        id: StreamId,
        /// The destination.
        to: SocketAddr,
        /// The time after which to give up.
        timeout: Duration,
        /// The purpose.
        purpose: DialPurpose,
    },
    /// Write these bytes to an open connection, and report [`StreamNews::Written`].
    ///
    /// Each connection has at most one unreported write.
    Write {
        /// The connection.
        id: StreamId,
        /// The bytes, never empty.
        bytes: Bytes,
    },
    /// Close the sending side; everything is written.
    ///
    /// The connection ends when the peer closes its side too.
    Finish {
        /// The connection.
        id: StreamId,
    },
    /// Close the connection, or stop dialling, now. Later reports about it are ignored.
    Abort {
        /// The connection.
        id: StreamId,
    },
    /// Resolve a name, and report [`Input::Resolved`].
    ///
    /// At most [`RESOLVES_MAX`](crate::RESOLVES_MAX) are unreported.
    Resolve {
        /// The id of the answer.
        id: ResolveId,
        /// The host.
        host: String,
        /// The port to give the addresses.
        port: u16,
    },
}

/// The purpose of a dialled connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialPurpose {
    /// An exchange: a join, a push/pull, a reliable message, a ping over a stream.
    Exchange,
    /// A link: see [`Carrier::Streams`](crate::Carrier::Streams).
    ///
    /// It carries packets while it is used. Late packets are useless, so TCP transports keep the
    /// send buffer small. They also end the connection when sent bytes stay unacknowledged for
    /// `give_up_after` (`TCP_USER_TIMEOUT`), if the system can.
    Link {
        /// The time that a ping may take.
        give_up_after: Duration,
    },
}

/// The id of a name that is being resolved. Never reused within one driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResolveId(pub u64);

/// The adapter's sockets and channels, as [`Driver::turn`](crate::Driver::turn) uses them.
pub trait Io {
    /// Takes the next waiting input, without blocking, and the time at which it was taken.
    ///
    /// Round trips are measured by that time. A time before that of the turn or of an earlier input
    /// is raised to it. Sources take turns, so that a flood from one does not silence the rest.
    fn take(&mut self) -> Option<(Instant, Input<'_>)>;

    /// Carries out an action, without blocking.
    fn perform(&mut self, action: Action);
}
