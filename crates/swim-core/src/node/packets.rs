//! Datagrams: the dispatch of each message to its owner.

use core::net::SocketAddr;

use super::Node;
use super::streams::is_for;
use crate::dissemination::Taking;
use crate::members::Slot;
use crate::membership::{News, Origin};
use crate::output::Event;
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::status::Status;
use crate::wire::{Broadcast, Message, User, Wire};

/// Pings and indirect pings answered per datagram. No node sends more than one; a datagram full of
/// them would be multiplied into many.
const QUESTIONS_PER_PACKET_MAX: u32 = 1;

/// The datagram that is being handled.
struct Packet {
    from: SocketAddr,
    /// Its length in bytes.
    size: usize,
    questions: u32,
    /// The member that sent it: it pinged or answered a ping in it, from its own address.
    sender: Option<Slot>,
    sealed: bool,
}

impl Node {
    pub(super) fn receive_packet(&mut self, from: SocketAddr, datagram: &[u8]) {
        let cx = &mut self.cx;
        cx.stats.packets_received += 1;
        cx.stats.packet_bytes_received += datagram.len() as u64;
        if !cx.config.allows(from.ip()) {
            return cx.report_drop(from, DropReason::NotAllowed, false);
        }
        // The whole node handles the messages, which may borrow from it.
        let mut scratch = self.scratch.take().expect("lent out only while a datagram is handled");
        match self.cx.channel.open(datagram, &mut scratch) {
            Ok(opened) => {
                let (size, sealed) = (datagram.len(), opened.is_sealed());
                let mut packet = Packet { from, size, questions: 0, sender: None, sealed };
                opened.read(|message| self.take_message(&mut packet, message));
            }
            Err(reason) => self.cx.report_drop(from, reason, false),
        }
        self.scratch = Some(scratch);
    }

    /// Bytes of seal and label by which an answer may exceed its ping. While a cluster moves to
    /// encryption or to another label, the answer may be sealed when the ping was not, or have the
    /// longer label. The limit on an answer's length does not count these bytes.
    #[inline]
    fn more_around_answers(&self, was_sealed: bool) -> usize {
        let config = &self.cx.config;
        let seal = if !was_sealed && config.seals() { config.seal_overhead() } else { 0 };
        let label = config.label_also.as_ref().map_or(0, |_| config.label.len());
        seal + label
    }

    #[inline]
    fn take_message(&mut self, packet: &mut Packet, message: Result<Message<'_>, DropReason>) {
        let message = match message {
            Ok(message) => message,
            Err(reason) => return self.cx.report_drop(packet.from, reason, false),
        };
        self.cx.stats.received[message.kind()] += 1;
        if let Message::Ping(_) | Message::IndirectPing(_) = message {
            packet.questions += 1;
            if packet.questions > QUESTIONS_PER_PACKET_MAX {
                return self.cx.report_drop(packet.from, DropReason::TooManyQuestions, false);
            }
        }
        self.receive_message(packet, &message);
    }

    #[inline]
    fn receive_message(&mut self, packet: &mut Packet, message: &Message<'_>) {
        let from = packet.from;
        let Node { cx, membership, gossip, detector, .. } = self;
        match message {
            Message::Ping(ping) => {
                let size = packet.size + self.more_around_answers(packet.sealed);
                if let Some(pinger) = self.receive_ping((from, size), ping) {
                    packet.sender = Some(pinger);
                }
            }
            Message::IndirectPing(request) => {
                detector.relay_ping(cx, gossip, membership.members(), from, request);
            }
            Message::Ack(ack) => {
                if let Some(answerer) = self.receive_ack(from, ack) {
                    packet.sender = Some(answerer);
                }
            }
            Message::Nack { sequence } => {
                detector.receive_nack(cx, membership.members(), from, *sequence);
            }
            Message::Update(update) => {
                let news = News::new(update, Origin::packet(from, packet.sender));
                membership.receive_update(cx, gossip, detector, &news);
            }
            Message::User(message) => self.receive_user_message(packet.sealed, message),
            Message::Broadcast(broadcast) => self.receive_broadcast(from, broadcast),
        }
    }

    /// Out of line, because most packets hold neither a message nor a broadcast.
    #[inline(never)]
    fn receive_user_message(&mut self, sealed: bool, message: &User<'_>) {
        // Only messages sealed on the native wire can be recognised as recordings.
        let tells = sealed && self.cx.config.wire == Wire::Swim;
        match if tells { self.take_sealed_message(message) } else { Ok(()) } {
            Ok(()) => self.cx.emit(told(message, false)),
            Err(reason) => self.cx.drop_quietly(reason),
        }
    }

    /// Checks that a sealed message is for this life of this node, and was not taken before.
    fn take_sealed_message(&mut self, message: &User<'_>) -> Result<(), DropReason> {
        let Node { cx, membership, gossip, .. } = self;
        if !is_for(&cx.config, message) {
            return Err(DropReason::WrongName);
        }
        let envelope = message.envelope.ok_or(DropReason::Unbound)?;
        if !membership.is_in_this_life(envelope.incarnation)
            && !cx.config.breaks(Sabotage::TakesWhatPredates)
        {
            return Err(DropReason::Predates);
        }
        let taken = gossip.take_message(message, envelope);
        let takes_all = cx.config.breaks(Sabotage::TakesRepeatedMessages);
        let Err((reason, forget)) = taken else { return Ok(()) };
        if forget && membership.may_forget(cx.now()) {
            self.forget_taken();
        }
        if takes_all { Ok(()) } else { Err(reason) }
    }

    /// Forgets which messages and broadcasts it took, and makes sure that none is taken again.
    fn forget_taken(&mut self) {
        let Node { cx, membership, gossip, .. } = self;
        gossip.forget_taken();
        if !cx.config.breaks(Sabotage::ForgetsAndStays) {
            membership.renew(cx, gossip);
        }
    }

    #[inline(never)]
    fn receive_broadcast(&mut self, from: SocketAddr, broadcast: &Broadcast<'_>) {
        let Node { cx, membership, gossip, .. } = self;
        let tells = cx.config.tells_recordings();
        if tells
            && !membership.is_since(broadcast.known)
            && !cx.config.breaks(Sabotage::TakesWhatPredates)
        {
            return cx.drop_quietly(DropReason::Predates);
        }
        let passes_on = membership.status() == Status::Running;
        let may_forget = !tells || membership.may_forget(cx.now());
        let members = membership.members();
        gossip.receive_broadcast(cx, members, (from, broadcast), Taking { passes_on, may_forget });
        if tells && gossip.has_forgotten() && membership.may_forget(cx.now()) {
            self.forget_taken();
        }
    }
}

/// The event for a message to this node.
pub(super) fn told(message: &User<'_>, reliable: bool) -> Event {
    Event::Message {
        from: (!message.from.is_empty()).then(|| crate::member::Name::trusted(message.from)),
        payload: bytes::Bytes::copy_from_slice(message.payload),
        reliable,
    }
}
