//! Datagrams: each message goes to the owner that it is for.

use core::net::SocketAddr;

use super::Node;
use crate::members::Slot;
use crate::membership::{News, Origin};
use crate::output::Event;
use crate::stats::DropReason;
use crate::status::Status;
use crate::wire::{Message, User};

/// Pings and indirect pings answered per datagram. No node sends more than one; a datagram full of
/// them would be multiplied into many.
const QUESTIONS_PER_PACKET_MAX: u32 = 1;

/// The datagram that is being handled.
struct Packet {
    from: SocketAddr,
    questions: u32,
    /// The member that pinged in it, from its own address.
    pinger: Option<Slot>,
}

impl Node {
    pub(super) fn receive_packet(&mut self, from: SocketAddr, datagram: &[u8]) {
        let cx = &mut self.cx;
        cx.stats.packets_received += 1;
        cx.stats.packet_bytes_received += datagram.len() as u64;
        if !cx.config.allows(from.ip()) {
            return cx.report_drop(from, DropReason::NotAllowed, false);
        }
        // The messages, which may be borrowed from it, are handled by the whole node.
        let mut scratch = self.scratch.take().expect("lent out only while a datagram is handled");
        match self.cx.channel.open(datagram, &mut scratch) {
            Ok(opened) => {
                let mut packet = Packet { from, questions: 0, pinger: None };
                opened.read(|message| self.take_message(&mut packet, message));
            }
            Err(reason) => self.cx.report_drop(from, reason, false),
        }
        self.scratch = Some(scratch);
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
                if let Some(pinger) = self.receive_ping(from, ping) {
                    packet.pinger = Some(pinger);
                }
            }
            Message::IndirectPing(request) => {
                detector.relay_ping(cx, gossip, membership.members(), from, request);
            }
            Message::Ack(ack) => self.receive_ack(from, ack),
            Message::Nack { sequence } => {
                detector.receive_nack(cx, membership.members(), from, *sequence);
            }
            Message::Update(update) => {
                let news = News::new(update, Origin::packet(from, packet.pinger));
                membership.receive_update(cx, gossip, detector, &news);
            }
            Message::User(message) => cx.emit(told(message, false)),
            Message::Broadcast(broadcast) => {
                let passes_on = membership.status() == Status::Running;
                let members = membership.members();
                gossip.receive_broadcast(cx, members, (from, broadcast), passes_on);
            }
        }
    }
}

/// What the application is told of a message to this node.
pub(super) fn told(message: &User<'_>, reliable: bool) -> Event {
    Event::Message {
        from: (!message.from.is_empty()).then(|| crate::member::Name::trusted(message.from)),
        payload: bytes::Bytes::copy_from_slice(message.payload),
        reliable,
    }
}
