//! Why a node did not answer.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a request to a control socket has no result, and what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody serves the socket.
    NotServed {
        /// The socket.
        socket: PathBuf,
    },
    /// This user may not use the socket.
    NoAccess {
        /// The socket.
        socket: PathBuf,
    },
    /// The socket cannot be connected to for another reason.
    Connect {
        /// The socket.
        socket: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The server did not carry out the request.
    #[non_exhaustive]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The kind of reason, in a few words.
        title: String,
        /// The reason, and what to do.
        detail: String,
    },
    /// The answer is not one of this API.
    BadAnswer {
        /// The socket.
        socket: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The target of a request is no path with a query.
    BadTarget {
        /// The target.
        target: String,
        /// The reason.
        reason: String,
    },
    /// There was no answer in time.
    Late {
        /// The socket.
        socket: PathBuf,
        /// How long it had.
        after: Duration,
    },
}

impl ClientError {
    pub(super) fn of_connect(socket: &Path, error: io::Error) -> Self {
        let socket = socket.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ClientError::NotServed { socket }
            }
            io::ErrorKind::PermissionDenied => ClientError::NoAccess { socket },
            _ => ClientError::Connect { socket, error },
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::NotServed { socket } => write!(
                f,
                "no agent serves {}: start it with 'swim agent', or name another socket",
                socket.display()
            ),
            ClientError::NoAccess { socket } => write!(
                f,
                "this user may not use {}: run as the agent's user, or in the group of its \
                 rpc_group",
                socket.display()
            ),
            ClientError::Connect { socket, error } => {
                write!(f, "cannot connect to {}: {error}", socket.display())
            }
            ClientError::Refused { detail, .. } => f.write_str(detail),
            ClientError::BadAnswer { socket, reason } => write!(
                f,
                "the answer of {} was not understood: {reason}; is it the socket of an agent of \
                 this version?",
                socket.display()
            ),
            ClientError::BadTarget { target, reason } => {
                write!(f, "{target:?} is no target of a request: {reason}")
            }
            ClientError::Late { socket, after } => write!(
                f,
                "no answer from {} within {} s: is its process stopped?",
                socket.display(),
                after.as_secs()
            ),
        }
    }
}

impl std::error::Error for ClientError {}
