//! The control socket as a file: where it is, whose it is, and that there is only one.
//!
//! A socket cannot be made with permissions: to bind it and then to narrow them leaves a moment in
//! which others connect. So its directory is made first, and lets in nobody else.

mod directory;
mod group;
mod lock;

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::error::ServeError;
use lock::Lock;

pub use directory::{default_directory, socket_name};

/// The longest path of a socket in bytes: `sun_path` with its final zero.
#[cfg(target_os = "linux")]
pub const SOCKET_PATH_SIZE_MAX: usize = 107;

/// The longest path of a socket in bytes: `sun_path` with its final zero.
#[cfg(not(target_os = "linux"))]
pub const SOCKET_PATH_SIZE_MAX: usize = 103;

/// A socket that this process has bound. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    pub(crate) path: PathBuf,
    /// The device and the number of the file, to recognise it by.
    identity: (u64, u64),
    _lock: Lock,
}

impl SocketFile {
    /// Makes the directory, takes the lock, removes a stale socket, and binds.
    pub(crate) fn bind(
        path: &Path,
        group: Option<&str>,
    ) -> Result<(SocketFile, UnixListener), ServeError> {
        let path = std::path::absolute(path).map_err(file_error("cannot find", path))?;
        check_length(&path)?;
        let (Some(directory), Some(_)) = (path.parent(), path.file_name()) else {
            return Err(ServeError::NoFileName { path });
        };
        let group = group.map(group::number).transpose()?;
        directory::prepare(directory, group)?;
        let lock = Lock::take(&path)?;
        remove_stale(&path)?;
        let listener = UnixListener::bind(&path).map_err(file_error("cannot bind", &path))?;
        listener.set_nonblocking(true).map_err(file_error("cannot bind", &path))?;
        let mode = if group.is_some() { 0o660 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .map_err(file_error("cannot set the mode of", &path))?;
        if let Some(group) = group {
            directory::give(&path, group)?;
        }
        let made = fs::symlink_metadata(&path).map_err(file_error("cannot read", &path))?;
        let identity = (made.dev(), made.ino());
        Ok((SocketFile { path, identity, _lock: lock }, listener))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if is_ours {
            // The next start removes it otherwise.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn check_length(path: &Path) -> Result<(), ServeError> {
    let size = path.as_os_str().len();
    if size > SOCKET_PATH_SIZE_MAX {
        let max = SOCKET_PATH_SIZE_MAX;
        return Err(ServeError::PathTooLong { path: path.into(), size, max });
    }
    Ok(())
}

/// Removes a socket that a process left behind. Only a refused connection proves that nobody
/// listens: a process that is frozen or busy does not answer either.
fn remove_stale(path: &Path) -> Result<(), ServeError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(file_error("cannot read", path)(error)),
    };
    if !found.file_type().is_socket() {
        return Err(ServeError::NoSocket { path: path.into() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(file_error("cannot remove the stale socket", path))
        }
        Ok(_) => Err(ServeError::InUse { path: path.into(), pid: None }),
        Err(error) => Err(file_error("cannot ask whether anybody serves", path)(error)),
    }
}

fn file_error(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> ServeError + use<> {
    let path = path.to_path_buf();
    move |error| ServeError::File { doing, path: path.clone(), error }
}

#[cfg(test)]
mod tests;
