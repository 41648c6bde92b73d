//! A lock against two processes of one name.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::file_error;
use crate::error::ServeError;

/// A locked file beside a socket. The system frees the lock with the process, however it ends. The
/// file stays: were it removed, two processes could lock two files of its name.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of this socket, and writes down whose it is.
    pub(super) fn take(socket: &Path) -> Result<Lock, ServeError> {
        let path = socket.with_extension("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(file_error("cannot open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                // For the message alone.
                let _ = (&file).take(20).read_to_string(&mut text);
                let pid = text.trim().parse().ok();
                return Err(ServeError::InUse { path: socket.into(), pid });
            }
            Err(error) => return Err(file_error("cannot lock", &path)(error.into())),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(file_error("cannot write", &path))?;
        Ok(Lock { _file: file })
    }
}
