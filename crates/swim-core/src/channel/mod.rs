//! Converts between messages and bytes: label, seal, compression and framing of datagrams and
//! streams, on both wires and in both directions.
//!
//! A [`Channel`] holds the wire settings and keys of a configuration. It writes datagrams
//! ([`Channel::datagram`]) and one side's part of an exchange on a stream ([`Channel::framed`],
//! [`Channel::sealed`]), and reads both ([`Channel::open`], [`Channel::read_half`]). It knows
//! nothing of members. Nodes use it, and so do tools that act like a node.

mod draft;
mod framing;
mod greeting;
mod halves;
#[cfg(not(feature = "encryption"))]
mod no_seal;
mod open_error;
mod opening;
#[cfg(feature = "encryption")]
mod seal;
mod stream_buffer;

pub use draft::Draft;
pub use halves::Framed;
pub use open_error::OpenError;
pub use opening::{Opened, Scratch};
#[cfg(feature = "encryption")]
pub use seal::Sealer;
pub use stream_buffer::{Received, Rejected, Side, StreamBuffer};

use core::fmt;

use crate::config::Config;
use crate::fingerprint::Fingerprint;
use crate::wire::Lz4;
use crate::wire::memberlist::Lzw;

use draft::Memory;
use framing::Framing;
#[cfg(not(feature = "encryption"))]
use no_seal::{LastKey, Sealer};
#[cfg(feature = "encryption")]
use seal::LastKey;

/// Writes and reads as a node with one configuration.
pub struct Channel {
    framing: Framing,
    sealer: Sealer,
    /// Compresses packets of the native wire.
    lz4: Lz4,
    /// Compresses output on memberlist's wire.
    lzw: Lzw,
    /// Decompresses input on streams of memberlist's wire.
    unpacker: Lzw,
    /// The key that last opened input on a stream.
    last_key: LastKey,
    memory: Memory,
}

impl Channel {
    /// Makes the channel of a node with this configuration, which must be valid.
    ///
    /// The nonces of seals come from `seed`; see [`Sealer::new`].
    #[must_use]
    pub fn new(config: &Config, seed: [u8; 32]) -> Self {
        Channel {
            framing: Framing::of(config),
            sealer: Sealer::of(config, seed),
            lz4: Lz4::default(),
            lzw: Lzw::default(),
            unpacker: Lzw::default(),
            last_key: LastKey::default(),
            memory: Memory::default(),
        }
    }

    /// Changes to this configuration, which must be valid.
    pub fn reconfigure(&mut self, config: &Config) {
        self.framing = Framing::of(config);
        self.sealer.follow(config);
    }

    /// Pretends that the primary key made this many more seals.
    #[cfg(feature = "encryption")]
    #[cfg(test)]
    pub(crate) fn wear_key(&mut self, seals: u64) {
        self.sealer.wear(seals);
    }

    /// How many seals it has made.
    pub(crate) fn seals(&self) -> u64 {
        self.sealer.seals()
    }

    /// The primary key and its seals here, once it should be replaced: see
    /// [`Event::KeyWearsOut`](crate::Event::KeyWearsOut).
    pub(crate) fn take_worn_key(&mut self, members: usize) -> Option<(Fingerprint, u64)> {
        self.sealer.take_worn(members)
    }

    /// Asserts that the channel matches this configuration.
    pub(crate) fn check(&self, config: &Config) {
        assert_eq!(self.framing, Framing::of(config), "the framing of the configuration");
        assert!(self.sealer.follows(config), "the keys of the configuration");
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("framing", &self.framing)
            .field("sealer", &self.sealer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn config() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    #[test]
    #[should_panic(expected = "the framing of the configuration")]
    fn another_label_than_that_of_the_node_is_noticed() {
        let channel = Channel::new(&config(), [0; 32]);
        channel.check(&config());
        channel.check(&Config { label: Bytes::from_static(b"other"), ..config() });
    }

    #[cfg(feature = "encryption")]
    #[test]
    #[should_panic(expected = "the keys of the configuration")]
    fn other_keys_than_those_of_the_node_are_noticed() {
        use crate::{Key, Keyring};

        let ring = |key: &[u8]| Keyring::new(Key::aes(key).unwrap());
        let with = |keyring: Keyring| Config { keyring, ..config() };
        let channel = Channel::new(&with(ring(b"0123456789abcdef")), [0; 32]);
        channel.check(&with(ring(b"0123456789abcdef")));
        channel.check(&with(ring(b"fedcba9876543210")));
    }
}
