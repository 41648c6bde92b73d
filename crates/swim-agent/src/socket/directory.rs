//! The directory of control sockets.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, chown};
use rustix::process::geteuid;

use super::file_error;
use crate::error::ServeError;

/// The directory in which agents of this user have their sockets, and commands look for them.
///
/// `/run/swim` for root; else `swim` in `$XDG_RUNTIME_DIR`; else `swim-UID` in the directory for
/// temporary files. Root does not use `$XDG_RUNTIME_DIR`: its service has none, its shell may have
/// that of another user, and both have to find the same agents.
///
/// ```
/// let socket = swim_agent::default_directory().join(swim_agent::socket_name("cache-7"));
/// assert!(socket.ends_with("cache-7.sock"));
/// ```
#[must_use]
pub fn default_directory() -> PathBuf {
    let user = geteuid();
    if user.is_root() && Path::new("/run").is_dir() {
        return "/run/swim".into();
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|runtime| runtime.is_absolute() && !user.is_root()) {
        Some(runtime) => runtime.join("swim"),
        None => std::env::temp_dir().join(format!("swim-{}", user.as_raw())),
    }
}

/// The file name of the socket of a node: its name, with bytes that do not belong into file names
/// as `%XX`.
///
/// ```
/// assert_eq!(swim_agent::socket_name("../a b"), "%2E.%2Fa%20b.sock");
/// ```
#[must_use]
pub fn socket_name(node: &str) -> String {
    let encoded = crate::query::encoded(node);
    // No hidden file, and no way up.
    match encoded.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}.sock"),
        None => format!("{encoded}.sock"),
    }
}

/// Makes the directory if it is missing, for this user and perhaps a group alone. One that is there
/// must be like that.
pub(super) fn prepare(directory: &Path, group: Option<u32>) -> Result<(), ServeError> {
    let is_new = make(directory)?;
    if let (true, Some(group)) = (is_new, group) {
        // It was made without rights for the group: those come after it.
        give(directory, group)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o750))
            .map_err(file_error("cannot set the mode of", directory))?;
    }
    let found = fs::symlink_metadata(directory).map_err(file_error("cannot read", directory))?;
    let directory = directory.to_path_buf();
    if !found.is_dir() {
        return Err(ServeError::NoDirectory { directory });
    }
    if found.uid() != geteuid().as_raw() {
        return Err(ServeError::OtherOwner { directory, owner: found.uid() });
    }
    let wanted = match group {
        Some(group) if found.gid() == group => 0o750,
        _ => 0o700,
    };
    let mode = found.mode() & 0o777;
    if mode & !wanted != 0 {
        return Err(ServeError::OpenDirectory { directory, mode, wanted });
    }
    Ok(())
}

/// Makes it, and those above it as usual. Whether it was missing.
fn make(directory: &Path) -> Result<bool, ServeError> {
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(file_error("cannot make the directory", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(file_error("cannot make the directory", directory)(error)),
    }
}

/// Gives a file to a group.
pub(super) fn give(path: &Path, group: u32) -> Result<(), ServeError> {
    chown(path, None, Some(Gid::from_raw(group)))
        .map_err(|error| file_error("cannot give to the group", path)(error.into()))
}
