//! What the application sends: broadcasts, and messages to one member.

use bytes::Bytes;

use crate::broadcasts::Note;
use crate::config::Config;
use crate::error::CommandError;
use crate::gossip::{Ticket, Tier};
use crate::member::Name;
use crate::node::{Node, Status, at_most};
use crate::output::{Answer, Event, RequestId};
use crate::packet;
use crate::stats::{DropReason, MessageKind};
use crate::wire::{self, Broadcast, Message, User, Wire};

/// On the native wire: field number and length of a payload and of a key, and the growth of the
/// length of the message around them.
const PAYLOAD_FIELD: usize = 1 + 3 + 1 + 2 + 2;

impl Node {
    pub(crate) fn start_broadcast(
        &mut self,
        key: &[u8],
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        if self.status != Status::Running {
            return Err(CommandError::NotRunning);
        }
        at_most(key.len(), wire::BROADCAST_KEY_SIZE_MAX)?;
        at_most(key.len() + payload.len(), self.broadcast_size_max())?;
        let name = self.config.name.clone();
        let broadcast = Broadcast {
            origin: name.as_str(),
            life: self.life,
            sequence: self.broadcasts_made,
            key,
            payload,
        };
        if !self.has_room_for_broadcast(&name, &broadcast) {
            return Err(CommandError::Busy { limit: "broadcast_queue_max" });
        }
        let request = self.begin_request()?;
        self.broadcasts_made = self.broadcasts_made.wrapping_add(1);
        if self.members.has_audience() {
            self.queue_broadcast(&name, &broadcast, Some(request));
        } else {
            self.answer(request, Ok(Answer::Spread));
        }
        Ok(request)
    }

    pub(crate) fn receive_broadcast(&mut self, broadcast: &Broadcast<'_>) {
        let Broadcast { origin, life, sequence, .. } = *broadcast;
        if origin == self.config.name.as_str() {
            return self.drop_quietly(DropReason::RepeatedBroadcast);
        }
        let (lives_max, quiet) =
            (self.config.broadcast_origins_max, self.config.gossip_to_the_dead);
        match self.seen.note(self.now(), (origin, life, sequence), lives_max, quiet) {
            Note::New => {}
            Note::Repeated => return self.drop_quietly(DropReason::RepeatedBroadcast),
            Note::Full => return self.drop_quietly(DropReason::OriginsFull),
        }
        let origin = Name::trusted(origin);
        let newer = self.keyed.find(&origin, broadcast).filter(|&(_, waiting)| waiting > sequence);
        if newer.is_some() {
            return self.drop_quietly(DropReason::ReplacedBroadcast);
        }
        if self.status == Status::Running
            && self.fits_a_packet(broadcast)
            && self.make_room_for_broadcast(&origin, broadcast)
        {
            self.queue_broadcast(&origin, broadcast, None);
        }
        let key = Bytes::copy_from_slice(broadcast.key);
        let payload = Bytes::copy_from_slice(broadcast.payload);
        self.emit(Event::Broadcast { origin, key, payload });
    }

    pub(crate) fn send_user_message(
        &mut self,
        to: &str,
        payload: &[u8],
    ) -> Result<(), CommandError> {
        let (_, address) = self.live_peer(to)?;
        at_most(payload.len(), self.message_size_max())?;
        let from = self.config.name.clone();
        let message = Message::User(User { from: from.as_str(), payload });
        self.send_message(address, &message, true);
        Ok(())
    }

    pub(crate) fn start_send_reliable(
        &mut self,
        to: &str,
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        let (_, address) = self.live_peer(to)?;
        at_most(payload.len(), self.config.reliable_size_max)?;
        let request = self.begin_request()?;
        self.open_message_stream(address, payload, request);
        Ok(request)
    }

    pub(crate) fn receive_user_message(&mut self, from: &str, payload: &[u8], reliable: bool) {
        // Go does not pass on an empty one that came over a stream, though it does one in a packet.
        if self.config.wire == Wire::Memberlist && reliable && payload.is_empty() {
            return;
        }
        let from = (!from.is_empty()).then(|| Name::trusted(from));
        let payload = Bytes::copy_from_slice(payload);
        self.emit(Event::Message { from, payload, reliable });
    }

    /// What a user message costs in a datagram besides its payload, at most.
    pub(crate) fn user_message_overhead(&self) -> usize {
        let message = Message::User(User { from: self.config.name.as_str(), payload: &[] });
        overhead(&self.config, &message)
    }

    /// What a broadcast costs in a datagram besides its payload, at most.
    pub(crate) fn broadcast_overhead(&self) -> usize {
        let message = Message::Broadcast(Broadcast {
            origin: self.config.name.as_str(),
            life: u32::MAX,
            sequence: u32::MAX,
            key: &[],
            payload: &[],
        });
        overhead(&self.config, &message)
    }

    /// Passed on for others a broadcast makes room for itself: the most sent goes. What was never
    /// sent does not, this node may be the only one that has it; then the new one is not passed on,
    /// of which others have a copy. Returns whether there is room now.
    fn make_room_for_broadcast(&mut self, origin: &Name, broadcast: &Broadcast<'_>) -> bool {
        while !self.has_room_for_broadcast(origin, broadcast) {
            self.drop_quietly(DropReason::QueueFull);
            let sent = |&place: &u32| self.broadcasts.was_sent(place);
            let Some(place) = self.broadcasts.least_urgent().filter(sent) else {
                return false;
            };
            let pushed_out = self.broadcasts.remove(place);
            self.settle(pushed_out);
        }
        true
    }

    /// The one that it replaces makes room.
    fn has_room_for_broadcast(&self, origin: &Name, broadcast: &Broadcast<'_>) -> bool {
        let (mut len, mut bytes) = (self.broadcasts.len(), self.broadcasts.bytes());
        if let Some((place, _)) = self.keyed.find(origin, broadcast) {
            len -= 1;
            bytes -= self.broadcasts.len_of(place);
        }
        let size = self.config.wire.encoded_len(&Message::Broadcast(*broadcast));
        len < self.config.broadcast_queue_max
            && bytes + size <= self.config.broadcast_queue_bytes_max
    }

    /// A peer's packets may be larger than this node's.
    fn fits_a_packet(&self, broadcast: &Broadcast<'_>) -> bool {
        let message = Message::Broadcast(*broadcast);
        self.config.wire.encoded_len(&message) <= self.config.message_max()
    }

    fn queue_broadcast(
        &mut self,
        origin: &Name,
        broadcast: &Broadcast<'_>,
        request: Option<RequestId>,
    ) {
        if let Some((place, _)) = self.keyed.find(origin, broadcast) {
            let replaced = self.broadcasts.remove(place);
            self.settle(replaced);
        }
        let bytes = packet::encoded(self.config.wire, &Message::Broadcast(*broadcast));
        let ticket = Ticket { subject: None, kind: MessageKind::Broadcast, request };
        let place = self.broadcasts.push(bytes, Tier::Normal, ticket);
        if !broadcast.key.is_empty() {
            self.keyed.insert(origin.clone(), broadcast, place);
        }
        self.arm_gossip();
    }
}

fn overhead(config: &Config, message: &Message<'_>) -> usize {
    let fields = match config.wire {
        Wire::Swim => PAYLOAD_FIELD,
        Wire::Memberlist => 0,
    };
    config.wire.encoded_len(message) + fields
}
