//! Why certificates cannot be used.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why the certificates of a node cannot be used. `Display` names the file, what is wrong with it
/// and what to do, and has no byte of a key.
///
/// ```
/// # use swim_tls::{Tls, TlsError, TlsFiles};
///
/// let error = Tls::load(TlsFiles::new("no/ca.pem", "no/node.pem", "no/node.key")).unwrap_err();
/// assert!(matches!(error, TlsError::Unreadable { .. }));
/// assert!(error.to_string().contains("no/ca.pem"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// The file cannot be read.
    #[non_exhaustive]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key file can be read by others than its owner, which
    /// [`TlsFiles::readers`](crate::TlsFiles::readers) allows.
    #[non_exhaustive]
    Shared {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What is in the file cannot be used, or does not fit what is in the others.
    #[non_exhaustive]
    Unusable {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl TlsError {
    /// The file that is to be looked at.
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
