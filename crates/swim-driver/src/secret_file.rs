//! Files that only their owner may read.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use swim_core::text;
use zeroize::Zeroizing;

/// A larger file is not a key file.
const FILE_SIZE_MAX: usize = 64 << 10;

/// Which key files are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Readers {
    /// Files that only their owner can read and change.
    #[default]
    Owner,
    /// All files, such as secrets that are mounted for a group.
    Anybody,
}

/// Why a key file cannot be used. `Display` shows no byte of its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Users other than the owner can read or change it. [`Readers::Anybody`] allows that.
    Shared(String),
    /// It cannot be read, or has no keys.
    Unusable(String),
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (KeyFileError::Shared(told) | KeyFileError::Unusable(told)) = self;
        f.write_str(told)
    }
}

impl std::error::Error for KeyFileError {}

/// Reads a key file of at most 64 KiB. The bytes are overwritten when they are dropped.
///
/// Every key file is read by this function.
///
/// # Errors
///
/// The file cannot be read, is too large, or is open to more than these `readers`.
///
/// ```no_run
/// use swim_driver::{Readers, read_secret_file};
///
/// let bytes = read_secret_file("node.key".as_ref(), Readers::Owner)?;
/// # Ok::<(), swim_driver::KeyFileError>(())
/// ```
pub fn read_secret_file(path: &Path, readers: Readers) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let shown = text::escape(&path.display().to_string());
    let cannot = |error: std::io::Error| {
        KeyFileError::Unusable(format!("cannot read the key file {shown}: {error}"))
    };
    let file = File::open(path).map_err(cannot)?;
    if let Some(mode) = open_to_others(&file).filter(|_| readers == Readers::Owner) {
        return Err(KeyFileError::Shared(format!(
            "other users can read the key file {shown} (mode {mode:04o}): run 'chmod 600 {shown}'"
        )));
    }
    // Full capacity from the start: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_SIZE_MAX + 1));
    file.take(FILE_SIZE_MAX as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > FILE_SIZE_MAX {
        return Err(KeyFileError::Unusable(format!(
            "the key file {shown} has more than {FILE_SIZE_MAX} bytes: is it the right file?"
        )));
    }
    Ok(bytes)
}

/// The mode of a file that users other than its owner may read or change.
#[cfg(unix)]
fn open_to_others(file: &File) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file.metadata().ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    (metadata.is_file() && mode & 0o066 != 0).then_some(mode)
}

/// Other systems do not express permissions in a few bits.
#[cfg(not(unix))]
fn open_to_others(_file: &File) -> Option<u32> {
    None
}
