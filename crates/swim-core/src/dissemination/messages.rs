//! Messages to one member in packets: their envelopes, and whether they were taken before.

use super::Gossip;
use super::inbox::Taken;
use crate::member::Incarnation;
use crate::members::Entry;
use crate::stats::DropReason;
use crate::wire::{Envelope, User, recipient};

impl Gossip {
    /// The envelope of the next sealed message to this member in a packet, in this life of the
    /// node.
    pub(crate) fn next_envelope(&mut self, to: &Entry, life: Incarnation) -> Envelope {
        let sequence = self.messages_sent;
        self.messages_sent = sequence.wrapping_add(1);
        let incarnation = to.incarnation();
        Envelope { to: recipient(to.name()), incarnation, life: life.0, sequence }
    }

    /// Takes a sealed message, unless it was taken before.
    ///
    /// # Errors
    ///
    /// The reason to drop it, and whether everything taken should be forgotten. It should be if
    /// there is no room, or if the message is too old to tell whether it was taken. All messages of
    /// a sender are too old once somebody claimed a later life, or more messages, in its name.
    pub(crate) fn take_message(
        &mut self,
        message: &User<'_>,
        envelope: Envelope,
    ) -> Result<(), (DropReason, bool)> {
        match self.inbox.take(message.from, envelope.life, envelope.sequence) {
            Taken::New => Ok(()),
            Taken::Repeated => Err((DropReason::RepeatedMessage, false)),
            Taken::Old => Err((DropReason::RepeatedMessage, true)),
            Taken::Full => Err((DropReason::SendersFull, true)),
        }
    }

    /// Whether broadcasts were forgotten, so that a recording of them would count as new.
    #[inline]
    pub(crate) fn has_forgotten(&self) -> bool {
        self.seen.has_forgotten()
    }

    /// Forgets what was taken. The node makes sure that nothing of it is taken again.
    pub(crate) fn forget_taken(&mut self) {
        self.inbox.clear();
        self.seen.forgive();
    }
}
