//! A folder of sockets.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use swim_tokio::BindError;

use crate::names;
use crate::transport::UnixTransport;

/// The ports for nodes that ask for port 0.
const ANY_PORT: std::ops::RangeInclusive<u16> = 49152..=65535;

/// A folder of sockets, which stands for a network.
#[derive(Clone, Debug)]
pub struct Directory {
    folder: PathBuf,
}

impl Directory {
    /// Uses a folder, and creates it if it is missing.
    ///
    /// The system limits the names of sockets, so the path may have about 50 bytes.
    ///
    /// # Errors
    ///
    /// The folder cannot be created.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(Directory { folder })
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Opens the sockets of an address. Port 0 chooses a free port.
    ///
    /// # Errors
    ///
    /// [`BindError::Socket`] if another process has the address, or a socket cannot be created.
    /// [`BindError::NoFreePort`] if all ports are taken.
    pub fn open(&self, address: SocketAddr) -> Result<UnixTransport, BindError> {
        if address.port() != 0 {
            return self.open_one(address).map_err(|error| failed(address, error));
        }
        for port in ANY_PORT {
            let address = SocketAddr::new(address.ip(), port);
            match self.open_one(address) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                opened => return opened.map_err(|error| failed(address, error)),
            }
        }
        Err(BindError::NoFreePort { address, attempts: ANY_PORT.len() })
    }

    fn open_one(&self, address: SocketAddr) -> io::Result<UnixTransport> {
        let claim = Claim::new(&self.folder, address)?;
        let datagrams = UnixDatagram::bind(names::datagrams(&self.folder, address))?;
        let listener = UnixListener::bind(names::streams(&self.folder, address))?;
        UnixTransport::new(claim, datagrams, listener)
    }
}

fn failed(address: SocketAddr, error: io::Error) -> BindError {
    BindError::Socket { transport: "Unix", address, error }
}

/// An address that this process owns until it is dropped or the process ends.
///
/// The names of closed sockets stay in the folder. The lock shows whether their owner still runs.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) folder: PathBuf,
    pub(crate) address: SocketAddr,
    _lock: File,
}

impl Claim {
    fn new(folder: &Path, address: SocketAddr) -> io::Result<Self> {
        let lock = File::create(names::lock(folder, address))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let claim = Claim { folder: folder.into(), address, _lock: lock };
        claim.remove_sockets();
        Ok(claim)
    }

    fn remove_sockets(&self) {
        for name in [names::datagrams, names::streams] {
            // Usually there is none. If one cannot be removed, binding reports it.
            let _ = fs::remove_file(name(&self.folder, self.address));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.remove_sockets();
    }
}
