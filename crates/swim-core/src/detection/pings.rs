//! Pings that are no part of this node's own probe: relayed ones, those that settle who is where,
//! and those that the application asks for.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;

use super::{Acked, Detector, ping};
use crate::context::Context;
use crate::deadlines::Deadlines;
use crate::dissemination::Gossip;
use crate::members::{Members, Slot};
use crate::output::{Answer, Failure, RequestId};
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{Ack, Message};

/// A ping that is not part of this node's own probe.
#[derive(Debug)]
pub(super) enum Pending {
    /// Sent for somebody else.
    Relay { asker: SocketAddr, sequence: u32, wants_nack: bool, expires: Instant },
    /// Sent to find out which of two addresses a name belongs to.
    Check { member: Slot },
    /// Sent to a failed member, in case it can be reached again.
    Retry { member: Slot },
    /// Sent for the application.
    Command { request: RequestId, sent_at: Instant },
}

/// All such pings under way. Whoever may cause one is limited by a number of its own: `relays_max`,
/// `requests_max`, the candidates for names, and one search per period.
#[derive(Debug)]
pub(super) struct Pings {
    last_sequence: u32,
    /// By sequence number, each with its deadline.
    pending: BTreeMap<u32, (Instant, Pending)>,
    deadlines: Deadlines<u32>,
    relays: usize,
}

impl Pings {
    pub(super) fn new(last_sequence: u32) -> Self {
        let deadlines = Deadlines::default();
        Pings { last_sequence, pending: BTreeMap::new(), deadlines, relays: 0 }
    }

    /// The next sequence number.
    pub(super) fn sequence(&mut self) -> u32 {
        self.last_sequence = self.last_sequence.wrapping_add(1);
        self.last_sequence
    }

    #[inline]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// How many are sent for somebody else.
    pub(super) fn relays(&self) -> usize {
        self.relays
    }

    pub(super) fn wait(&mut self, sequence: u32, deadline: Instant, pending: Pending) {
        self.relays += usize::from(matches!(pending, Pending::Relay { .. }));
        self.pending.insert(sequence, (deadline, pending));
        self.deadlines.insert(deadline, sequence);
    }

    /// Takes out the ping with this sequence number: it was answered, or its time is over.
    fn take(&mut self, sequence: u32) -> Option<Pending> {
        let (deadline, pending) = self.pending.remove(&sequence)?;
        self.deadlines.remove(deadline, sequence);
        self.relays -= usize::from(matches!(pending, Pending::Relay { .. }));
        Some(pending)
    }

    /// Drops those about a member that leaves the table.
    pub(super) fn forget(&mut self, slot: Slot) {
        let about = |pending: &Pending| match pending {
            Pending::Check { member } | Pending::Retry { member } => *member == slot,
            Pending::Relay { .. } | Pending::Command { .. } => false,
        };
        let dropped: Vec<u32> =
            self.pending.iter().filter(|(_, (_, p))| about(p)).map(|(&s, _)| s).collect();
        for sequence in dropped {
            self.take(sequence);
        }
    }

    /// Asserts that deadlines and count agree with the pings, and that those are about members.
    pub(super) fn check(&self, members: &Members, relays_max: usize) {
        let deadlines = self.pending.iter().map(|(&sequence, &(at, _))| (at, sequence));
        self.deadlines.check(deadlines, "pings");
        let mut relays = 0;
        for (_, pending) in self.pending.values() {
            match *pending {
                Pending::Check { member } | Pending::Retry { member } => {
                    assert!(members.holds(member), "a ping of {member:?}, who is forgotten");
                }
                Pending::Relay { .. } => relays += 1,
                Pending::Command { .. } => {}
            }
        }
        assert_eq!(self.relays, relays, "pings sent for others");
        assert!(relays <= relays_max, "{relays} pings sent for others, relays_max is {relays_max}");
    }

    /// Whether a ping with this sequence number is under way.
    pub(super) fn has(&self, sequence: u32) -> bool {
        self.pending.contains_key(&sequence)
    }

    /// The commands that wait for a ping.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.pending.values().filter_map(|(_, pending)| match *pending {
            Pending::Command { request, .. } => Some(request),
            _ => None,
        })
    }

    fn take_all(&mut self) -> impl Iterator<Item = Pending> + use<> {
        self.deadlines.clear();
        self.relays = 0;
        core::mem::take(&mut self.pending).into_values().map(|(_, pending)| pending)
    }
}

impl Detector {
    /// Asks the node at `to` whether it bears the name of this member.
    pub(crate) fn send_check(
        &mut self,
        cx: &mut Context,
        members: &Members,
        member: Slot,
        to: SocketAddr,
    ) {
        self.ping_named(cx, members, member, to, Pending::Check { member });
    }

    /// Pings a failed member, in case it can be reached again.
    pub(crate) fn look_for(&mut self, cx: &mut Context, members: &Members, member: Slot) {
        let to = members.entry(member).address();
        self.ping_named(cx, members, member, to, Pending::Retry { member });
    }

    /// Pings a live member for the application.
    pub(crate) fn ping_for(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        member: Slot,
        request: RequestId,
    ) {
        let now = cx.now();
        let sequence = self.pings.sequence();
        let pending = Pending::Command { request, sent_at: now };
        self.pings.wait(sequence, now + cx.config.probe_interval, pending);
        let entry = members.entry(member);
        let mut draft = cx.channel.datagram();
        draft.append(&Message::Ping(ping(&cx.config, sequence, entry.name())));
        cx.stats.sent[MessageKind::Ping] += 1;
        gossip.fill(&mut draft, members.live(), &cx.config, &mut cx.stats, &mut cx.outputs);
        let payload = draft.into_datagram(false);
        cx.send(entry.address(), payload);
    }

    /// Takes an ack. Returns what somebody else has to act on.
    #[inline]
    pub(crate) fn receive_ack(&mut self, cx: &mut Context, ack: &Ack<'_>) -> Option<Acked> {
        if let Some(probe) = self.take_current(ack.sequence) {
            return Some(Acked::Probe(probe));
        }
        match self.pings.take(ack.sequence) {
            Some(Pending::Relay { asker, sequence, .. }) => {
                let ack = Message::Ack(Ack { sequence, payload: &[], view: 0 });
                // The asker may be anybody who made up an address: no gossip, as for every
                // stranger.
                cx.send_message(asker, &ack);
            }
            Some(Pending::Command { request, sent_at }) => {
                let round_trip = cx.now() - sent_at;
                let payload = Bytes::copy_from_slice(ack.payload);
                cx.answer(request, Ok(Answer::Pong { round_trip, payload }));
            }
            Some(Pending::Check { member }) => return Some(Acked::Check(member)),
            Some(Pending::Retry { member }) => return Some(Acked::Failed(member)),
            None => cx.drop_quietly(DropReason::UnexpectedAck),
        }
        None
    }

    /// Ends the pings whose time is over, up to the first check among them, whose member it
    /// returns; call it again until it returns none.
    pub(crate) fn take_unanswered_check(&mut self, cx: &mut Context, now: Instant) -> Option<Slot> {
        while let Some((at, sequence)) = self.pings.deadlines.first()
            && at <= now
        {
            match self.pings.take(sequence) {
                Some(Pending::Command { .. }) if cx.config.breaks(Sabotage::NeverAnswers) => {}
                Some(Pending::Command { request, .. }) => {
                    cx.answer(request, Err(Failure::Timeout));
                }
                Some(Pending::Relay { asker, sequence: asked, wants_nack, expires })
                    if at < expires =>
                {
                    // The ack may still come, and is still worth passing on.
                    let relay = Pending::Relay { asker, sequence: asked, wants_nack, expires };
                    self.pings.wait(sequence, expires, relay);
                    if wants_nack {
                        cx.send_message(asker, &Message::Nack { sequence: asked });
                    }
                }
                Some(Pending::Check { member }) => return Some(member),
                Some(Pending::Relay { .. } | Pending::Retry { .. }) | None => {}
            }
        }
        None
    }

    /// This node has left: ends all pings.
    pub(crate) fn stop(&mut self, cx: &mut Context) {
        (self.period_ends, self.help_due) = (None, None);
        for pending in self.pings.take_all() {
            if let Pending::Command { request, .. } = pending {
                cx.answer(request, Err(Failure::Stopped));
            }
        }
    }

    fn ping_named(
        &mut self,
        cx: &mut Context,
        members: &Members,
        member: Slot,
        to: SocketAddr,
        pending: Pending,
    ) {
        let sequence = self.pings.sequence();
        self.pings.wait(sequence, cx.now() + cx.config.probe_interval, pending);
        let mut draft = cx.channel.datagram();
        draft.append(&Message::Ping(ping(&cx.config, sequence, members.entry(member).name())));
        let payload = draft.into_datagram(false);
        cx.count_sent(MessageKind::Ping);
        cx.send(to, payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A ping that was sent for somebody else.
    fn pings() -> Pings {
        let (mut pings, asker) = (Pings::new(1), SocketAddr::from(([10, 0, 0, 9], 7946)));
        let (sequence, expires) = (1, Instant::NEVER);
        let relay = Pending::Relay { asker, sequence, wants_nack: false, expires };
        pings.wait(7, Instant::ORIGIN, relay);
        check(&pings);
        pings
    }

    fn check(pings: &Pings) {
        pings.check(&Members::new(&mut Random::new([1; 32])), 1);
    }

    #[test]
    #[should_panic(expected = "pings: 7 is not due at")]
    fn a_ping_that_would_never_be_over_is_noticed() {
        let mut pings = pings();
        pings.deadlines.clear();
        check(&pings);
    }

    #[test]
    #[should_panic(expected = "pings: as many deadlines as things")]
    fn a_deadline_of_no_ping_is_noticed() {
        let mut pings = pings();
        pings.deadlines.insert(Instant::ORIGIN, 8);
        check(&pings);
    }

    #[test]
    #[should_panic(expected = "pings sent for others")]
    fn a_wrong_count_of_relays_is_noticed() {
        let mut pings = pings();
        pings.relays = 0;
        check(&pings);
    }
}
