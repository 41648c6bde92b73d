//! Packets between the TUN devices of namespaces and the switch.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::namespace::Namespace;
use crate::switch::Switch;

#[cfg(target_os = "linux")]
use crate::carrier as system;

/// The name of the TUN device in each namespace.
pub(crate) const DEVICE: &str = "tun0";

/// A switch, and the thread that carries packets to and from it.
#[derive(Debug)]
pub(crate) struct Wires {
    switch: Arc<Mutex<Switch>>,
    /// Ends the thread and its devices when dropped.
    _carrier: system::Carrier,
}

impl Wires {
    /// Creates a TUN device in each namespace, and starts to carry packets.
    ///
    /// The namespaces come in the order of the switch's hosts. The devices are not up yet.
    pub(crate) fn start(switch: Switch, namespaces: &[&Namespace]) -> Result<Self, Error> {
        let switch = Arc::new(Mutex::new(switch));
        let carrier = system::Carrier::start(Arc::clone(&switch), namespaces)?;
        Ok(Wires { switch, _carrier: carrier })
    }

    pub(crate) fn switch(&self) -> MutexGuard<'_, Switch> {
        lock(&self.switch)
    }
}

/// Changes of a switch are never left half done, so a poisoned lock is fine.
pub(crate) fn lock(switch: &Mutex<Switch>) -> MutexGuard<'_, Switch> {
    switch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Other systems have neither network namespaces nor TUN devices.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Arc, Error, Mutex, Namespace, Switch};

    #[derive(Debug)]
    pub(super) struct Carrier;

    impl Carrier {
        pub(super) fn start(_: Arc<Mutex<Switch>>, _: &[&Namespace]) -> Result<Self, Error> {
            Err(Error::new("a lab needs the network namespaces of Linux"))
        }
    }
}
