//! The names of sockets, by address.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const DATAGRAMS: &str = "datagrams";
const STREAMS: &str = "streams";
const LOCK: &str = "lock";

/// Between an address and the number of a connection from there.
const CONNECTION: &str = "connection-";

/// The socket for datagrams of this address.
pub(crate) fn datagrams(folder: &Path, address: SocketAddr) -> PathBuf {
    folder.join(format!("{address}.{DATAGRAMS}"))
}

/// The listening socket of this address.
pub(crate) fn streams(folder: &Path, address: SocketAddr) -> PathBuf {
    folder.join(format!("{address}.{STREAMS}"))
}

/// The lock file of this address.
pub(crate) fn lock(folder: &Path, address: SocketAddr) -> PathBuf {
    folder.join(format!("{address}.{LOCK}"))
}

/// The local socket of a connection that this address opens.
pub(crate) fn connection(folder: &Path, address: SocketAddr, number: u64) -> PathBuf {
    folder.join(format!("{address}.{CONNECTION}{number}"))
}

/// The address in a name. `None` if it is not a socket of a node.
pub(crate) fn address(path: Option<&Path>) -> Option<SocketAddr> {
    let name = path?.file_name()?.to_str()?;
    let (address, _) = name.rsplit_once('.')?;
    address.parse().ok()
}
