//! What the keys of a configuration, and [`Encryption`], come to.

use super::{Config, Encryption};
use crate::key::CipherKind;
use crate::wire::Wire;

/// The tag that each of the ciphers adds.
const TAG_SIZE: usize = 16;

/// What is sealed, and what has to be.
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

    /// Whether they have to be to be accepted.
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

    /// Whether packets of the chosen wire can be sealed with such a key.
    pub(crate) fn has_cipher(&self, cipher: CipherKind) -> bool {
        self.wire == Wire::Swim || cipher.is_aes()
    }

    /// Whether they can with each of the keys.
    pub(super) fn has_ciphers(&self) -> bool {
        self.keyring.keys().all(|key| self.has_cipher(key.cipher()))
    }
}
