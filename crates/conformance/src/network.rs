//! Custom networks: transports that are no adapter's default.

use std::net::SocketAddr;

use swim_driver::{BindError, MemoryNetwork, Transport};

/// A custom network, which opens a [`Transport`] for each node of a case.
///
/// Each case has its own. Addresses need not be those of this machine.
pub trait Network: Default + Send + Sync + 'static {
    /// The name in the names of trials, such as `memory`.
    const NAME: &'static str;

    /// Its transport.
    type Transport: Transport;

    /// Opens an address; port 0 takes a free port.
    ///
    /// # Errors
    ///
    /// [`BindError::Socket`] if it is taken.
    fn open(&self, bind: SocketAddr) -> Result<Self::Transport, BindError>;
}

impl Network for MemoryNetwork {
    const NAME: &'static str = "memory";

    type Transport = swim_driver::MemoryTransport;

    fn open(&self, bind: SocketAddr) -> Result<Self::Transport, BindError> {
        MemoryNetwork::open(self, bind)
    }
}
