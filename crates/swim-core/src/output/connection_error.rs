//! Causes of failed connections.

use core::fmt;

use super::TlsFault;

/// Why a connection could not be made, or broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The host refused: nothing listens there.
    Refused,
    /// The address cannot be reached: there is no route, or a router reported it unreachable.
    Unreachable,
    /// No answer came in time.
    TimedOut,
    /// The peer or a device in between ended the established connection.
    Reset,
    /// This machine failed: no descriptor or port is free, a local filter forbids the connection,
    /// or too much is unwritten to a peer that does not read.
    Local,
    /// TLS failed on the established connection. Only transports that use TLS report it.
    Tls(TlsFault),
}

impl ConnectionError {
    /// A short fixed name for metrics and JSON.
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
            ConnectionError::Unreachable => "the address is unreachable: there is no route to it",
            ConnectionError::TimedOut => "the connection timed out",
            ConnectionError::Reset => "the connection was reset",
            ConnectionError::Local => "this machine could not make or keep the connection",
            ConnectionError::Tls(fault) => return fault.fmt(f),
        })
    }
}

impl core::error::Error for ConnectionError {}
