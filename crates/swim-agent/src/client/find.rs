//! Which agent is meant.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::socket::default_directory;

/// Why it is not clear which agent is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindError {
    /// No agent serves a socket there.
    Nobody {
        /// The directories that were looked at.
        directories: Vec<PathBuf>,
    },
    /// Several agents do.
    Several {
        /// Their sockets.
        sockets: Vec<PathBuf>,
    },
    /// The directory cannot be read.
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |paths: &[PathBuf]| {
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            paths.join(", ")
        };
        match self {
            FindError::Nobody { directories } => write!(
                f,
                "no agent serves a socket in {}: start 'swim agent', or give its socket with --rpc \
                 or SWIM_RPC",
                list(directories)
            ),
            FindError::Several { sockets } => write!(
                f,
                "several agents run here; choose one with --rpc or SWIM_RPC: {}",
                list(sockets)
            ),
            FindError::Unreadable { directory, reason } => write!(
                f,
                "cannot look for agents in {}: {reason}; give the socket with --rpc or SWIM_RPC",
                directory.display()
            ),
        }
    }
}

impl std::error::Error for FindError {}

/// Finds the socket of the agent that is meant.
///
/// `given` is a socket, or a directory with the socket of one agent. Without it, the agent is the
/// only one in [`default_directory`], or else in `/run/swim`.
///
/// # Errors
///
/// [`FindError`] if there is none, or more than one.
///
/// ```
/// # use swim_agent::client::find;
/// # use std::path::Path;
/// let socket = Path::new("/run/cache/swim.sock");
/// assert_eq!(find(Some(socket))?, socket);
/// # Ok::<(), swim_agent::client::FindError>(())
/// ```
pub fn find(given: Option<&Path>) -> Result<PathBuf, FindError> {
    let directories = match given {
        Some(path) if !path.is_dir() => return Ok(path.into()),
        Some(directory) => vec![directory.to_path_buf()],
        None => {
            let mut directories = vec![default_directory(), "/run/swim".into()];
            directories.dedup();
            directories
        }
    };
    for directory in &directories {
        let mut sockets = served(directory)?;
        match (sockets.pop(), sockets.is_empty()) {
            (Some(only), true) => return Ok(only),
            (Some(last), false) => {
                sockets.push(last);
                return Err(FindError::Several { sockets });
            }
            (None, _) => {}
        }
    }
    Err(FindError::Nobody { directories })
}

/// The sockets in a directory on which somebody listens, by name.
fn served(directory: &Path) -> Result<Vec<PathBuf>, FindError> {
    let unreadable = |error: io::Error| FindError::Unreadable {
        directory: directory.into(),
        reason: error.to_string(),
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut sockets = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let is_socket = entry.file_type().is_ok_and(|kind| kind.is_socket());
        let path = entry.path();
        if is_socket && path.extension().is_some_and(|it| it == "sock") && is_served(&path) {
            sockets.push(path);
        }
    }
    sockets.sort();
    Ok(sockets)
}

/// Any other error than a refusal is for the request to tell.
fn is_served(socket: &Path) -> bool {
    match UnixStream::connect(socket) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::ConnectionRefused,
    }
}
