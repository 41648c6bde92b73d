//! Changes of keys, and of whether they must be used, while the node runs.

use super::Node;
use crate::config::Encryption;
use crate::error::CommandError;
use crate::key::Key;
use crate::keyring::{Keyring, KeyringError};
use crate::time::Instant;

/// Commands about keys.
impl Node {
    /// Installs a key: from now on this node opens messages sealed with it.
    ///
    /// Returns false if it was installed already. The first key installed becomes the primary key.
    ///
    /// To rotate the key of a running cluster: install the new one everywhere, then
    /// [`use_key`](Node::use_key) it everywhere, then [`remove_key`](Node::remove_key) the old one
    /// everywhere.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Full`] within [`CommandError::Keyring`], [`CommandError::Cipher`],
    /// [`CommandError::PacketTooSmall`].
    pub fn install_key(&mut self, now: Instant, key: Key) -> Result<bool, CommandError> {
        self.turn(now, |node| node.start_install_key(key))
    }

    /// Makes an installed key the primary key, which seals messages.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Unknown`] within [`CommandError::Keyring`],
    /// [`CommandError::PacketTooSmall`].
    pub fn use_key(&mut self, now: Instant, key: &Key) -> Result<(), CommandError> {
        self.turn(now, |node| node.change_keyring(|ring| ring.use_key(key)))
    }

    /// Removes a key.
    ///
    /// # Errors
    ///
    /// Within [`CommandError::Keyring`]: [`KeyringError::Primary`] for the primary key,
    /// [`KeyringError::Unknown`].
    pub fn remove_key(&mut self, now: Instant, key: &Key) -> Result<(), CommandError> {
        self.turn(now, |node| node.change_keyring(|ring| ring.remove(key)))
    }

    /// Sets whether outgoing messages are sealed, and incoming ones must be, if there are keys.
    ///
    /// To move a running cluster to encryption: install the key everywhere with
    /// [`Encryption::Off`], then set [`Encryption::Outgoing`] everywhere, then
    /// [`Encryption::Required`].
    ///
    /// # Errors
    ///
    /// [`CommandError::PacketTooSmall`].
    pub fn set_encryption(
        &mut self,
        now: Instant,
        encryption: Encryption,
    ) -> Result<(), CommandError> {
        self.turn(now, |node| node.change_access(|config| config.encryption = encryption))
    }

    fn start_install_key(&mut self, key: Key) -> Result<bool, CommandError> {
        if !self.cx.config.has_cipher(key.cipher()) {
            return Err(CommandError::Cipher);
        }
        self.change_keyring(|ring| ring.install(key))
    }

    fn change_keyring<T>(
        &mut self,
        change: impl FnOnce(&mut Keyring) -> Result<T, KeyringError>,
    ) -> Result<T, CommandError> {
        let mut keyring = self.cx.config.keyring.clone();
        let outcome = change(&mut keyring).map_err(CommandError::Keyring)?;
        self.change_access(|config| config.keyring = keyring)?;
        Ok(outcome)
    }
}
