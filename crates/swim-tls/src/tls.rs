//! The certificates of a node.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use swim_driver::{TlsFiles, Transport};

use crate::configs::Configs;
use crate::error::TlsError;
use crate::transport::TlsTransport;

/// The certificates of a node. Clones share them: a reload affects all.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    files: TlsFiles,
    configs: RwLock<Arc<Configs>>,
}

impl Tls {
    /// Reads and checks the certificates and the key.
    ///
    /// The key must belong to the certificate, and the certificate must come from the CA and be for
    /// both sides of a connection. A certificate that has expired, or is not valid yet, only causes
    /// a [warning](Tls::warning), since the clock may be wrong.
    ///
    /// Blocks while it reads files.
    ///
    /// # Errors
    ///
    /// [`TlsError`], with the file, the problem and the remedy.
    ///
    /// ```no_run
    /// # use swim_tls::{Tls, TlsFiles};
    ///
    /// let tls = Tls::load(TlsFiles::new("ca.pem", "node.pem", "node.key"))?;
    /// # Ok::<(), swim_tls::TlsError>(())
    /// ```
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let configs = RwLock::new(Arc::new(Configs::read(&files)?));
        Ok(Tls { shared: Arc::new(Shared { files, configs }) })
    }

    /// Reads all files again. Later connections use the new contents; open ones go on.
    ///
    /// Blocks while it reads files.
    ///
    /// # Errors
    ///
    /// As for [`load`](Tls::load). Nothing changes then.
    pub fn reload(&self) -> Result<(), TlsError> {
        let read = Arc::new(Configs::read(&self.shared.files)?);
        *self.shared.configs.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// Returns a warning about the certificate that was read last, if there is one.
    ///
    /// The certificate is in use, but by this machine's clock it has expired or is not valid yet.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.configs().warning().map(str::to_owned)
    }

    /// The files to read.
    #[must_use]
    pub fn files(&self) -> &TlsFiles {
        &self.shared.files
    }

    /// A transport whose streams use TLS with these certificates.
    ///
    /// Datagrams are those of `transport`.
    ///
    /// ```no_run
    /// # use swim_driver::MemoryNetwork;
    /// # use swim_tls::{Tls, TlsFiles};
    ///
    /// let tls = Tls::load(TlsFiles::new("ca.pem", "node.pem", "node.key"))?;
    /// let transport = tls.wrap(MemoryNetwork::new().open("10.0.0.1:7946".parse()?)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn wrap<T: Transport>(&self, transport: T) -> TlsTransport<T> {
        TlsTransport::new(self.clone(), transport)
    }

    /// The configurations for a new connection.
    pub(crate) fn configs(&self) -> Arc<Configs> {
        Arc::clone(&self.shared.configs.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.shared.files).finish_non_exhaustive()
    }
}
