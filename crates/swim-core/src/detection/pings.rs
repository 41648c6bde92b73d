//! Pings outside this node's own probe: relayed pings, pings that settle which member is at an
//! address, and pings of the application.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::{Accusation, Acked, Detector, OwnAddress, Unanswered, is_at, ping};
use crate::address::canonical;
use crate::config::Config;
use crate::context::Context;
use crate::deadlines::Deadlines;
use crate::dissemination::Gossip;
use crate::members::{Members, Slot};
use crate::output::{Answer, Failure, PacketKind, RequestId};
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{Ack, Message, Ping, Update, Wire, memberlist};

/// A ping outside this node's own probe.
#[derive(Debug)]
pub(super) enum Pending {
    /// Sent on behalf of another node.
    Relay(Relay),
    /// Sent to find out which of two addresses a name belongs to.
    Check { member: Slot },
    /// Sent to a member that failed or left, in case it can be reached again.
    Retry { member: Slot },
    /// Sent to a member known from hearsay, before it is sent news.
    Ask { member: Slot },
    /// Sent to a suspect, before it is declared failed.
    LastCall { member: Slot },
    /// Sent with this node's leave message.
    Goodbye { member: Slot },
    /// Sent to the node that has this node's name, directly or by a relay.
    Holder { relayed: bool },
    /// Sent to a member during isolation. If it does not answer, the accusation follows.
    Silent(Accusation),
    /// Not sent: a ping expected at this node's announced address.
    OwnAddress,
    /// Sent for the application to a member, `None` once that is forgotten.
    Command { request: RequestId, sent_at: Instant, member: Option<Slot> },
}

/// The asker of a relayed ping, and the answer that it gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relay {
    pub(super) asker: SocketAddr,
    /// A live member is at the asker's IP address.
    pub(super) for_member: bool,
    pub(super) sequence: u32,
    pub(super) wants_nack: bool,
    pub(super) expires: Instant,
}

/// A ping that waits for its answer.
#[derive(Debug)]
struct Waiting {
    /// The address that it was sent to, and that the answer has to come from.
    to: SocketAddr,
    deadline: Instant,
    pending: Pending,
}

/// All such pings in flight. Each cause of them has a limit: `relays_max`, `requests_max`, the
/// candidates for names, one search per period, the addresses asked before they are sent news, one
/// last call per suspicion, the transmissions of a leave message, and a number per period during
/// isolation.
#[derive(Debug)]
pub(super) struct Pings {
    /// Random sequence numbers: an attacker that does not see a ping cannot guess its ack.
    sequences: Random,
    /// By sequence number.
    pending: BTreeMap<u32, Waiting>,
    deadlines: Deadlines<u32>,
    /// How many are relayed for strangers, and for members.
    relays: [usize; 2],
    /// The check in flight of each member: one at a time, however many moves are announced.
    checks: BTreeMap<Slot, u32>,
}

impl Pings {
    pub(super) fn new(sequences: Random) -> Self {
        let deadlines = Deadlines::default();
        let (pending, checks) = (BTreeMap::new(), BTreeMap::new());
        Pings { sequences, pending, deadlines, relays: [0; 2], checks }
    }

    /// A sequence number that no ping in flight has.
    pub(super) fn sequence(&mut self, config: &Config) -> u32 {
        let mut sequence = self.sequences.next_u32();
        if config.breaks(Sabotage::GuessableSequences) {
            // So few that all of them are tried within a probe.
            sequence %= 128;
        }
        while self.pending.contains_key(&sequence) {
            sequence = sequence.wrapping_add(1);
        }
        sequence
    }

    #[inline]
    pub(super) fn next_deadline(&self) -> Instant {
        self.deadlines.soonest()
    }

    /// Whether one more ping may be relayed. Strangers have a quarter of the places, so that they
    /// keep no member from being probed through relays.
    pub(super) fn may_relay(&self, for_member: bool, relays_max: usize) -> bool {
        let [strangers, members] = self.relays;
        strangers + members < relays_max && (for_member || strangers < relays_max.div_ceil(4))
    }

    /// Waits for the answer to a ping sent to this address.
    pub(super) fn wait(
        &mut self,
        sequence: u32,
        to: SocketAddr,
        deadline: Instant,
        pending: Pending,
    ) {
        match pending {
            Pending::Relay(relay) => self.relays[usize::from(relay.for_member)] += 1,
            Pending::Check { member } => _ = self.checks.insert(member, sequence),
            Pending::Retry { .. }
            | Pending::Ask { .. }
            | Pending::LastCall { .. }
            | Pending::Goodbye { .. }
            | Pending::Holder { .. }
            | Pending::Silent(_)
            | Pending::OwnAddress
            | Pending::Command { .. } => {}
        }
        self.pending.insert(sequence, Waiting { to: canonical(to), deadline, pending });
        self.deadlines.insert(deadline, sequence);
    }

    /// Takes out the ping with this sequence number, if it was sent to this address: it was
    /// answered.
    fn take_answered(
        &mut self,
        config: &Config,
        sequence: u32,
        from: SocketAddr,
    ) -> Option<Pending> {
        let waiting = self.pending.get(&sequence)?;
        let was_sent = !matches!(waiting.pending, Pending::OwnAddress);
        let is_from_there = waiting.to == from || config.breaks(Sabotage::BelievesAnyAck);
        if !was_sent || !is_from_there {
            return None;
        }
        self.take(sequence).map(|waiting| waiting.pending)
    }

    /// Takes out the ping with this sequence number.
    fn take(&mut self, sequence: u32) -> Option<Waiting> {
        let waiting = self.pending.remove(&sequence)?;
        self.deadlines.remove(waiting.deadline, sequence);
        match waiting.pending {
            Pending::Relay(relay) => self.relays[usize::from(relay.for_member)] -= 1,
            Pending::Check { member } => _ = self.checks.remove(&member),
            Pending::Retry { .. }
            | Pending::Ask { .. }
            | Pending::LastCall { .. }
            | Pending::Goodbye { .. }
            | Pending::Holder { .. }
            | Pending::Silent(_)
            | Pending::OwnAddress
            | Pending::Command { .. } => {}
        }
        Some(waiting)
    }

    /// Drops a ping whose question is settled.
    pub(super) fn drop_question(&mut self, sequence: u32) {
        self.take(sequence);
    }

    /// Whether a check of this member, or of this address, is in flight. Made-up moves of many
    /// members to one address cause one ping at a time there.
    fn is_checking(&self, member: Slot, to: SocketAddr) -> bool {
        let sent_there =
            |sequence| self.pending.get(sequence).is_some_and(|waiting| waiting.to == to);
        self.checks.contains_key(&member) || self.checks.values().any(sent_there)
    }

    /// Drops pings of a member that leaves the table. The application's commands are still
    /// answered.
    pub(super) fn forget(&mut self, slot: Slot) {
        for waiting in self.pending.values_mut() {
            if let Pending::Command { member, .. } = &mut waiting.pending {
                member.take_if(|member| *member == slot);
            }
        }
        let about = |pending: &Pending| match pending {
            Pending::Check { member }
            | Pending::Retry { member }
            | Pending::Ask { member }
            | Pending::LastCall { member }
            | Pending::Goodbye { member }
            | Pending::Silent(Accusation { target: member, .. }) => *member == slot,
            Pending::Relay(_)
            | Pending::OwnAddress
            | Pending::Command { .. }
            | Pending::Holder { .. } => false,
        };
        let dropped: Vec<u32> =
            self.pending.iter().filter(|(_, w)| about(&w.pending)).map(|(&s, _)| s).collect();
        for sequence in dropped {
            self.take(sequence);
        }
    }

    /// Asserts that deadlines and counts match the pings, and that those are of members.
    pub(super) fn check(&self, members: &Members, relays_max: usize) {
        let deadlines =
            self.pending.iter().map(|(&sequence, waiting)| (waiting.deadline, sequence));
        self.deadlines.check(deadlines, "pings");
        let (mut relays, mut checks) = ([0; 2], 0);
        for (&sequence, waiting) in &self.pending {
            match waiting.pending {
                Pending::Check { member } => {
                    assert!(members.holds(member), "a ping of {member:?}, who is forgotten");
                    let known = self.checks.get(&member);
                    assert_eq!(known, Some(&sequence), "the check of {member:?}");
                    checks += 1;
                }
                Pending::Retry { member }
                | Pending::Ask { member }
                | Pending::LastCall { member }
                | Pending::Goodbye { member }
                | Pending::Silent(Accusation { target: member, .. })
                | Pending::Command { member: Some(member), .. } => {
                    assert!(members.holds(member), "a ping of {member:?}, who is forgotten");
                }
                Pending::Relay(relay) => relays[usize::from(relay.for_member)] += 1,
                Pending::OwnAddress
                | Pending::Command { member: None, .. }
                | Pending::Holder { .. } => {}
            }
        }
        assert_eq!(self.checks.len(), checks, "as many members as checks");
        assert_eq!(self.relays, relays, "pings sent for others");
        let relays: usize = relays.iter().sum();
        assert!(relays <= relays_max, "{relays} pings sent for others, relays_max is {relays_max}");
    }

    /// Loses the check of this member, for tests of the invariants.
    #[cfg(test)]
    pub(super) fn lose_check(&mut self, member: Slot) {
        self.checks.remove(&member);
    }

    /// Whether a ping with this sequence number is in flight.
    pub(super) fn has(&self, sequence: u32) -> bool {
        self.pending.contains_key(&sequence)
    }

    /// Commands that wait for a ping.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.pending.values().filter_map(|waiting| match waiting.pending {
            Pending::Command { request, .. } => Some(request),
            _ => None,
        })
    }

    fn take_all(&mut self) -> impl Iterator<Item = Pending> + use<> {
        self.deadlines.clear();
        self.relays = [0; 2];
        self.checks.clear();
        core::mem::take(&mut self.pending).into_values().map(|waiting| waiting.pending)
    }
}

impl Detector {
    /// Asks the node at `to` whether it bears this member's name, unless a check of the member or
    /// the address is in flight. Returns whether it asks.
    pub(crate) fn send_check(
        &mut self,
        cx: &mut Context,
        members: &Members,
        member: Slot,
        to: SocketAddr,
    ) -> bool {
        let asks = !self.pings.is_checking(member, canonical(to))
            || cx.config.breaks(Sabotage::ChecksEveryMove);
        if asks {
            // On the native wire the known address has two probe intervals to answer, so a ping
            // there that is lost is repeated soon. At any other address there may be a third party.
            let is_soon = cx.config.wire == Wire::Swim && is_at(members, member, to);
            let patience = if is_soon { cx.config.probe_timeout } else { cx.config.probe_interval };
            let check = (Pending::Check { member }, patience);
            self.ping_named(cx, members, member, to, check);
        }
        asks
    }

    /// Pings a failed member, in case it can be reached again.
    pub(crate) fn look_for(&mut self, cx: &mut Context, members: &Members, member: Slot) {
        let to = members.entry(member).address();
        let retry = (Pending::Retry { member }, cx.config.probe_interval);
        self.ping_named(cx, members, member, to, retry);
    }

    /// Pings a suspect, and sends it the accusation to refute.
    pub(crate) fn last_call(
        &mut self,
        cx: &mut Context,
        members: &Members,
        member: Slot,
        accusation: Option<Update<'_>>,
    ) {
        // A stream follows, which needs time for a SYN that is lost and sent again.
        let patience = cx.config.probe_timeout.min(cx.config.last_call_time() / 5);
        let to = members.entry(member).address();
        let call = (Pending::LastCall { member }, patience);
        self.ping_accused(cx, members, (member, to), call, accusation);
    }

    /// Pings a departed member that announces itself at this address, and sends it its departure.
    /// The ping shows it the sender, so that it can answer.
    pub(crate) fn call_departed(
        &mut self,
        cx: &mut Context,
        members: &Members,
        (member, to): (Slot, SocketAddr),
        accusation: Update<'_>,
    ) {
        let call = (Pending::Retry { member }, cx.config.probe_interval);
        self.ping_accused(cx, members, (member, to), call, Some(accusation));
    }

    fn ping_accused(
        &mut self,
        cx: &mut Context,
        members: &Members,
        (member, to): (Slot, SocketAddr),
        (pending, patience): (Pending, Duration),
        accusation: Option<Update<'_>>,
    ) {
        let sequence = self.pings.sequence(&cx.config);
        let entry = members.entry(member);
        self.pings.wait(sequence, to, cx.now() + patience, pending);
        let mut draft = cx.channel.datagram();
        draft.append(&Message::Ping(ping(&cx.config, sequence, entry.name())));
        cx.stats.sent[MessageKind::Ping] += 1;
        if let Some(accusation) = accusation {
            let message = Message::Update(accusation);
            cx.stats.sent[message.kind()] += u64::from(draft.append_if_it_fits(&message));
        }
        let payload = draft.into_datagram(entry.speaks(memberlist::CHECKSUM_VERSION));
        cx.send(to, payload, PacketKind::Probe);
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
        let sequence = self.pings.sequence(&cx.config);
        let pending = Pending::Command { request, sent_at: now, member: Some(member) };
        let entry = members.entry(member);
        self.pings.wait(sequence, entry.address(), now + cx.config.probe_interval, pending);
        let mut draft = cx.channel.datagram();
        draft.append(&Message::Ping(ping(&cx.config, sequence, entry.name())));
        cx.stats.sent[MessageKind::Ping] += 1;
        gossip.fill(&mut draft, (members, member), &cx.config, &mut cx.stats, &mut cx.outputs);
        let payload = draft.into_datagram(false);
        cx.send(entry.address(), payload, PacketKind::Probe);
    }

    /// Takes an ack. Returns it if the caller has to act on it.
    #[inline]
    pub(crate) fn receive_ack(
        &mut self,
        cx: &mut Context,
        members: &Members,
        from: SocketAddr,
        ack: &Ack<'_>,
    ) -> Option<Acked> {
        let current = self.take_current(&cx.config, members, from, ack.sequence);
        if let Some((probe, at_home)) = current {
            self.note_heard(cx);
            return Some(Acked::Probe(probe, at_home));
        }
        let answered = self.pings.take_answered(&cx.config, ack.sequence, from);
        if answered.is_some() {
            self.note_heard(cx);
        }
        match answered {
            Some(Pending::Relay(Relay { asker, sequence, .. })) => {
                let ack = Message::Ack(Ack { sequence, payload: &[], view: 0 });
                // The asker may have made up an address: no gossip, as for every stranger.
                cx.send_message(asker, &ack);
            }
            Some(Pending::Command { request, sent_at, member }) => {
                let round_trip = cx.now() - sent_at;
                let payload = Bytes::copy_from_slice(ack.payload);
                cx.answer(request, Ok(Answer::Pong { round_trip, payload }));
                return member.map(Acked::There);
            }
            Some(Pending::Check { member }) => return Some(Acked::Check(member)),
            Some(Pending::Retry { member }) => return Some(Acked::Gone(member)),
            Some(Pending::Ask { member }) => return Some(Acked::Asked(member)),
            Some(Pending::LastCall { member }) => return Some(Acked::LastCall(member)),
            Some(Pending::Goodbye { member }) => return Some(Acked::Goodbye(member)),
            Some(Pending::Holder { relayed }) => return Some(Acked::Holder { relayed }),
            Some(Pending::Silent(accusation)) => return Some(Acked::There(accusation.target)),
            Some(Pending::OwnAddress) | None => cx.drop_quietly(DropReason::UnexpectedAck),
        }
        None
    }

    /// Ends pings whose time is over, up to the first that the caller has to act on. Call it again
    /// until it returns `None`.
    pub(crate) fn take_unanswered(&mut self, cx: &mut Context, now: Instant) -> Option<Unanswered> {
        while let Some((at, sequence)) = self.pings.deadlines.first()
            && at <= now
        {
            let Some(Waiting { to, pending, .. }) = self.pings.take(sequence) else {
                continue;
            };
            match pending {
                Pending::Command { .. } if cx.config.breaks(Sabotage::NeverAnswers) => {}
                Pending::Command { request, .. } => {
                    cx.answer(request, Err(Failure::Timeout));
                }
                Pending::Relay(relay) if at < relay.expires => {
                    // The ack may still come, and is still worth passing on.
                    self.pings.wait(sequence, to, relay.expires, Pending::Relay(relay));
                    if relay.wants_nack {
                        let nack = Message::Nack { sequence: relay.sequence };
                        cx.send_message(relay.asker, &nack);
                    }
                }
                Pending::Check { member } => return Some(Unanswered::Check(member)),
                Pending::LastCall { member } => return Some(Unanswered::LastCall(member)),
                Pending::Silent(accusation) => return Some(Unanswered::Silent(accusation)),
                Pending::Holder { relayed: false } => return Some(Unanswered::Holder),
                Pending::OwnAddress => return Some(Unanswered::OwnAddress),
                Pending::Relay(_)
                | Pending::Retry { .. }
                | Pending::Ask { .. }
                | Pending::Holder { relayed: true }
                | Pending::Goodbye { .. } => {}
            }
        }
        None
    }

    /// Ends all pings, because this node has left.
    pub(crate) fn stop(&mut self, cx: &mut Context) {
        (self.period_ends, self.help_due) = (Instant::NEVER, Instant::NEVER);
        self.own_address = OwnAddress::default();
        for pending in self.pings.take_all() {
            if let Pending::Command { request, .. } = pending {
                cx.answer(request, Err(Failure::Stopped));
            }
        }
    }

    pub(super) fn ping_named(
        &mut self,
        cx: &mut Context,
        members: &Members,
        member: Slot,
        to: SocketAddr,
        (pending, patience): (Pending, Duration),
    ) {
        let sequence = self.pings.sequence(&cx.config);
        let asks = matches!(pending, Pending::Ask { .. });
        self.pings.wait(sequence, to, cx.now() + patience, pending);
        let own = ping(&cx.config, sequence, members.entry(member).name());
        let mut draft = cx.channel.datagram();
        // In the name of the member that is asked, which no other member has. So the answer holds
        // nothing but the ack, and the news that is to be sent does not come back with it. Go
        // programs may insist on the real sender's name. A long name may not fit twice.
        let in_its_name = Message::Ping(Ping { source: own.target, ..own });
        let is_sent_so =
            asks && cx.config.wire == Wire::Swim && draft.append_if_it_fits(&in_its_name);
        if !is_sent_so {
            draft.append(&Message::Ping(own));
        }
        let payload = draft.into_datagram(false);
        cx.count_sent(MessageKind::Ping);
        cx.send(to, payload, PacketKind::Probe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ping that is relayed.
    fn pings() -> Pings {
        let asker = SocketAddr::from(([10, 0, 0, 9], 7946));
        let mut pings = Pings::new(Random::new([2; 32]));
        let (sequence, expires) = (1, Instant::NEVER);
        let relay = Relay { asker, for_member: true, sequence, wants_nack: false, expires };
        pings.wait(7, asker, Instant::ORIGIN, Pending::Relay(relay));
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
        pings.relays = [0; 2];
        check(&pings);
    }
}
