//! Who is let in, and how it is changed while the node runs: keys, whether they must be used,
//! labels.

use bytes::Bytes;

use super::Node;
use crate::config::Config;
use crate::error::{CommandError, at_most};
use crate::key::Key;
use crate::keyring::{Keyring, KeyringError};
use crate::wire::LABEL_SIZE_MAX;

impl Node {
    pub(super) fn start_install_key(&mut self, key: Key) -> Result<bool, CommandError> {
        if !self.cx.config.wire.has_cipher(key.cipher()) {
            return Err(CommandError::Cipher);
        }
        self.change_keyring(|ring| ring.install(key))
    }

    pub(super) fn change_keyring<T>(
        &mut self,
        change: impl FnOnce(&mut Keyring) -> Result<T, KeyringError>,
    ) -> Result<T, CommandError> {
        let mut keyring = self.cx.config.keyring.clone();
        let outcome = change(&mut keyring).map_err(CommandError::Keyring)?;
        self.change_access(|config| config.keyring = keyring)?;
        Ok(outcome)
    }

    pub(super) fn change_label(
        &mut self,
        label: Bytes,
        also: Option<Bytes>,
    ) -> Result<(), CommandError> {
        at_most(label.len(), LABEL_SIZE_MAX)?;
        at_most(also.as_ref().map_or(0, Bytes::len), LABEL_SIZE_MAX)?;
        self.change_access(|config| (config.label, config.label_also) = (label, also))
    }

    /// Changes settings that packets have less room with, or more.
    pub(super) fn change_access(
        &mut self,
        change: impl FnOnce(&mut Config),
    ) -> Result<(), CommandError> {
        let mut config = self.cx.config.clone();
        change(&mut config);
        if !config.messages_fit() {
            return Err(CommandError::PacketTooSmall);
        }
        self.cx.channel.reconfigure(&config);
        self.cx.config = config;
        self.gossip.give_up_the_too_long(&mut self.cx);
        Ok(())
    }
}
