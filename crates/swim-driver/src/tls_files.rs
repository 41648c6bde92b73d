//! Where the certificates of a node are.

use std::path::PathBuf;

use crate::secret_file::Readers;

/// The files of a node that speaks TLS, all in PEM.
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
    /// The certificates of the CAs that peers' certificates are checked against.
    pub ca: PathBuf,
    /// The node's certificate, for the client and the server, and after it those between it and
    /// the CA, if any.
    pub certificate: PathBuf,
    /// The private key of the certificate: PKCS #8, PKCS #1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// Who may be able to read `key`. Its owner alone by default.
    pub readers: Readers,
    /// Whether a peer's certificate has to have a DNS name that equals the name that the peer goes
    /// by. False by default: every certificate of the CA may be any member.
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
