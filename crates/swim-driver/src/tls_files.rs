//! The certificate files of a node.

use std::path::PathBuf;

use crate::secret_file::Readers;

/// The files of a node that uses TLS, all in PEM.
///
/// ```
/// # use swim_driver::TlsFiles;
///
/// let mut files = TlsFiles::new("ca.pem", "node.pem", "node.key");
/// files.verify_name = true;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The CA certificates against which peers are checked.
    pub ca: PathBuf,
    /// The node's certificate, for client and server, then any intermediates up to the CA.
    pub certificate: PathBuf,
    /// The private key of the certificate: PKCS #8, PKCS #1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// Which readers `key` may have. Only its owner by default.
    pub readers: Readers,
    /// Whether a peer's certificate must have a DNS name equal to the peer's name.
    ///
    /// False by default: any certificate of the CA may be any member.
    pub verify_name: bool,
}

impl TlsFiles {
    /// These files, without a check of names.
    #[must_use]
    pub fn new(
        ca: impl Into<PathBuf>,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        TlsFiles {
            ca: ca.into(),
            certificate: certificate.into(),
            key: key.into(),
            readers: Readers::Owner,
            verify_name: false,
        }
    }
}
