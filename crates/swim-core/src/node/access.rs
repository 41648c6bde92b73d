//! Access to the cluster, changed while the node runs: labels, and settings of `keys.rs`.

use bytes::Bytes;

use super::Node;
use crate::config::Config;
use crate::error::{CommandError, at_most};
use crate::wire::LABEL_SIZE_MAX;

impl Node {
    pub(super) fn change_label(
        &mut self,
        label: Bytes,
        also: Option<Bytes>,
    ) -> Result<(), CommandError> {
        at_most(label.len(), LABEL_SIZE_MAX)?;
        at_most(also.as_ref().map_or(0, Bytes::len), LABEL_SIZE_MAX)?;
        self.change_access(|config| (config.label, config.label_also) = (label, also))
    }

    /// Changes settings that affect the room in packets.
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
