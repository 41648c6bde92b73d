//! Answers to pings of other nodes, and pings on their behalf.

use core::net::SocketAddr;
use core::time::Duration;

use super::{Detector, Pending, Relay, ping};
use crate::address::canonical;
use crate::channel::Draft;
use crate::config::Config;
use crate::context::Context;
use crate::dissemination::Gossip;
use crate::members::{Members, Slot};
use crate::output::PacketKind;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{Ack, IndirectPing, Message, Ping, Update};

/// A relay sends its nack after this share of its probe timeout (Lifeguard, section IV.A: 80%), so
/// that it arrives before the prober's period is over.
const NACK_AT: f64 = 0.8;

/// How many groups the members are divided into, each with a limit on answers longer than pings.
const GROUPS: usize = 64;

/// Such answers per group and probe interval. A member pings a node less than once per interval,
/// apart from relays and applications. An attacker pings more often, in a member's name, to have it
/// sent more than the attacker sends.
const LONG_ANSWERS_MAX: u8 = 4;

/// Answers longer than their pings in this probe interval, by group of members.
#[derive(Debug)]
pub(super) struct Generosity {
    ends: Instant,
    given: [u8; GROUPS],
}

impl Default for Generosity {
    fn default() -> Self {
        Generosity { ends: Instant::ORIGIN, given: [0; GROUPS] }
    }
}

/// A ping to be answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// The address that the answer goes to.
    pub(crate) to: SocketAddr,
    pub(crate) ping: &'a Ping<'a>,
    /// The length of its datagram, in bytes.
    pub(crate) size: usize,
    /// The member that asks, if this node heard from it at that address.
    pub(crate) trusted: Option<Slot>,
    /// Notes may go along although they make the answer longer.
    pub(crate) note_anyway: bool,
}

impl Generosity {
    /// Whether a member may have an answer longer than its ping.
    fn may_give(&mut self, now: Instant, probe_interval: Duration, member: Slot) -> bool {
        if now >= self.ends {
            (self.ends, self.given) = (now + probe_interval, [0; GROUPS]);
        }
        let given = &mut self.given[member.index() % GROUPS];
        let may = *given < LONG_ANSWERS_MAX;
        *given += u8::from(may);
        may
    }
}

impl Detector {
    /// Answers a ping for this node. Returns whether something was withheld.
    ///
    /// `notes`, which the asker should have at once, go along where they fit. Gossip and the
    /// application's ack payload go to a trusted member only; the answer to any other node is no
    /// longer than the ping.
    pub(crate) fn answer_ping(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        question: &Question<'_>,
        notes: &[Option<Update<'_>>],
    ) -> bool {
        let &Question { to, ping, size, mut trusted, note_anyway } = question;
        let size_max = cx.config.ack_payload_size_max();
        let from_hook = cx.hooks.ack_payload().filter(|payload| payload.len() <= size_max);
        let payload = from_hook.as_ref().unwrap_or(&self.ack_payload);
        // A payload set when packets had more room is left out rather than cut.
        let payload = if payload.len() <= size_max { &payload[..] } else { &[] };
        if (!payload.is_empty() || !gossip.is_idle())
            && let Some(member) = trusted
            && !self.generosity.may_give(cx.now(), cx.config.probe_interval, member)
        {
            trusted = None;
        }
        let view = members.short_view_digest();
        let mut ack = Ack { sequence: ping.sequence, payload, view };
        let mut draft = cx.channel.datagram();
        let at_length = trusted.is_some() || cx.config.breaks(Sabotage::AnswersAtLength);
        let mut withheld = false;
        if !at_length {
            let fits = shorten(&cx.config, &draft, &mut ack, size);
            withheld = ack.payload.len() < payload.len();
            if !fits {
                cx.drop_quietly(DropReason::ShortPing);
                return withheld;
            }
        }
        draft.append(&Message::Ack(ack));
        cx.stats.sent[MessageKind::Ack] += 1;
        for &note in notes.iter().flatten() {
            let message = Message::Update(note);
            if at_length || note_anyway || !exceeds(&cx.config, &draft, &message, size) {
                cx.stats.sent[message.kind()] += u64::from(draft.append_if_it_fits(&message));
            }
        }
        if let Some(member) = trusted {
            gossip.fill(&mut draft, (members, member), &cx.config, &mut cx.stats, &mut cx.outputs);
        } else {
            withheld |= !gossip.is_idle();
        }
        let payload = draft.into_datagram(false);
        cx.send(to, payload, PacketKind::Answer);
        withheld
    }

    /// Pings a member on behalf of another.
    pub(crate) fn relay_ping(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        from: SocketAddr,
        request: &IndirectPing<'_>,
    ) {
        let asker = where_to_answer(&cx.config, from, request.reply_to);
        let known = members.find(request.target);
        let known = known.filter(|&slot| members.entry(slot).is_at(request.address));
        let Some(target) = known else {
            // A relay to any address would let anybody aim this node's packets. The nack still
            // shows the asker that this node can be reached.
            cx.drop_quietly(DropReason::UnknownMember);
            if request.wants_nack {
                cx.send_message(asker, &Message::Nack { sequence: request.sequence });
            }
            return;
        };
        let for_member = members.any_at(asker.ip());
        if !self.pings.may_relay(for_member, cx.config.relays_max) {
            return cx.drop_quietly(DropReason::RelaysFull);
        }
        let now = cx.now();
        let sequence = self.pings.sequence(&cx.config);
        let relay = Relay {
            asker,
            for_member,
            sequence: request.sequence,
            wants_nack: request.wants_nack,
            expires: now + cx.config.probe_interval,
        };
        let nack_at = now + cx.config.probe_timeout.mul_f64(NACK_AT);
        self.pings.wait(sequence, request.address, nack_at, Pending::Relay(relay));
        let mut draft = cx.channel.datagram();
        draft.append(&Message::Ping(ping(&cx.config, sequence, request.target)));
        cx.stats.sent[MessageKind::Ping] += 1;
        gossip.fill(&mut draft, (members, target), &cx.config, &mut cx.stats, &mut cx.outputs);
        let payload = draft.into_datagram(false);
        cx.send(request.address, payload, PacketKind::Probe);
    }
}

/// Removes from an ack what makes it longer than its ping of this size. Returns whether it is short
/// enough now.
#[cold]
fn shorten(config: &Config, draft: &Draft<'_>, ack: &mut Ack<'_>, size: usize) -> bool {
    let too_long = |ack: &Ack<'_>| exceeds(config, draft, &Message::Ack(*ack), size);
    if too_long(ack) {
        ack.payload = &[];
    }
    if too_long(ack) {
        ack.view = 0;
    }
    !too_long(ack)
}

/// Whether one more message makes a datagram longer than this size.
fn exceeds(config: &Config, draft: &Draft<'_>, message: &Message<'_>, size: usize) -> bool {
    let len = config.wire.encoded_len(message);
    config.datagram_len(config.packet_text_max() - draft.room(), len) > size
}

/// The address to answer: the one that the asker wants, if it names one in the allowed networks.
#[inline]
pub(crate) fn where_to_answer(
    config: &Config,
    from: SocketAddr,
    reply_to: Option<SocketAddr>,
) -> SocketAddr {
    let wanted = reply_to.map(canonical);
    wanted.filter(|to| config.allows(to.ip())).unwrap_or(from)
}
