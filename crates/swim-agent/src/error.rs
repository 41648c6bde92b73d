//! Why the control API cannot be served.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the control API cannot be served, and what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The path of the socket is too long for the system.
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        size: usize,
        /// The most bytes that the system takes.
        max: usize,
    },
    /// The path of the socket names no file in a directory.
    NoFileName {
        /// The path.
        path: PathBuf,
    },
    /// The directory of the socket belongs to another user.
    #[non_exhaustive]
    OtherOwner {
        /// The directory.
        directory: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// Others can enter the directory of the socket.
    #[non_exhaustive]
    OpenDirectory {
        /// The directory.
        directory: PathBuf,
        /// Its permissions.
        mode: u32,
        /// The permissions that it may have.
        wanted: u32,
    },
    /// The directory of the socket is a file or a symbolic link.
    NoDirectory {
        /// The path.
        directory: PathBuf,
    },
    /// Another process serves the socket.
    #[non_exhaustive]
    InUse {
        /// The socket.
        path: PathBuf,
        /// The other process, if it is known.
        pid: Option<u32>,
    },
    /// Something that is no socket has its path.
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// There is no group of that name.
    NoGroup {
        /// The name.
        group: String,
    },
    /// The address of metrics cannot be used.
    Metrics {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// The system refused an operation on a file.
    File {
        /// The failed operation, as in "cannot lock".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// This system has no Unix sockets.
    NoUnixSockets,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::PathTooLong { path, size, max } => write!(
                f,
                "the socket path {} has {size} bytes; the system takes at most {max}: choose a \
                 shorter one",
                path.display()
            ),
            ServeError::NoFileName { path } => {
                write!(f, "{} is no path of a socket: write DIRECTORY/NAME.sock", path.display())
            }
            ServeError::OtherOwner { directory, owner } => write!(
                f,
                "{} belongs to user {owner}, who could replace the socket: choose another \
                 directory",
                directory.display()
            ),
            ServeError::OpenDirectory { directory, mode, wanted } => write!(
                f,
                "{} has mode {mode:03o}, which lets others in: chmod {wanted:03o} it, or choose a \
                 directory that does not exist yet",
                directory.display()
            ),
            ServeError::NoDirectory { directory } => write!(
                f,
                "{} is no directory: remove it, or choose another one",
                directory.display()
            ),
            ServeError::InUse { path, pid } => {
                write!(f, "{} is served by another process", path.display())?;
                if let Some(pid) = pid {
                    write!(f, " (pid {pid})")?;
                }
                f.write_str(": stop it, or choose another path or name")
            }
            ServeError::NoSocket { path } => write!(
                f,
                "{} is no socket, so it is not replaced: remove it, or choose another path",
                path.display()
            ),
            ServeError::NoGroup { group } => {
                write!(f, "there is no group {group:?} in /etc/group: give its number instead")
            }
            ServeError::Metrics { address, error } => write!(
                f,
                "cannot serve metrics on {address}: {error}; stop the other process, or choose \
                 another address"
            ),
            ServeError::File { doing, path, error } => {
                write!(f, "{doing} {}: {error}", path.display())
            }
            ServeError::NoUnixSockets => {
                f.write_str("this system has no Unix sockets: serve metrics only")
            }
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        None
    }
}
