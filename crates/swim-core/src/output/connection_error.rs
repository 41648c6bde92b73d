//! Why a connection could not be made, or broke.

use core::fmt;

use super::TlsFault;

/// Why a connection could not be made, or broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The host answered that nothing listens there.
    Refused,
    /// There is no way to the address: no route, or a router said so.
    Unreachable,
    /// Nothing came back in time.
    TimedOut,
    /// The connection stood, and the peer or something in between ended it.
    Reset,
    /// This machine gave up: it has no descriptor or port left, a local filter forbids it, or too
    /// much waits to be written to a peer that does not read.
    Local,
    /// The connection stood, but TLS could not be spoken on it. Only transports that speak TLS
    /// report it.
    Tls(TlsFault),
}

impl ConnectionError {
    /// A short fixed name, for metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectionError::Refused => "refused",
            ConnectionError::Unreachable => "unreachable",
            ConnectionError::TimedOut => "timed_out",
            ConnectionError::Reset => "reset",
            ConnectionError::Local => "local",
            ConnectionError::Tls(fault) => fault.as_str(),
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectionError::Refused => "the connection was refused: nothing listens there",
            ConnectionError::Unreachable => "the address cannot be reached: there is no route",
            ConnectionError::TimedOut => "the connection timed out",
            ConnectionError::Reset => "the connection was reset",
            ConnectionError::Local => "this machine could not make or keep the connection",
            ConnectionError::Tls(fault) => return fault.fmt(f),
        })
    }
}

impl core::error::Error for ConnectionError {}
