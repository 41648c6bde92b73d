//! Probing: direct pings, indirect pings and their nacks, the ping over a stream, and pings that
//! the application asks for.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;

use crate::address::canonical;
use crate::error::CommandError;
use crate::member::{Incarnation, Name, State};
use crate::node::{Node, Status};
use crate::output::{Answer, Event, Failure, HealthReason, RequestId, StreamId, Via};
use crate::pages::Slot;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::timer::Timer;
use crate::wire::{Ack, Claim, IndirectPing, Message, Ping, Update, Wire, memberlist};

/// A helper's nack leaves after this share of its probe timeout (Lifeguard, section IV.A: 80%), so
/// that it arrives before the prober's period is over.
const NACK_AT: f64 = 0.8;

/// How many probes of a member in a row must be answered by detours alone, through a helper or over
/// a stream, before datagrams count as blocked: one or two may be chance.
const BLOCKED_AFTER: u8 = 3;

/// The probe of this protocol period.
#[derive(Debug)]
struct Probe {
    target: Slot,
    sequence: u32,
    /// The target's incarnation when the probe began; what an accusation will be about.
    incarnation: Incarnation,
    sent_at: Instant,
    helpers: u8,
    /// How many of the helpers say so when the target does not answer, and how many did.
    nacks_due: u8,
    nacks: u8,
    stream: Option<StreamId>,
    /// The target answered over the stream.
    answered_by_stream: bool,
}

/// A ping that is not part of this node's own probe.
#[derive(Debug)]
enum Pending {
    /// Sent for somebody else.
    Relay { asker: SocketAddr, sequence: u32, wants_nack: bool, expires: Instant },
    /// Sent to find out which of two addresses a name belongs to.
    Check { member: Slot },
    /// Sent to a failed member, in case it can be reached again.
    Retry { member: Slot },
    /// Sent for the application.
    Command { request: RequestId, sent_at: Instant },
}

/// All pings under way.
#[derive(Debug)]
pub(crate) struct Probes {
    next_sequence: u32,
    current: Option<Probe>,
    /// By sequence number, each with its deadline.
    pending: BTreeMap<u32, (Instant, Pending)>,
    deadlines: BTreeSet<(Instant, u32)>,
    relays: usize,
    /// Members whose latest probes were answered by detours alone, and how many in a row.
    detours: BTreeMap<Slot, u8>,
}

impl Probes {
    pub(crate) fn new(first_sequence: u32) -> Self {
        Probes {
            next_sequence: first_sequence,
            current: None,
            pending: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            relays: 0,
            detours: BTreeMap::new(),
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    /// Drops all that is kept about a member that leaves the table.
    pub(crate) fn forget(&mut self, slot: Slot) {
        self.detours.remove(&slot);
        let about = |pending: &Pending| match pending {
            Pending::Check { member } | Pending::Retry { member } => *member == slot,
            Pending::Relay { .. } | Pending::Command { .. } => false,
        };
        let dropped: Vec<u32> =
            self.pending.iter().filter(|(_, (_, p))| about(p)).map(|(&s, _)| s).collect();
        for sequence in dropped {
            self.answered(sequence);
        }
        if self.current.as_ref().is_some_and(|probe| probe.target == slot) {
            self.current = None;
        }
    }

    fn sequence(&mut self) -> u32 {
        self.next_sequence = self.next_sequence.wrapping_add(1);
        self.next_sequence
    }

    fn wait(&mut self, sequence: u32, deadline: Instant, pending: Pending) {
        self.pending.insert(sequence, (deadline, pending));
        self.deadlines.insert((deadline, sequence));
    }

    fn answered(&mut self, sequence: u32) -> Option<Pending> {
        let (deadline, pending) = self.pending.remove(&sequence)?;
        self.deadlines.remove(&(deadline, sequence));
        if let Pending::Relay { .. } = pending {
            self.relays -= 1;
        }
        Some(pending)
    }
}

impl Node {
    // This node's own probe.

    /// The period is over: judges the probe that ran in it, and starts the next one.
    pub(crate) fn end_probe_period(&mut self) {
        if self.status != Status::Running {
            return;
        }
        if let Some(probe) = self.probes.current.take() {
            self.judge(&probe);
        }
        let next = self.now() + self.health.stretch(self.config.probe_interval);
        self.timers.set(Timer::Probe, next);
        if let Some(target) = self.members.next_to_probe(&mut self.random) {
            self.start_probe(target);
        }
        self.look_for_the_failed();
    }

    /// Ends the running probe without a verdict.
    pub(crate) fn cancel_probe(&mut self) {
        self.timers.stop(Timer::Probe);
        self.timers.stop(Timer::ProbeTimeout);
        if let Some(stream) = self.probes.current.take().and_then(|probe| probe.stream) {
            self.abort_stream(stream);
        }
    }

    fn start_probe(&mut self, target: Slot) {
        let now = self.now();
        let sequence = self.probes.sequence();
        let entry = self.members.entry(target);
        let (incarnation, state) = (entry.incarnation(), entry.state());
        let ping = Message::Ping(Ping {
            sequence,
            target: entry.name(),
            source: self.config.name.as_str(),
            reply_to: self.config.reply_to(),
        });
        self.draft.begin(&self.config);
        self.draft.append(&ping);
        self.count_sent(MessageKind::Ping);
        if state == State::Suspect && self.config.lifeguard_buddy {
            self.append_accusation(target);
        }
        self.fill_packet();
        self.flush_to_member(target);
        self.stats.probes += 1;
        self.timers.set(Timer::ProbeTimeout, now + self.health.stretch(self.config.probe_timeout));
        self.probes.current = Some(Probe {
            target,
            sequence,
            incarnation,
            sent_at: now,
            helpers: 0,
            nacks_due: 0,
            nacks: 0,
            stream: None,
            answered_by_stream: false,
        });
    }

    /// Appends what is held against a member to the packet that is being written, so that it can
    /// refute.
    fn append_accusation(&mut self, slot: Slot) {
        let entry = self.members.entry(slot);
        let name = Name::trusted(entry.name());
        let own = self.config.name.clone();
        let accuser = self.suspicions.get(slot).map_or(&own, |suspicion| &suspicion.accusers[0]);
        let accuser = accuser.clone();
        let claim = match entry.state() {
            State::Alive => return,
            State::Suspect => Claim::Suspect { accuser: accuser.as_str() },
            State::Failed => Claim::Failed { accuser: accuser.as_str() },
            State::Left => Claim::Left,
        };
        let incarnation = entry.incarnation();
        let update = Update { name: name.as_str(), incarnation, claim };
        self.append_if_it_fits(&Message::Update(update));
    }

    /// The direct ping was not answered in time: asks peers to ping the target, and pings it over a
    /// stream.
    pub(crate) fn ask_for_help(&mut self) {
        let Some(mut probe) = self.probes.current.take() else {
            return;
        };
        let helpers = self.members.pick(
            &mut self.random,
            self.config.indirect_probes,
            Some(probe.target),
            |entry| entry.state() == State::Alive,
        );
        for &helper in helpers.as_slice() {
            let target = self.members.entry(probe.target);
            let nacks = self.sends_nacks(helper);
            let request = Message::IndirectPing(IndirectPing {
                sequence: probe.sequence,
                target: target.name(),
                address: target.announced_address(),
                source: self.config.name.as_str(),
                reply_to: self.config.reply_to(),
                wants_nack: nacks,
            });
            self.draft.begin(&self.config);
            self.draft.append(&request);
            self.count_sent(MessageKind::IndirectPing);
            self.fill_packet();
            self.flush_to_member(helper);
            probe.helpers += 1;
            probe.nacks_due += u8::from(nacks);
        }
        if self.config.stream_ping && self.answers_stream_pings(probe.target) {
            let (target, to) = self.name_and_address(probe.target);
            probe.stream = Some(self.open_ping_stream(to, &target, probe.sequence));
        }
        self.probes.current = Some(probe);
    }

    /// Whether a member sends nacks. All do on the native wire; Go programs of old did not.
    fn sends_nacks(&self, slot: Slot) -> bool {
        self.speaks(slot, memberlist::NACK_VERSION)
    }

    fn answers_stream_pings(&self, slot: Slot) -> bool {
        self.speaks(slot, memberlist::STREAM_PING_VERSION)
    }

    fn speaks(&self, slot: Slot, memberlist_version: u8) -> bool {
        self.config.wire == Wire::Swim
            || self.members.entry(slot).versions().protocol.max >= memberlist_version
    }

    fn judge(&mut self, probe: &Probe) {
        if let Some(stream) = probe.stream {
            self.abort_stream(stream);
        }
        if probe.answered_by_stream {
            self.stats.probes_saved_by_stream += 1;
            self.note_detour(probe.target);
            self.change_health(-1, HealthReason::ProbeAnswered);
            return;
        }
        self.stats.probes_failed += 1;
        // Helpers that said "no answer" show that this node can be reached: then the failure is not
        // its own fault. A nack that is missing is (Lifeguard, section IV.A).
        match probe.nacks_due {
            0 => self.change_health(1, HealthReason::ProbeFailed),
            due => {
                let missed = i16::from(due.saturating_sub(probe.nacks));
                self.change_health(missed, HealthReason::NacksMissed);
            }
        }
        let name = Name::trusted(self.members.entry(probe.target).name());
        let own = self.config.name.clone();
        let update = Update {
            name: name.as_str(),
            incarnation: probe.incarnation,
            claim: Claim::Suspect { accuser: own.as_str() },
        };
        self.receive_update(&update, Via::Own);
    }

    fn note_detour(&mut self, target: Slot) {
        let count = self.probes.detours.entry(target).or_insert(0);
        *count = count.saturating_add(1);
        if *count == BLOCKED_AFTER {
            let member = self.members.entry(target).view().to_member();
            self.emit(Event::DatagramsBlocked { member });
        }
    }

    /// The target answered over the stream: enough to spare it, but an ack in a datagram within the
    /// period is better news.
    pub(crate) fn receive_stream_ack(&mut self, stream: StreamId) {
        if let Some(probe) = &mut self.probes.current
            && probe.stream == Some(stream)
        {
            probe.answered_by_stream = true;
            probe.stream = None;
        }
    }

    pub(crate) fn receive_ack(&mut self, from: SocketAddr, ack: &Ack<'_>) {
        if let Some(probe) = self.probes.current.take_if(|probe| probe.sequence == ack.sequence) {
            return self.probe_answered(from, &probe, ack);
        }
        match self.probes.answered(ack.sequence) {
            Some(Pending::Relay { asker, sequence, .. }) => {
                let ack = Message::Ack(Ack { sequence, payload: &[], view: 0 });
                // The asker may be anybody who made up an address: no gossip, as for every
                // stranger.
                self.send_message(asker, &ack, false);
            }
            Some(Pending::Command { request, sent_at }) => {
                let round_trip = self.now() - sent_at;
                let payload = Bytes::copy_from_slice(ack.payload);
                self.answer(request, Ok(Answer::Pong { round_trip, payload }));
            }
            Some(Pending::Check { member }) => self.check_answered(member, from),
            Some(Pending::Retry { member }) => self.found_again(member, from),
            None => self.drop_quietly(DropReason::UnexpectedAck),
        }
    }

    fn probe_answered(&mut self, from: SocketAddr, probe: &Probe, ack: &Ack<'_>) {
        self.timers.stop(Timer::ProbeTimeout);
        // The stream may not have said anything yet, not even the label. A member that runs
        // memberlist complains of such a connection, so there it goes on to its end.
        if self.config.wire == Wire::Swim
            && let Some(stream) = probe.stream
        {
            self.abort_stream(stream);
        }
        self.change_health(-1, HealthReason::ProbeAnswered);
        let at_home = from == self.members.entry(probe.target).address();
        if !at_home && probe.helpers > 0 {
            self.note_detour(probe.target);
        } else if !self.probes.detours.is_empty() {
            self.probes.detours.remove(&probe.target);
        }
        if !at_home {
            return;
        }
        let entry = self.members.entry(probe.target);
        let round_trip = self.now() - probe.sent_at;
        self.stats.note_round_trip(round_trip);
        if !ack.payload.is_empty() {
            let name = Name::trusted(entry.name());
            let payload = Bytes::copy_from_slice(ack.payload);
            self.emit(Event::AckPayload { name, round_trip, payload });
        }
        self.compare_views(from, ack.view);
    }

    pub(crate) fn receive_nack(&mut self, sequence: u32) {
        match &mut self.probes.current {
            Some(probe) if probe.sequence == sequence && probe.nacks < probe.nacks_due => {
                probe.nacks += 1;
            }
            _ => self.drop_quietly(DropReason::UnexpectedAck),
        }
    }

    // Answers to others.

    pub(crate) fn receive_ping(&mut self, from: SocketAddr, ping: &Ping<'_>) {
        // On memberlist's wire a ping may be for whoever is here, and say where the ack should go.
        if ping.target != self.config.name.as_str() && !ping.target.is_empty() {
            return self.drop_quietly(DropReason::WrongName);
        }
        let from = self.where_to_answer(from, ping.reply_to);
        let from_hook = self.hooks.ack_payload().filter(|p| p.len() <= self.ack_payload_size_max());
        let payload = from_hook.as_ref().unwrap_or(&self.ack_payload);
        // What was set when packets had more room is not sent rather than cut.
        let fits = payload.len() <= self.ack_payload_size_max();
        let payload = if fits { &payload[..] } else { &[] };
        let ack = Message::Ack(Ack {
            sequence: ping.sequence,
            payload,
            view: self.members.short_view_digest(),
        });
        self.draft.begin(&self.config);
        self.draft.append(&ack);
        self.count_sent(MessageKind::Ack);
        if self.status != Status::Running {
            // It said goodbye, but whoever asks has not heard, also where this node has never heard
            // of the asker. With this node's name in it the goodbye is hardly longer than the ping.
            self.append_goodbye();
        }
        // Only a member at its own address gets gossip with the ack: an answer to anybody else
        // must not be much larger than the question. Whoever bears the name of a member that is
        // gone is told what is held against it, wherever it is now: it may have moved.
        if let Some(slot) = self.members.find(ping.source) {
            let entry = self.members.entry(slot);
            let (state, at_home) = (entry.state(), entry.address() == from);
            let buddy = state == State::Suspect && at_home && self.config.lifeguard_buddy;
            if buddy || !state.is_live() {
                self.append_accusation(slot);
            }
            if at_home {
                self.packet_source = Some(slot);
                self.fill_packet();
            }
        }
        self.flush_packet(from);
    }

    pub(crate) fn receive_indirect_ping(&mut self, from: SocketAddr, request: &IndirectPing<'_>) {
        let from = self.where_to_answer(from, request.reply_to);
        let known = self.members.find(request.target);
        if known.is_none_or(|slot| self.members.entry(slot).address() != canonical(request.address))
        {
            // Pinging whatever address is asked for would let anybody aim this node's packets. The
            // asker still hears that this node itself can be reached.
            self.drop_quietly(DropReason::UnknownMember);
            return self.send_nack(from, request.sequence, request.wants_nack);
        }
        if self.probes.relays >= self.config.relays_max {
            return self.drop_quietly(DropReason::RelaysFull);
        }
        let now = self.now();
        let sequence = self.probes.sequence();
        self.probes.relays += 1;
        let relay = Pending::Relay {
            asker: from,
            sequence: request.sequence,
            wants_nack: request.wants_nack,
            expires: now + self.config.probe_interval,
        };
        self.probes.wait(sequence, now + self.config.probe_timeout.mul_f64(NACK_AT), relay);
        let source = self.config.name.clone();
        let (target, source) = (request.target, source.as_str());
        let ping = Ping { sequence, target, source, reply_to: self.config.reply_to() };
        self.send_message(request.address, &Message::Ping(ping), true);
    }

    /// Where the asker wants the answer, if it says so; but not outside the allowed networks.
    fn where_to_answer(&self, from: SocketAddr, reply_to: Option<SocketAddr>) -> SocketAddr {
        let wanted = reply_to.map(canonical);
        wanted.filter(|to| self.config.allows(to.ip())).unwrap_or(from)
    }

    fn send_nack(&mut self, asker: SocketAddr, sequence: u32, wanted: bool) {
        if wanted {
            self.send_message(asker, &Message::Nack { sequence }, false);
        }
    }

    // Pings that settle who is where.

    /// Asks the node at `to` whether it bears the name of this member.
    pub(crate) fn send_check(&mut self, member: Slot, to: SocketAddr) {
        self.ping_named(member, to, Pending::Check { member });
    }

    /// Looks for one of the members that failed: so a healed partition is noticed. One per period,
    /// however many they are. Also those that are listed still: they are gossiped to, but only
    /// where there is news, and in a cluster that fell apart and fell silent there is none.
    fn look_for_the_failed(&mut self) {
        if let Some(member) = self.members.pick_failed(&mut self.random)
            && !self.config.breaks(Sabotage::ForgetsTheLost)
        {
            let to = self.members.entry(member).address();
            self.ping_named(member, to, Pending::Retry { member });
        }
    }

    /// A failed member answers: everything is exchanged with it, so that both sides of what was a
    /// partition hear of each other.
    fn found_again(&mut self, member: Slot, from: SocketAddr) {
        let entry = self.members.entry(member);
        let failed = entry.state() == State::Failed;
        if failed && entry.address() == from && self.status == Status::Running {
            self.push_pull_with(from);
        }
    }

    fn ping_named(&mut self, member: Slot, to: SocketAddr, pending: Pending) {
        let sequence = self.probes.sequence();
        let deadline = self.now() + self.config.probe_interval;
        self.probes.wait(sequence, deadline, pending);
        let entry = self.members.entry(member);
        let ping = Message::Ping(Ping {
            sequence,
            target: entry.name(),
            source: self.config.name.as_str(),
            reply_to: self.config.reply_to(),
        });
        self.draft.begin(&self.config);
        self.draft.append(&ping);
        self.count_sent(MessageKind::Ping);
        self.flush_packet(to);
    }

    // Pings for the application.

    pub(crate) fn start_ping(&mut self, to: &str) -> Result<RequestId, CommandError> {
        let (name, address) = self.live_peer(to)?;
        let request = self.begin_request()?;
        let now = self.now();
        let sequence = self.probes.sequence();
        let pending = Pending::Command { request, sent_at: now };
        self.probes.wait(sequence, now + self.config.probe_interval, pending);
        let source = self.config.name.clone();
        let (target, source) = (name.as_str(), source.as_str());
        let ping = Ping { sequence, target, source, reply_to: self.config.reply_to() };
        self.send_message(address, &Message::Ping(ping), true);
        Ok(request)
    }

    pub(crate) fn keep_ping_deadlines(&mut self, now: Instant) {
        while let Some(&(at, sequence)) = self.probes.deadlines.first()
            && at <= now
        {
            match self.probes.answered(sequence) {
                Some(Pending::Command { .. }) if self.config.breaks(Sabotage::NeverAnswers) => {}
                Some(Pending::Command { request, .. }) => {
                    self.answer(request, Err(Failure::Timeout));
                }
                Some(Pending::Relay { asker, sequence: asked, wants_nack, expires })
                    if at < expires =>
                {
                    // The ack may still come, and is still worth passing on.
                    let relay = Pending::Relay { asker, sequence: asked, wants_nack, expires };
                    self.probes.relays += 1;
                    self.probes.wait(sequence, expires, relay);
                    self.send_nack(asker, asked, wants_nack);
                }
                Some(Pending::Check { member }) => self.check_unanswered(member),
                Some(Pending::Relay { .. } | Pending::Retry { .. }) | None => {}
            }
        }
    }

    pub(crate) fn stop_pings(&mut self) {
        let pending = core::mem::take(&mut self.probes.pending);
        self.probes.deadlines.clear();
        self.probes.relays = 0;
        for (_, pending) in pending.into_values() {
            if let Pending::Command { request, .. } = pending {
                self.answer(request, Err(Failure::Stopped));
            }
        }
    }

    // Local health.

    pub(crate) fn change_health(&mut self, by: i16, reason: HealthReason) {
        let from = self.health.score();
        if self.health.change(by) {
            let to = self.health.score();
            self.emit(Event::HealthChanged { from, to, reason });
        }
    }

    pub(crate) fn name_and_address(&self, slot: Slot) -> (Name, SocketAddr) {
        let entry = self.members.entry(slot);
        (Name::trusted(entry.name()), entry.address())
    }

    /// The live member that a command names.
    pub(crate) fn live_peer(&self, name: &str) -> Result<(Name, SocketAddr), CommandError> {
        if self.status != Status::Running {
            return Err(CommandError::NotRunning);
        }
        match self.members.find(name) {
            Some(Slot::LOCAL) => Err(CommandError::OwnName),
            Some(slot) if self.members.entry(slot).state().is_live() => {
                Ok(self.name_and_address(slot))
            }
            _ => Err(CommandError::UnknownMember),
        }
    }

    pub(crate) fn ack_overhead(&self) -> usize {
        /// Two lengths of up to 3 bytes, two field numbers, a sequence number, and a digest.
        const SWIM: usize = 3 + 3 + 2 + 5 + 5;
        /// The type, a map of two, their names, a length of up to 3 bytes, and a sequence number.
        const MEMBERLIST: usize = 1 + 1 + 8 + 6 + 3 + 5;
        match self.config.wire {
            Wire::Swim => SWIM,
            Wire::Memberlist => MEMBERLIST,
        }
    }
}
