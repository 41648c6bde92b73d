//! What carries packets between the TUN devices of namespaces and the switch.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::namespace::Namespace;
use crate::switch::Switch;

#[cfg(target_os = "linux")]
use crate::carrier as system;

/// The name of the TUN device in each namespace.
pub(crate) const DEVICE: &str = "tun0";

/// A switch that a thread of its own carries packets to and from.
#[derive(Debug)]
pub(crate) struct Wires {
    switch: Arc<Mutex<Switch>>,
    /// Ends the thread when dropped, and with it the devices.
    _carrier: system::Carrier,
}

impl Wires {
    /// Makes a TUN device in each namespace, the first for the first host of the switch, and
    /// carries packets from now on. The devices are not up yet.
    pub(crate) fn start(switch: Switch, namespaces: &[&Namespace]) -> Result<Self, Error> {
        let switch = Arc::new(Mutex::new(switch));
        let carrier = system::Carrier::start(Arc::clone(&switch), namespaces)?;
        Ok(Wires { switch, _carrier: carrier })
    }

    pub(crate) fn switch(&self) -> MutexGuard<'_, Switch> {
        lock(&self.switch)
    }
}

/// No change of a switch is ever left half done.
pub(crate) fn lock(switch: &Mutex<Switch>) -> MutexGuard<'_, Switch> {
    switch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Elsewhere there are neither network namespaces nor TUN devices in them.
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
