//! The sealing that follows from a configuration's keys and [`Encryption`].

use super::{Config, Encryption};
use crate::key::CipherKind;
use crate::wire::Wire;

/// The size of the tag, the same for each cipher.
const TAG_SIZE: usize = 16;

/// Whether output is sealed, and whether input must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealing {
    has_keys: bool,
    encryption: Encryption,
}

impl Sealing {
    /// Whether there are keys to open with.
    #[inline]
    pub(crate) fn has_keys(self) -> bool {
        self.has_keys
    }

    /// Whether packets and streams are encrypted.
    #[inline]
    pub(crate) fn seals(self) -> bool {
        self.encryption != Encryption::Off && self.has_keys
    }

    /// Whether only encrypted packets and streams are accepted.
    #[inline]
    pub(crate) fn requires_seals(self) -> bool {
        self.encryption == Encryption::Required && self.has_keys
    }
}

impl Config {
    #[inline]
    pub(crate) fn sealing(&self) -> Sealing {
        Sealing { has_keys: !self.keyring.is_empty(), encryption: self.encryption }
    }

    /// How many bytes a seal adds on the native wire.
    pub(super) fn native_seal_overhead(&self) -> usize {
        self.keyring.primary().map_or(0, |key| key.cipher().nonce_size() + TAG_SIZE)
    }

    /// Whether a key for this cipher can seal packets of the chosen wire.
    pub(crate) fn has_cipher(&self, cipher: CipherKind) -> bool {
        self.wire == Wire::Swim || cipher.is_aes()
    }

    /// Whether each of the keys can.
    pub(super) fn has_ciphers(&self) -> bool {
        self.keyring.keys().all(|key| self.has_cipher(key.cipher()))
    }
}
