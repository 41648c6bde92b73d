//! A network of one's own, as the suite needs it: a transport that is no adapter's default.

use std::net::SocketAddr;

use swim_driver::{BindError, MemoryNetwork, Transport};

/// A network of one's own: opens a [`Transport`] for each node of a case.
///
/// Each case has one for itself. Its addresses need not be those of this machine.
pub trait Network: Default + Send + Sync + 'static {
    /// What it is called in the names of trials, such as `memory`.
    const NAME: &'static str;

    /// Its transport.
    type Transport: Transport;

    /// Opens an address; with port 0 one that is free.
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
