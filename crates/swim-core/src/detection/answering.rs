//! Answers to the pings of others, and pings on behalf of others.

use core::net::SocketAddr;

use super::{Detector, Pending, Relay, ping};
use crate::address::canonical;
use crate::config::Config;
use crate::context::Context;
use crate::dissemination::Gossip;
use crate::members::Members;
use crate::stats::{DropReason, MessageKind};
use crate::wire::{Ack, IndirectPing, Message, Ping, Update};

/// A helper's nack leaves after this share of its probe timeout (Lifeguard, section IV.A: 80%), so
/// that it arrives before the prober's period is over.
const NACK_AT: f64 = 0.8;

impl Detector {
    /// Answers a ping that is for this node. `notes` go along where they fit: what the asker should
    /// hear at once. Gossip goes along if the asker is a member at its own address.
    pub(crate) fn answer_ping(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        (to, ping): (SocketAddr, &Ping<'_>),
        notes: [Option<Update<'_>>; 2],
        asker_is_at_home: bool,
    ) {
        let size_max = cx.config.ack_payload_size_max();
        let from_hook = cx.hooks.ack_payload().filter(|payload| payload.len() <= size_max);
        let payload = from_hook.as_ref().unwrap_or(&self.ack_payload);
        // What was set when packets had more room is not sent rather than cut.
        let payload = if payload.len() <= size_max { &payload[..] } else { &[] };
        let view = members.short_view_digest();
        let mut draft = cx.channel.datagram();
        draft.append(&Message::Ack(Ack { sequence: ping.sequence, payload, view }));
        cx.stats.sent[MessageKind::Ack] += 1;
        for note in notes.into_iter().flatten() {
            let message = Message::Update(note);
            cx.stats.sent[message.kind()] += u64::from(draft.append_if_it_fits(&message));
        }
        if asker_is_at_home {
            gossip.fill(&mut draft, members.live(), &cx.config, &mut cx.stats, &mut cx.outputs);
        }
        let payload = draft.into_datagram(false);
        cx.send(to, payload);
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
        if known.is_none_or(|slot| members.entry(slot).address() != canonical(request.address)) {
            // Pinging whatever address is asked for would let anybody aim this node's packets. The
            // asker still hears that this node itself can be reached.
            cx.drop_quietly(DropReason::UnknownMember);
            if request.wants_nack {
                cx.send_message(asker, &Message::Nack { sequence: request.sequence });
            }
            return;
        }
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
        gossip.fill(&mut draft, members.live(), &cx.config, &mut cx.stats, &mut cx.outputs);
        let payload = draft.into_datagram(false);
        cx.send(request.address, payload);
    }
}

/// Where the asker wants the answer, if it says so; but not outside the allowed networks.
pub(crate) fn where_to_answer(
    config: &Config,
    from: SocketAddr,
    reply_to: Option<SocketAddr>,
) -> SocketAddr {
    let wanted = reply_to.map(canonical);
    wanted.filter(|to| config.allows(to.ip())).unwrap_or(from)
}
