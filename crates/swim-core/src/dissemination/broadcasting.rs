//! User broadcasts: starting, receiving and passing them on.

use core::net::SocketAddr;

use bytes::Bytes;

use super::queue::{Subject, Ticket, Tier, Waiter};
use super::seen::{Limits, Note, Sender};
use super::{Gossip, encoded};
use crate::config::Config;
use crate::context::Context;
use crate::error::CommandError;
use crate::member::{Incarnation, Name};
use crate::members::Members;
use crate::output::{Answer, Event, RequestId};
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::wire::{Broadcast, Message};

/// How a received broadcast may be handled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taking {
    /// It is passed on, if there is room.
    pub(crate) passes_on: bool,
    /// A remembered life may be forgotten for it.
    pub(crate) may_forget: bool,
}

impl Gossip {
    /// Starts a broadcast whose size was checked. Without an audience it counts as spread at once.
    pub(crate) fn start_broadcast(
        &mut self,
        cx: &mut Context,
        members: &Members,
        key: &[u8],
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        let name = cx.config.name.clone();
        let broadcast = Broadcast {
            origin: name.as_str(),
            life: self.life,
            sequence: self.broadcasts_made,
            key,
            payload,
            known: if cx.config.seals_natively() { members.highest() } else { Incarnation(0) },
        };
        if !self.has_room_for(&cx.config, &name, &broadcast) {
            return Err(CommandError::Busy { limit: "broadcast_queue_max" });
        }
        let request = cx.begin_request()?;
        self.broadcasts_made = self.broadcasts_made.wrapping_add(1);
        if members.has_audience() {
            self.queue_broadcast(cx, members, &name, &broadcast, Waiter::Command(request));
        } else {
            cx.answer(request, Ok(Answer::Spread));
        }
        Ok(request)
    }

    /// Handles a broadcast; passes it on if `passes_on` and if there is room.
    pub(crate) fn receive_broadcast(
        &mut self,
        cx: &mut Context,
        members: &Members,
        (from, broadcast): (SocketAddr, &Broadcast<'_>),
        Taking { passes_on, may_forget }: Taking,
    ) {
        let Broadcast { origin, sequence, .. } = *broadcast;
        if origin == cx.config.name.as_str() {
            return self.receive_own_broadcast(cx, broadcast);
        }
        let mut note = self.note(cx, members, (from, broadcast), !passes_on, may_forget);
        // Taking it makes everything before it count as seen. So it is taken only if it is passed
        // on, too, and the origin can hear it: an origin that never sent it takes a new life.
        if note == Note::Ahead {
            let name = Name::trusted(origin);
            if !fits_a_packet(&cx.config, broadcast) || !self.make_room_for(cx, &name, broadcast) {
                return cx.drop_quietly(DropReason::QueueFull);
            }
            note = self.note(cx, members, (from, broadcast), true, may_forget);
        }
        match note {
            Note::New => {}
            Note::Repeated | Note::Ahead => {
                return cx.drop_quietly(DropReason::RepeatedBroadcast);
            }
            Note::Full => return cx.drop_quietly(DropReason::OriginsFull),
        }
        let origin = Name::trusted(origin);
        let newer = self.keyed.find(&origin, broadcast).filter(|&(_, waiting)| waiting > sequence);
        if newer.is_some() {
            return cx.drop_quietly(DropReason::ReplacedBroadcast);
        }
        if passes_on
            && fits_a_packet(&cx.config, broadcast)
            && self.make_room_for(cx, &origin, broadcast)
        {
            self.queue_broadcast(cx, members, &origin, broadcast, Waiter::Nobody);
        }
        let key = Bytes::copy_from_slice(broadcast.key);
        let payload = Bytes::copy_from_slice(broadcast.payload);
        cx.emit(Event::Broadcast { origin, key, payload });
    }

    /// Gives up queued broadcasts that no longer fit into a packet, which had more room before.
    pub(crate) fn give_up_the_too_long(&mut self, cx: &mut Context) {
        let limit = cx.config.message_max();
        for finished in self.broadcasts.take_longer_than(limit) {
            cx.drop_quietly(DropReason::QueueFull);
            self.settle(finished, &cx.config, &mut cx.outputs);
        }
    }

    /// Handles a broadcast in this node's name. If this life never sent it, it is made up, and may
    /// have advanced what peers count as seen. This node then takes a new life, unknown to peers.
    fn receive_own_broadcast(&mut self, cx: &mut Context, broadcast: &Broadcast<'_>) {
        cx.drop_quietly(DropReason::RepeatedBroadcast);
        let never_sent = broadcast.life == self.life && broadcast.sequence >= self.broadcasts_made;
        if never_sent && !cx.config.breaks(Sabotage::KeepsItsLife) {
            (self.life, self.broadcasts_made) = (cx.random.next_u32(), 0);
        }
    }

    fn note(
        &mut self,
        cx: &Context,
        members: &Members,
        (from, broadcast): (SocketAddr, &Broadcast<'_>),
        may_jump: bool,
        may_forget: bool,
    ) -> Note {
        let Broadcast { origin, life, sequence, .. } = *broadcast;
        let limits = Limits {
            lives_max: cx.config.broadcast_origins_max,
            quiet: cx.config.gossip_to_the_dead,
            members_first: !cx.config.breaks(Sabotage::TreatsOriginsAlike),
            may_forget,
        };
        self.seen.note(cx.now(), (origin, life, sequence), limits, may_jump, || {
            let member = members.find(origin).map(|slot| members.entry(slot));
            match member.filter(|entry| entry.state().is_live()) {
                Some(entry) if entry.is_at(from) => Sender::Itself,
                Some(_) => Sender::Relay,
                None => Sender::OfStranger,
            }
        })
    }

    /// Makes room to pass on a broadcast: the most sent one goes. One that was never sent stays,
    /// because this node may have the only copy. In that case the new one, of which peers have
    /// copies, is not passed on. Returns whether there is room now.
    fn make_room_for(
        &mut self,
        cx: &mut Context,
        origin: &Name,
        broadcast: &Broadcast<'_>,
    ) -> bool {
        while !self.has_room_for(&cx.config, origin, broadcast) {
            cx.drop_quietly(DropReason::QueueFull);
            let sent = |&place: &u32| self.broadcasts.was_sent(place);
            let Some(place) = self.broadcasts.least_urgent().filter(sent) else {
                return false;
            };
            let pushed_out = self.broadcasts.remove(place);
            self.settle(pushed_out, &cx.config, &mut cx.outputs);
        }
        true
    }

    /// Whether there is room, including that of the broadcast it replaces.
    fn has_room_for(&self, config: &Config, origin: &Name, broadcast: &Broadcast<'_>) -> bool {
        let (mut len, mut bytes) = (self.broadcasts.len(), self.broadcasts.bytes());
        if let Some((place, _)) = self.keyed.find(origin, broadcast) {
            len -= 1;
            bytes -= self.broadcasts.len_of(place);
        }
        let size = config.wire.encoded_len(&Message::Broadcast(*broadcast));
        len < config.broadcast_queue_max && bytes + size <= config.broadcast_queue_bytes_max
    }

    fn queue_broadcast(
        &mut self,
        cx: &mut Context,
        members: &Members,
        origin: &Name,
        broadcast: &Broadcast<'_>,
        waiter: Waiter,
    ) {
        if let Some((place, _)) = self.keyed.find(origin, broadcast) {
            let replaced = self.broadcasts.remove(place);
            self.settle(replaced, &cx.config, &mut cx.outputs);
        }
        let bytes = encoded(cx.config.wire, &Message::Broadcast(*broadcast));
        let ticket = Ticket { subject: Subject::Nothing, kind: MessageKind::Broadcast, waiter };
        let place = self.broadcasts.push(bytes, Tier::Normal, ticket);
        if !broadcast.key.is_empty() {
            self.keyed.insert(origin.clone(), broadcast, place);
        }
        self.arm(cx, members);
    }
}

/// Whether it fits into this node's packets: a peer's may be larger.
fn fits_a_packet(config: &Config, broadcast: &Broadcast<'_>) -> bool {
    config.wire.encoded_len(&Message::Broadcast(*broadcast)) <= config.message_max()
}
