//! The certificates of a node.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use swim_driver::{TlsFiles, Transport};

use crate::configs::Configs;
use crate::error::TlsError;
use crate::transport::TlsTransport;

/// The certificates of a node. Clones are the same: what one reloads, all use.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    files: TlsFiles,
    configs: RwLock<Arc<Configs>>,
}

impl Tls {
    /// Reads the certificates and the key, and checks them: that the key belongs to the
    /// certificate, and that the certificate comes from the CA and is for both sides of a
    /// connection. For a certificate that has expired, or is not valid yet, there is only a
    /// [warning](Tls::warning), since the clock may be wrong.
    ///
    /// It reads files, and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// [`TlsError`], which names the file, what is wrong with it, and what to do.
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

    /// Reads all files again. Connections that begin from now on use what was read; those that are
    /// open go on.
    ///
    /// It reads files, and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// As [`load`](Tls::load). Then all stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let read = Arc::new(Configs::read(&self.shared.files)?);
        *self.shared.configs.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// What is wrong with the certificate that was read last, although it is used: it has expired,
    /// or is not valid yet by this machine's clock.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.configs().warning().map(str::to_owned)
    }

    /// The files that are read.
    #[must_use]
    pub fn files(&self) -> &TlsFiles {
        &self.shared.files
    }

    /// A transport whose streams speak TLS with these certificates; its datagrams are those of
    /// `transport`.
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

    /// Those that a connection is to begin with now.
    pub(crate) fn configs(&self) -> Arc<Configs> {
        Arc::clone(&self.shared.configs.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.shared.files).finish_non_exhaustive()
    }
}
