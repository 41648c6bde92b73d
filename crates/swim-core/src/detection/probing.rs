//! This node's own probe: a direct ping, then helpers and a ping over a stream, then the verdict.

use core::net::SocketAddr;

use bytes::Bytes;

use super::{Detector, is_at, ping, speaks};
use crate::config::{Config, FAN_OUT_MAX};
use crate::context::Context;
use crate::dissemination::Gossip;
use crate::member::{Incarnation, Name, State};
use crate::members::{Entry, Members, Picked, Slot};
use crate::output::{Event, HealthReason, PacketKind, StreamId};
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{Ack, IndirectPing, Message, Update, memberlist};

/// How many probes of a member in a row must be answered only through a relay or over a stream,
/// before datagrams count as blocked: one or two may be chance.
const BLOCKED_AFTER: u8 = 3;

/// The probe of this protocol period.
#[derive(Debug)]
pub(crate) struct Probe {
    target: Slot,
    sequence: u32,
    /// The target's incarnation when the probe began, for an accusation.
    incarnation: Incarnation,
    sent_at: Instant,
    /// How many helpers send a nack if the target does not answer, and how many did.
    nacks_due: u8,
    nacks: u8,
    stream: Option<StreamId>,
    /// The target answered over the stream.
    answered_by_stream: bool,
}

/// A ping to be sent over a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamPing {
    pub(crate) target: Slot,
    pub(crate) sequence: u32,
}

/// A failed probe: this node accuses the target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accusation {
    pub(crate) target: Slot,
    pub(crate) incarnation: Incarnation,
}

impl Probe {
    /// The member that is probed.
    #[inline]
    pub(crate) fn target(&self) -> Slot {
        self.target
    }

    pub(super) fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Asserts that at most as many helpers answered as were asked.
    pub(super) fn check(&self) {
        let Probe { nacks_due, nacks, .. } = *self;
        assert!(nacks <= nacks_due, "{nacks} nacks, {nacks_due} were due");
        // Helpers that left the table since are no longer counted.
        let most = FAN_OUT_MAX;
        assert!(usize::from(nacks_due) <= most, "{nacks_due} nacks due of {most} helpers");
    }

    /// The stream of the ping to the target, while nothing has come on it.
    pub(crate) fn stream(&self) -> Option<StreamId> {
        self.stream
    }
}

impl Detector {
    /// Ends the period; returns the probe that ran in it.
    pub(crate) fn end_period(&mut self) -> Option<Probe> {
        self.period_ends = Instant::NEVER;
        self.current.take()
    }

    /// Begins the next period, after the last one was judged.
    pub(crate) fn begin_period(&mut self, cx: &Context) {
        self.period_ends = cx.now() + self.stretch(cx.config.probe_interval);
    }

    /// Probes a member, and sends it `accusation`, so that it can refute.
    pub(crate) fn start_probe(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        target: Slot,
        accusation: Option<Update<'_>>,
    ) {
        let now = cx.now();
        let sequence = self.pings.sequence(&cx.config);
        let entry = members.entry(target);
        let mut draft = cx.channel.datagram();
        draft.append(&Message::Ping(ping(&cx.config, sequence, entry.name())));
        cx.stats.sent[MessageKind::Ping] += 1;
        if let Some(accusation) = accusation {
            let message = Message::Update(accusation);
            cx.stats.sent[message.kind()] += u64::from(draft.append_if_it_fits(&message));
        }
        gossip.fill(&mut draft, (members, target), &cx.config, &mut cx.stats, &mut cx.outputs);
        let payload = draft.into_datagram(entry.speaks(memberlist::CHECKSUM_VERSION));
        cx.send(entry.address(), payload, PacketKind::Probe);
        cx.stats.probes += 1;
        self.help_due = now + self.stretch(cx.config.probe_timeout);
        self.helpers.clear();
        self.current = Some(Probe {
            target,
            sequence,
            incarnation: entry.incarnation(),
            sent_at: now,
            nacks_due: 0,
            nacks: 0,
            stream: None,
            answered_by_stream: false,
        });
    }

    /// Asks peers to ping the target, because it did not answer the direct ping in time. Returns
    /// the ping to be sent over a stream as well; [`stream_opened`](Detector::stream_opened)
    /// follows.
    pub(crate) fn ask_for_help(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
    ) -> Option<StreamPing> {
        self.help_due = Instant::NEVER;
        let probe = self.current.as_mut()?;
        let count = cx.config.indirect_probes;
        let helpers = pick_helpers(cx, members, probe.target, count);
        self.helpers = helpers;
        for &helper in helpers.slots() {
            let (target, entry) = (members.entry(probe.target), members.entry(helper));
            // Old Go programs send none.
            let nacks = speaks(&cx.config, members, helper, memberlist::NACK_VERSION);
            let request = Message::IndirectPing(IndirectPing {
                sequence: probe.sequence,
                target: target.name(),
                address: target.announced_address(),
                source: cx.config.name.as_str(),
                reply_to: cx.config.reply_to(),
                wants_nack: nacks,
            });
            let mut draft = cx.channel.datagram();
            draft.append(&request);
            cx.stats.sent[MessageKind::IndirectPing] += 1;
            gossip.fill(&mut draft, (members, helper), &cx.config, &mut cx.stats, &mut cx.outputs);
            let payload = draft.into_datagram(entry.speaks(memberlist::CHECKSUM_VERSION));
            cx.send(entry.address(), payload, PacketKind::Probe);
            probe.nacks_due += u8::from(nacks);
        }
        let (target, sequence) = (probe.target, probe.sequence);
        let answers = speaks(&cx.config, members, target, memberlist::STREAM_PING_VERSION);
        (cx.config.stream_ping && answers).then_some(StreamPing { target, sequence })
    }

    /// Notes the stream over which the target is pinged.
    pub(crate) fn stream_opened(&mut self, stream: StreamId) {
        if let Some(probe) = &mut self.current {
            probe.stream = Some(stream);
        }
    }

    /// Judges the probe of the period that ended; returns whom to accuse.
    pub(crate) fn judge(
        &mut self,
        cx: &mut Context,
        members: &Members,
        probe: &Probe,
    ) -> Option<Accusation> {
        if probe.answered_by_stream {
            cx.stats.probes_saved_by_stream += 1;
            self.note_detour(cx, members, probe.target);
            self.change_health(cx, -1, HealthReason::ProbeAnswered);
            return None;
        }
        cx.stats.probes_failed += 1;
        self.isolation.note_failed_probe();
        // Nacks show that this node can be reached, so the failure is not its own fault. A missing
        // nack counts as its own fault (Lifeguard, section IV.A).
        match probe.nacks_due {
            0 => self.change_health(cx, 1, HealthReason::ProbeFailed),
            due => {
                let missed = i16::from(due.saturating_sub(probe.nacks));
                self.change_health(cx, missed, HealthReason::NacksMissed);
            }
        }
        Some(Accusation { target: probe.target, incarnation: probe.incarnation })
    }

    /// Ends the running probe without a verdict; returns the stream that it used.
    pub(crate) fn cancel(&mut self) -> Option<StreamId> {
        (self.period_ends, self.help_due) = (Instant::NEVER, Instant::NEVER);
        self.current.take().and_then(|probe| probe.stream)
    }

    /// Takes the running probe, if this is its sequence number, and the answer comes from its
    /// target or from a helper; also returns whether from the target.
    #[inline]
    pub(super) fn take_current(
        &mut self,
        config: &Config,
        members: &Members,
        from: SocketAddr,
        sequence: u32,
    ) -> Option<(Probe, bool)> {
        let probe = self.current.as_ref().filter(|probe| probe.sequence == sequence)?;
        let at_home = is_at(members, probe.target, from);
        if !at_home
            && !asked(&self.helpers, members, from)
            && !config.breaks(Sabotage::BelievesAnyAck)
        {
            return None;
        }
        self.help_due = Instant::NEVER;
        self.current.take().map(|probe| (probe, at_home))
    }

    /// Notes that the target answered over the stream: enough to spare it, but an ack in a datagram
    /// within the period is better news. Returns the target.
    pub(crate) fn receive_stream_ack(&mut self, stream: StreamId) -> Option<Slot> {
        let probe = self.current.as_mut().filter(|probe| probe.stream == Some(stream))?;
        probe.answered_by_stream = true;
        probe.stream = None;
        Some(probe.target)
    }

    /// Handles the target's answer in a datagram, from its own address or through a helper.
    #[inline]
    pub(crate) fn probe_answered(
        &mut self,
        cx: &mut Context,
        members: &Members,
        (probe, at_home): (&Probe, bool),
        ack: &Ack<'_>,
    ) {
        self.change_health(cx, -1, HealthReason::ProbeAnswered);
        if !at_home {
            return self.note_detour(cx, members, probe.target);
        }
        if !self.detours.is_empty() {
            self.detours.remove(&probe.target);
        }
        let round_trip = cx.now() - probe.sent_at;
        cx.stats.note_round_trip(round_trip);
        if !ack.payload.is_empty() {
            let name = Name::trusted(members.entry(probe.target).name());
            let payload = Bytes::copy_from_slice(ack.payload);
            cx.emit(Event::AckPayload { name, round_trip, payload });
        }
    }

    /// Handles a nack of a helper: the target has not answered it.
    pub(crate) fn receive_nack(
        &mut self,
        cx: &mut Context,
        members: &Members,
        from: SocketAddr,
        sequence: u32,
    ) {
        match &mut self.current {
            Some(probe)
                if probe.sequence == sequence
                    && probe.nacks < probe.nacks_due
                    && asked(&self.helpers, members, from) =>
            {
                probe.nacks += 1;
                return self.note_heard(cx);
            }
            _ => {}
        }
        if self.own_address.take_nack(cx, members, from, sequence) {
            self.note_heard(cx);
        } else {
            cx.drop_quietly(DropReason::UnexpectedAck);
        }
    }

    fn note_detour(&mut self, cx: &mut Context, members: &Members, target: Slot) {
        let count = self.detours.entry(target).or_insert(0);
        *count = count.saturating_add(1);
        if *count == BLOCKED_AFTER {
            let member = members.entry(target).view().to_member();
            cx.emit(Event::DatagramsBlocked { member });
        }
    }
}

/// Picks peers to ping the target, too. Those that this node heard from come first: made-up members
/// help nobody.
pub(super) fn pick_helpers(
    cx: &mut Context,
    members: &Members,
    target: Slot,
    count: usize,
) -> Picked {
    let random = &mut cx.random;
    let alive = |entry: &Entry| entry.state() == State::Alive;
    let mut helpers =
        members.pick(random, count, Some(target), |entry| alive(entry) && entry.has_answered());
    let missing = count.saturating_sub(helpers.slots().len());
    if missing > 0 {
        let others = members
            .pick(random, missing, Some(target), |entry| alive(entry) && !entry.has_answered());
        helpers.extend(&others);
    }
    helpers
}

/// Whether a helper at this address was asked.
fn asked(helpers: &Picked, members: &Members, address: SocketAddr) -> bool {
    helpers.slots().iter().any(|&helper| is_at(members, helper, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(nacks_due: u8, nacks: u8) -> Probe {
        Probe {
            target: Slot::LOCAL,
            sequence: 1,
            incarnation: Incarnation(1),
            sent_at: Instant::ORIGIN,
            nacks_due,
            nacks,
            stream: None,
            answered_by_stream: false,
        }
    }

    #[test]
    #[should_panic(expected = "3 nacks, 2 were due")]
    fn more_nacks_than_are_due_are_noticed() {
        probe(2, 3).check();
    }

    #[test]
    #[should_panic(expected = "17 nacks due of 16 helpers")]
    fn more_nacks_due_than_helpers_can_be_asked_are_noticed() {
        probe(17, 0).check();
    }
}
