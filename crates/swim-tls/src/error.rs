//! Errors in certificate files.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why the certificates of a node cannot be used.
///
/// `Display` has the file, the problem and the remedy, and no byte of a key.
///
/// ```
/// # use swim_tls::{Tls, TlsError, TlsFiles};
///
/// let loaded = Tls::load(TlsFiles::new("no/ca.pem", "no/node.pem", "no/node.key"));
/// assert!(matches!(&loaded, Err(TlsError::Unreadable { .. })));
/// assert!(loaded.is_err_and(|error| error.to_string().contains("no/ca.pem")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// The file cannot be read.
    #[non_exhaustive]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The problem and the remedy.
        reason: String,
    },
    /// Users other than the owner can read or change the key file.
    ///
    /// [`TlsFiles::readers`](crate::TlsFiles::readers) can allow that.
    #[non_exhaustive]
    Shared {
        /// The file.
        file: PathBuf,
        /// The problem and the remedy.
        reason: String,
    },
    /// The contents cannot be used, or do not fit the other files.
    #[non_exhaustive]
    Unusable {
        /// The file.
        file: PathBuf,
        /// The problem and the remedy.
        reason: String,
    },
}

impl TlsError {
    /// The file to look at.
    #[must_use]
    pub fn file(&self) -> &Path {
        match self {
            TlsError::Unreadable { file, .. }
            | TlsError::Shared { file, .. }
            | TlsError::Unusable { file, .. } => file,
        }
    }

    pub(crate) fn unusable(file: &Path, reason: impl Into<String>) -> Self {
        TlsError::Unusable { file: file.into(), reason: reason.into() }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (TlsError::Unreadable { reason, .. }
        | TlsError::Shared { reason, .. }
        | TlsError::Unusable { reason, .. }) = self;
        f.write_str(reason)
    }
}

impl std::error::Error for TlsError {}
