//! Datagrams: taking them apart, and putting them together with whatever gossip still fits.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::broadcasts::Keyed;
use crate::config::Config;
use crate::gossip::{Finished, Queue, Ticket, Tier, transmissions};
use crate::node::{Node, Status};
use crate::output::{Answer, Failure, Output, RequestId, Via};
use crate::pages::Slot;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::timer::Timer;
use crate::wire::{self, Message, Update};

/// The memory for packets is asked for in pieces of this size, and used again once the packets
/// written in it were sent and dropped.
const ARENA_SIZE: usize = 8 << 10;

/// Pings and indirect pings answered per datagram. No node sends more than one; a datagram full of
/// them would be multiplied into many.
const QUESTIONS_PER_PACKET_MAX: u32 = 1;

impl Node {
    pub(crate) fn receive_packet(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.stats.packets_received += 1;
        self.stats.packet_bytes_received += datagram.len() as u64;
        let messages = match wire::open_packet(datagram, &self.config.label) {
            Ok(messages) => messages,
            Err(reason) => return self.complain(from, reason, false),
        };
        self.packet_source = None;
        let mut questions = 0;
        for message in messages {
            let message = match message {
                Ok(message) => message,
                Err(reason) => {
                    self.complain(from, reason, false);
                    continue;
                }
            };
            self.stats.received[message.kind()] += 1;
            if let Message::Ping(_) | Message::IndirectPing(_) = message {
                questions += 1;
                if questions > QUESTIONS_PER_PACKET_MAX {
                    self.complain(from, DropReason::TooManyQuestions, false);
                    continue;
                }
            }
            self.receive_message(from, &message);
        }
    }

    fn receive_message(&mut self, from: SocketAddr, message: &Message<'_>) {
        match message {
            Message::Ping(ping) => self.receive_ping(from, ping),
            Message::IndirectPing(request) => self.receive_indirect_ping(from, request),
            Message::Ack(ack) => self.receive_ack(from, ack),
            Message::Nack { sequence } => self.receive_nack(*sequence),
            Message::Update(update) => self.receive_update(update, Via::Packet { from }),
            Message::User(message) => {
                self.receive_user_message(message.from, message.payload, false)
            }
            Message::Broadcast(broadcast) => self.receive_broadcast(broadcast),
        }
    }

    /// Queues news about `subject` for gossip; news about it that waits already is replaced.
    ///
    /// A node that joins does not pass on what it learns in the join: the cluster that it learns it
    /// from knows it, and a newcomer to 1,000 members would send 1,000 updates.
    pub(crate) fn queue_update(
        &mut self,
        subject: Slot,
        update: &Update<'_>,
        tier: Tier,
        request: Option<RequestId>,
    ) {
        if self.merging_alone && subject != Slot::LOCAL {
            return;
        }
        if let Some(place) = self.members.entry(subject).queued() {
            let replaced = self.updates.remove(place);
            self.settle(replaced);
        }
        if self.updates.len() >= self.config.update_queue_max
            && !self.config.breaks(Sabotage::OverfillsItsQueue)
            && let Some(place) = self.updates.least_urgent()
        {
            self.drop_quietly(DropReason::QueueFull);
            let pushed_out = self.updates.remove(place);
            self.settle(pushed_out);
        }
        let message = Message::Update(*update);
        let ticket = Ticket { subject: Some(subject), kind: message.kind(), request };
        let place = self.updates.push(encoded(&message), tier, ticket);
        self.members.entry_mut(subject).set_queued(Some(place));
        self.arm_gossip();
    }

    /// Sends what is queued to the next few members.
    pub(crate) fn gossip(&mut self) {
        if self.status == Status::Left {
            return;
        }
        let count = self.config.gossip_nodes;
        let targets = self.members.next_for_gossip(count);
        for &target in targets.as_slice() {
            if self.updates.is_empty() && self.broadcasts.is_empty() {
                break;
            }
            let to = self.members.entry(target).address();
            begin(&mut self.arena, &self.config, None);
            self.fill_packet();
            self.flush_packet(to);
        }
        self.arm_gossip();
    }

    /// Sets the gossip timer if there is something to gossip and somebody to gossip to. Ticks keep
    /// their rhythm while nothing is queued, so a node without news does nothing at all.
    pub(crate) fn arm_gossip(&mut self) {
        let idle = self.updates.is_empty() && self.broadcasts.is_empty();
        if idle
            || self.status == Status::Left
            || self.timers.get(Timer::Gossip).is_some()
            || !self.members.has_audience()
        {
            return;
        }
        let interval = self.config.gossip_interval;
        // The phase is below the interval, so counted from one interval before it ticks lie at the
        // multiples of the interval.
        let counted = (self.now() + (interval - self.gossip_phase)).since_origin();
        let since_tick = Duration::from_nanos(
            u64::try_from(counted.as_nanos() % interval.as_nanos()).expect("less than an hour"),
        );
        self.timers.set(Timer::Gossip, self.now() + (interval - since_tick));
    }

    /// Fills the packet begun in the arena with queued messages.
    pub(crate) fn fill_packet(&mut self) {
        if self.updates.is_empty() && self.broadcasts.is_empty() {
            return;
        }
        let limit = transmissions(self.config.retransmit_mult, self.members_live());
        // What gossip misses of an update anti-entropy mends; nothing does so for a broadcast.
        let broadcast_limit = limit + self.config.retransmit_mult;
        let excess = if self.config.breaks(Sabotage::OverfillsPackets) { 400 } else { 0 };
        let size_max = self.config.packet_size_max + excess;
        let room = size_max.saturating_sub(self.arena.len());
        let mut finished = core::mem::take(&mut self.finished);
        let (arena, sent) = (&mut self.arena, &mut self.stats.sent);

        // Besides their share broadcasts may have what membership news will leave.
        let left_over = room.saturating_sub(self.updates.bytes());
        let allotted = self.share.allot(&self.broadcasts, room, size_max).max(left_over);
        let mut used = self.broadcasts.fill(arena, allotted, broadcast_limit, sent, &mut finished);
        self.share.spend(used);
        let had_share = used > 0;
        used += self.updates.fill(arena, room - used, limit, sent, &mut finished);
        if !had_share {
            used = self.broadcasts.fill(arena, room - used, broadcast_limit, sent, &mut finished);
            self.share.spend(used);
        }

        for done in finished.drain(..) {
            self.settle(done);
        }
        self.finished = finished;
    }

    /// Gives out the packet in the arena, unless it holds nothing.
    pub(crate) fn flush_packet(&mut self, to: SocketAddr) {
        if self.arena.len() <= wire::header_len(&self.config.label) {
            self.arena.clear();
            return;
        }
        debug_assert!(
            self.arena.len() <= self.config.packet_size_max
                || self.config.breaks(Sabotage::OverfillsPackets)
        );
        let payload = self.arena.split().freeze();
        self.stats.packets_sent += 1;
        self.stats.packet_bytes_sent += payload.len() as u64;
        self.output(Output::Packet { to, payload });
    }

    /// Appends one more message to the packet in the arena if it fits.
    pub(crate) fn append_if_it_fits(&mut self, message: &Message<'_>) {
        if self.arena.len() + message.encoded_len() <= self.config.packet_size_max {
            message.encode(&mut self.arena);
            self.stats.sent[message.kind()] += 1;
        }
    }

    /// The last one who could have heard is gone: what is queued counts as spread. Who comes later
    /// learns it in the join.
    pub(crate) fn settle_without_audience(&mut self) {
        if self.members.has_audience() {
            return;
        }
        let mut queues =
            [core::mem::take(&mut self.updates), core::mem::take(&mut self.broadcasts)];
        self.keyed = Keyed::default();
        for finished in queues.iter_mut().flat_map(Queue::drain) {
            self.settle(finished);
        }
    }

    /// Like [`Node::settle`], for a message that was given up because this node has left.
    pub(crate) fn settle_stopped(&mut self, finished: Finished) {
        let Ticket { subject, request, .. } = finished.ticket;
        if let Some(subject) = subject {
            self.members.entry_mut(subject).set_queued(None);
        }
        if let Some(request) = request {
            self.answer(request, Err(Failure::Stopped));
        }
    }

    /// Sends one message, followed by gossip if `piggyback` says so.
    pub(crate) fn send_message(&mut self, to: SocketAddr, message: &Message<'_>, piggyback: bool) {
        begin(&mut self.arena, &self.config, Some(message));
        self.stats.sent[message.kind()] += 1;
        if piggyback {
            self.fill_packet();
        }
        self.flush_packet(to);
    }

    /// Counts a message that was written to a packet or stream.
    pub(crate) fn count_sent(&mut self, kind: MessageKind) {
        self.stats.sent[kind] += 1;
    }

    /// Tells whoever waits that a queued message will not be sent again.
    pub(crate) fn settle(&mut self, finished: Finished) {
        let Ticket { subject, request, kind } = finished.ticket;
        if let Some(subject) = subject {
            self.members.entry_mut(subject).set_queued(None);
        }
        if kind == MessageKind::Broadcast {
            self.keyed.remove(finished.place);
        }
        match request {
            Some(request) if self.leaving == Some(request) => self.let_goodbye_spread(),
            Some(request) => self.answer(request, Ok(Answer::Spread)),
            None => {}
        }
    }
}

/// Begins a packet in the arena, with its first message if there is one.
pub(crate) fn begin(arena: &mut BytesMut, config: &Config, message: Option<&Message<'_>>) {
    let size = ARENA_SIZE.max(config.packet_size_max);
    arena.clear();
    // Starts over whenever all packets were dropped, so that the packets of one tick, which are given
    // out together, find the whole arena free.
    if !arena.try_reclaim(size) && arena.capacity() < config.packet_size_max {
        arena.reserve(size);
    }
    wire::begin_packet(&config.label, arena);
    if let Some(message) = message {
        message.encode(arena);
    }
}

/// A message in the form in which it is appended to packets.
pub(crate) fn encoded(message: &Message<'_>) -> Bytes {
    let mut bytes = BytesMut::with_capacity(message.encoded_len());
    message.encode(&mut bytes);
    bytes.freeze()
}
