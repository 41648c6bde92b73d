//! Who is let in, and how it is changed while the node runs: keys, whether they must be used,
//! labels.

use bytes::Bytes;

use crate::error::CommandError;
use crate::key::Key;
use crate::keyring::{Keyring, KeyringError};
use crate::node::{Node, at_most};
use crate::stats::DropReason;
use crate::wire::{self, LABEL_SIZE_MAX};

impl Node {
    pub(crate) fn change_keyring<T>(
        &mut self,
        change: impl FnOnce(&mut Keyring) -> Result<T, KeyringError>,
    ) -> Result<T, CommandError> {
        let mut keyring = self.config.keyring.clone();
        let outcome = change(&mut keyring).map_err(CommandError::Keyring)?;
        self.change_access(|config| config.keyring = keyring)?;
        self.sealer.change(|sealing| sealing.clone_from(&self.config.keyring));
        Ok(outcome)
    }

    pub(crate) fn check_cipher(&self, key: &Key) -> Result<(), CommandError> {
        if self.config.wire.has_cipher(key.cipher()) { Ok(()) } else { Err(CommandError::Cipher) }
    }

    pub(crate) fn change_label(
        &mut self,
        label: Bytes,
        also: Option<Bytes>,
    ) -> Result<(), CommandError> {
        at_most(label.len(), LABEL_SIZE_MAX)?;
        at_most(also.as_ref().map_or(0, Bytes::len), LABEL_SIZE_MAX)?;
        self.change_access(|config| (config.label, config.label_also) = (label, also))
    }

    /// Changes settings that packets have less room with, or more.
    pub(crate) fn change_access(
        &mut self,
        change: impl FnOnce(&mut crate::Config),
    ) -> Result<(), CommandError> {
        let mut config = self.config.clone();
        change(&mut config);
        if !wire::messages_fit(&config) {
            return Err(CommandError::PacketTooSmall);
        }
        self.config = config;
        self.give_up_the_too_long();
        Ok(())
    }

    /// A broadcast that waits was let in when packets had more room, and may not fit any more.
    fn give_up_the_too_long(&mut self) {
        let limit = self.config.message_max();
        for finished in self.broadcasts.take_longer_than(limit) {
            self.drop_quietly(DropReason::QueueFull);
            self.settle(finished);
        }
    }
}
