//! Datagrams: taking them apart, and putting them together with whatever gossip still fits.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::address::canonical;
use crate::broadcasts::Keyed;
use crate::gossip::{Finished, Queue, Ticket, Tier, transmissions};
use crate::node::{Node, Status};
use crate::output::{Answer, Failure, Output, RequestId, Via};
use crate::pages::Slot;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::timer::Timer;
use crate::wire::{self, Labels, Message, Messages, Update, Wire, memberlist};

/// Pings and indirect pings answered per datagram. No node sends more than one; a datagram full of
/// them would be multiplied into many.
const QUESTIONS_PER_PACKET_MAX: u32 = 1;

impl Node {
    pub(crate) fn receive_packet(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.stats.packets_received += 1;
        self.stats.packet_bytes_received += datagram.len() as u64;
        if !self.config.allows(from.ip()) {
            return self.complain(from, DropReason::NotAllowed, false);
        }
        self.packet_source = None;
        // Taken out while the messages, which may be borrowed from it, are handled.
        let mut opened = core::mem::take(&mut self.opened);
        match self.config.wire {
            Wire::Swim => self.receive_swim_packet(from, datagram, &mut opened),
            Wire::Memberlist => self.receive_memberlist_packet(from, datagram, &mut opened),
        }
        self.opened = opened;
    }

    fn receive_swim_packet(&mut self, from: SocketAddr, datagram: &[u8], opened: &mut Vec<u8>) {
        let mut questions = 0;
        let mut unpacked = core::mem::take(&mut self.unpacked);
        match self.open_swim_packet(datagram, opened, &mut unpacked) {
            Ok(messages) => {
                for message in messages {
                    self.take_message(from, message, &mut questions);
                }
            }
            Err(reason) => self.complain(from, reason, false),
        }
        self.unpacked = unpacked;
    }

    fn open_swim_packet<'a>(
        &self,
        datagram: &'a [u8],
        opened: &'a mut Vec<u8>,
        unpacked: &'a mut Vec<u8>,
    ) -> Result<Messages<'a>, DropReason> {
        let header = wire::read_header(datagram, &self.labels())?.ok_or(DropReason::Truncated)?;
        let (head, body) = datagram.split_at_checked(header.size).ok_or(DropReason::Truncated)?;
        self.check_sealed(header.sealed)?;
        let body = match header.sealed {
            true => {
                let sealed = refilled(opened, body);
                self.sealer.open_native(&[head], sealed).or(Err(DropReason::WrongKey))?
            }
            false => body,
        };
        // Whether or not this node compresses what it sends.
        let text = if header.compressed { wire::unpack_packet(body, unpacked)? } else { body };
        Ok(Messages::new(text))
    }

    fn receive_memberlist_packet(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        opened: &mut Vec<u8>,
    ) {
        let mut questions = 0;
        match self.open_memberlist_packet(datagram, opened) {
            Ok(text) => {
                let port = self.config.address.port();
                let mut lzw = core::mem::take(&mut self.unpacker);
                memberlist::read_packet(text, port, &mut lzw, &mut |message| {
                    self.take_message(from, message, &mut questions);
                });
                self.unpacker = lzw;
            }
            Err(reason) => self.complain(from, reason, false),
        }
    }

    fn open_memberlist_packet<'a>(
        &self,
        datagram: &'a [u8],
        opened: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], DropReason> {
        let (label, text) = memberlist::split_label(datagram)?;
        memberlist::check_first_byte(text)?;
        if !self.labels().accept(label) {
            return Err(DropReason::LabelMismatch);
        }
        let is_plain = memberlist::looks_plain(text);
        if self.config.keyring.is_empty() {
            let sealed = !is_plain && memberlist::looks_sealed(text);
            return if sealed { Err(DropReason::Sealed) } else { Ok(text) };
        }
        match self.sealer.open_memberlist_packet(label, refilled(opened, text)) {
            Ok(text) => Ok(text),
            Err(_) if is_plain && !self.config.verify_incoming => Ok(text),
            Err(_) if is_plain => Err(DropReason::Plaintext),
            Err(_) => Err(DropReason::WrongKey),
        }
    }

    /// Whether what is sealed, or is not, is so as this node requires.
    pub(crate) fn check_sealed(&self, sealed: bool) -> Result<(), DropReason> {
        match (sealed, self.config.keyring.is_empty()) {
            (true, true) => Err(DropReason::Sealed),
            (false, false) if self.config.verify_incoming => Err(DropReason::Plaintext),
            _ => Ok(()),
        }
    }

    /// The labels of packets and streams that are for this node.
    pub(crate) fn labels(&self) -> Labels<'_> {
        Labels { own: &self.config.label, also: self.config.label_also.as_deref() }
    }

    #[inline]
    fn take_message(
        &mut self,
        from: SocketAddr,
        message: Result<Message<'_>, DropReason>,
        questions: &mut u32,
    ) {
        let message = match message {
            Ok(message) => message,
            Err(reason) => return self.complain(from, reason, false),
        };
        self.stats.received[message.kind()] += 1;
        if let Message::Ping(_) | Message::IndirectPing(_) = message {
            *questions += 1;
            if *questions > QUESTIONS_PER_PACKET_MAX {
                return self.complain(from, DropReason::TooManyQuestions, false);
            }
        }
        self.receive_message(from, &message);
    }

    #[inline]
    fn receive_message(&mut self, from: SocketAddr, message: &Message<'_>) {
        match message {
            Message::Ping(ping) => self.receive_ping(from, ping),
            Message::IndirectPing(request) => self.receive_indirect_ping(from, request),
            Message::Ack(ack) => self.receive_ack(from, ack),
            Message::Nack { sequence } => self.receive_nack(*sequence),
            Message::Update(update) => self.receive_update(update, Via::Packet { from }),
            Message::User(message) => {
                self.receive_user_message(message.from, message.payload, false);
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
        let place = self.updates.push(encoded(self.config.wire, &message), tier, ticket);
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
            self.draft.begin(&self.config);
            self.fill_packet();
            self.flush_to_member(target);
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

    /// Fills the packet that is being written with queued messages.
    pub(crate) fn fill_packet(&mut self) {
        if self.updates.is_empty() && self.broadcasts.is_empty() {
            return;
        }
        let limit = transmissions(self.config.retransmit_mult, self.members_live());
        // What gossip misses of an update anti-entropy mends; nothing does so for a broadcast.
        let broadcast_limit = limit + self.config.retransmit_mult;
        let excess = if self.config.breaks(Sabotage::OverfillsPackets) { 400 } else { 0 };
        let room = self.draft.room() + excess;
        let mut finished = core::mem::take(&mut self.finished);
        let (draft, sent) = (&mut self.draft, &mut self.stats.sent);

        // Besides their share broadcasts may have what membership news will leave.
        let news = self.updates.bytes() + self.updates.len() * draft.cost(0);
        let left_over = room.saturating_sub(news);
        let size_max = self.config.packet_size_max + excess;
        let allotted = self.share.allot(&self.broadcasts, room, size_max).max(left_over);
        let mut used = self.broadcasts.fill(draft, allotted, broadcast_limit, sent, &mut finished);
        self.share.spend(used);
        let had_share = used > 0;
        used += self.updates.fill(draft, room - used, limit, sent, &mut finished);
        if !had_share {
            used = self.broadcasts.fill(draft, room - used, broadcast_limit, sent, &mut finished);
            self.share.spend(used);
        }

        for done in finished.drain(..) {
            self.settle(done);
        }
        self.finished = finished;
    }

    /// Sends the packet that is being written, unless it holds nothing.
    pub(crate) fn flush_packet(&mut self, to: SocketAddr) {
        self.finish_packet(to, false);
    }

    /// The same, to a member, of which is known what it understands.
    pub(crate) fn flush_to_member(&mut self, slot: Slot) {
        let entry = self.members.entry(slot);
        let knows_checksums = entry.versions().protocol.max >= memberlist::CHECKSUM_VERSION;
        self.finish_packet(entry.address(), knows_checksums);
    }

    fn finish_packet(&mut self, to: SocketAddr, checksum: bool) {
        if self.draft.is_empty() {
            return;
        }
        match self.config.wire {
            Wire::Swim => self.frame_swim_packet(),
            Wire::Memberlist => self.frame_memberlist_packet(checksum),
        }
        let payload = self.draft.take();
        debug_assert!(
            payload.len() <= self.config.packet_size_max
                || self.config.breaks(Sabotage::OverfillsPackets)
        );
        self.stats.packets_sent += 1;
        self.stats.packet_bytes_sent += payload.len() as u64;
        self.output(Output::Packet { to: canonical(to), payload });
    }

    /// Compresses and seals the text, and says so in the header.
    fn frame_swim_packet(&mut self) {
        let (packet, start) = self.draft.text();
        if self.config.compression {
            wire::compress_packet(packet, start, &mut self.lz4);
        }
        if !self.config.seals() {
            return;
        }
        wire::mark_sealed(packet);
        let mut header = [0; wire::HEADER_SIZE_MAX];
        header[..start].copy_from_slice(&packet[..start]);
        self.sealer.seal_native(&[&header[..start]], packet, start);
    }

    /// What memberlist puts around the messages, from the inside out.
    fn frame_memberlist_packet(&mut self, checksum: bool) {
        self.draft.compound();
        let (packet, start) = self.draft.text();
        if self.config.compression {
            memberlist::compress_packet(packet, start, &mut self.lzw);
        }
        if self.config.seals() {
            let (version, label) = (self.config.seal_version(), &*self.config.label);
            self.sealer.seal_memberlist_packet(version, label, packet, start);
        } else if checksum {
            // Sealed text has a better one.
            memberlist::add_checksum(packet, start);
        }
        memberlist::put_label(&self.config.label, packet, start);
    }

    /// Appends one more message to the packet that is being written if it fits.
    pub(crate) fn append_if_it_fits(&mut self, message: &Message<'_>) {
        let cost = self.draft.cost(self.config.wire.encoded_len(message));
        if cost <= self.draft.room() && self.draft.takes_more() {
            self.draft.append(message);
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
        self.draft.begin(&self.config);
        self.draft.append(message);
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

/// The scratch memory with these bytes in it, to be opened in place.
fn refilled<'a>(scratch: &'a mut Vec<u8>, bytes: &[u8]) -> &'a mut [u8] {
    scratch.clear();
    scratch.extend_from_slice(bytes);
    scratch
}

/// A message in the form in which it is appended to packets.
pub(crate) fn encoded(wire: Wire, message: &Message<'_>) -> Bytes {
    let mut bytes = BytesMut::with_capacity(wire.encoded_len(message));
    wire.encode(message, &mut bytes);
    bytes.freeze()
}
