//! The settings in the flash of a device, written before it is installed.

use core::net::SocketAddr;

use swim_core::{Config, Name};
#[cfg(feature = "encryption")]
use swim_core::{Key, Keyring};

/// The device's name and address, and the cluster's key and wire.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: Name,
    /// Its address.
    pub address: SocketAddr,
    /// The key of the cluster.
    #[cfg(feature = "encryption")]
    pub key: Option<[u8; 16]>,
    /// Whether it compresses what it sends.
    #[cfg(feature = "compression")]
    pub compression: bool,
    /// Whether there are Go programs in the cluster.
    #[cfg(feature = "memberlist")]
    pub memberlist: bool,
}

impl Settings {
    /// Settings for a device with this name and address, in a cluster that uses no feature.
    #[must_use]
    pub fn new(name: Name, address: SocketAddr) -> Self {
        Settings {
            name,
            address,
            #[cfg(feature = "encryption")]
            key: None,
            #[cfg(feature = "compression")]
            compression: false,
            #[cfg(feature = "memberlist")]
            memberlist: false,
        }
    }

    /// The configuration of the node: limits for tens of members and tens of kilobytes.
    pub(crate) fn config(self) -> Config {
        let config = Config::lan(self.name, self.address);
        #[cfg(feature = "memberlist")]
        let config = if self.memberlist { config.memberlist() } else { config };
        config.with(|config| {
            #[cfg(feature = "encryption")]
            if let Some(key) = self.key.and_then(|key| Key::aes(&key).ok()) {
                config.keyring = Keyring::new(key);
            }
            #[cfg(feature = "compression")]
            {
                config.compression = self.compression;
            }
            config.meta_size_max = 64;
            config.members_max = 64;
            config.lost_members_max = 16;
            config.update_queue_max = 64;
            config.broadcast_queue_max = 16;
            config.broadcast_queue_bytes_max = 4 << 10;
            config.broadcast_origins_max = 64;
            config.reliable_size_max = 1 << 10;
            config.user_state_size_max = 1 << 10;
            config.streams_max = 4;
            config.streams_per_source_max = 2;
            config.stream_buffer_max = 16 << 10;
            config.requests_max = 8;
            config.relays_max = 8;
        })
    }
}
