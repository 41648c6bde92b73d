//! Members known from hearsay are asked whether they are there before they are sent news. Otherwise
//! an attacker that announces members at some address would have a whole cluster's gossip sent
//! there.

use alloc::collections::BTreeMap;
use core::net::SocketAddr;
use core::time::Duration;

use super::{Accusation, Detector, Pending, ping};
use crate::context::Context;
use crate::dissemination::{Gossip, may_hear};
use crate::member::State;
use crate::members::{Entry, Members, Slot};
use crate::output::PacketKind;
use crate::stats::MessageKind;
use crate::time::Instant;
use crate::wire::{IndirectPing, Message, Ping, Update, Wire, memberlist};

/// Addresses that were asked and did not answer. While all places are taken no other address is
/// asked in this way; probes ask all members in turn.
const ASKED_MAX: usize = 256;

/// How often an address is asked in a row, in case a datagram is lost.
const TRIES: u8 = 3;

/// Minimum time between later attempts, however many members are announced there.
const QUIET: Duration = Duration::from_secs(60);

/// How many members ask the holder of this node's name on behalf of this node.
const HOLDER_RELAYS: usize = 2;

/// Addresses that were asked lately.
#[derive(Debug, Default)]
pub(super) struct Asked {
    by_address: BTreeMap<SocketAddr, Ask>,
}

#[derive(Clone, Copy, Debug)]
struct Ask {
    tries: u8,
    /// Not asked again before then.
    again: Instant,
}

impl Asked {
    /// Whether this address may be asked now.
    fn may_ask(&self, now: Instant, to: SocketAddr) -> bool {
        match self.by_address.get(&to) {
            Some(ask) => ask.again <= now,
            None => self.by_address.len() < ASKED_MAX || self.is_over(now),
        }
    }

    /// Whether an address may be forgotten to make room.
    fn is_over(&self, now: Instant) -> bool {
        self.by_address.values().any(|ask| ask.again <= now)
    }

    /// Notes that this address is asked.
    fn note(&mut self, now: Instant, to: SocketAddr, patience: Duration) {
        if self.by_address.len() >= ASKED_MAX && !self.by_address.contains_key(&to) {
            self.by_address.retain(|_, ask| ask.again > now);
        }
        let ask = self.by_address.entry(to).or_insert(Ask { tries: 0, again: now });
        ask.tries = ask.tries.saturating_add(1);
        ask.again = now + if ask.tries < TRIES { patience } else { QUIET };
    }

    /// Asserts that the number of addresses is within the limit.
    pub(super) fn check(&self) {
        let (count, max) = (self.by_address.len(), ASKED_MAX);
        assert!(count <= max, "{count} addresses were asked, {max} are the most");
    }
}

impl Detector {
    /// Whether the node at this address may be asked whether it is there.
    pub(crate) fn may_ask(&self, cx: &Context, to: SocketAddr) -> bool {
        self.asked.may_ask(cx.now(), to)
    }

    /// Notes that a ping of another kind goes to this address, where there may be no member.
    pub(crate) fn note_asked(&mut self, cx: &Context, to: SocketAddr) {
        self.asked.note(cx.now(), to, cx.config.probe_timeout);
    }

    /// Asks a member whether it is there. Its answer is [`Acked::Asked`](super::Acked::Asked),
    /// after which [`Detector::note_asked_answered`] is to be called.
    pub(crate) fn ask(&mut self, cx: &mut Context, members: &Members, member: Slot) {
        let (to, patience) = (members.entry(member).address(), cx.config.probe_timeout);
        self.asked.note(cx.now(), to, patience);
        self.ping_named(cx, members, member, to, (Pending::Ask { member }, patience));
    }

    /// Sends a member this node's leave message, and with it a ping, so that the ack shows that the
    /// message arrived. A member known from hearsay is sent nothing else, and only as often as it
    /// may be asked.
    pub(crate) fn say_goodbye(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        member: Slot,
        goodbye: Update<'_>,
    ) {
        let entry = members.entry(member);
        let to = entry.address();
        if !may_hear(&cx.config, entry) {
            self.asked.note(cx.now(), to, cx.config.probe_timeout);
        }
        let deadline = cx.now() + cx.config.probe_interval;
        let mut draft = cx.channel.datagram();
        let goodbye = Message::Update(goodbye);
        draft.append(&goodbye);
        cx.stats.sent[goodbye.kind()] += 1;
        // In the name of the member that is asked, like every question of this kind.
        let sequence = self.pings.sequence(&cx.config);
        let own = ping(&cx.config, sequence, entry.name());
        let source = if cx.config.wire == Wire::Swim { own.target } else { own.source };
        if draft.append_if_it_fits(&Message::Ping(Ping { source, ..own })) {
            cx.stats.sent[MessageKind::Ping] += 1;
            self.pings.wait(sequence, to, deadline, Pending::Goodbye { member });
        }
        gossip.fill(&mut draft, (members, member), &cx.config, &mut cx.stats, &mut cx.outputs);
        let payload = draft.into_datagram(entry.speaks(memberlist::CHECKSUM_VERSION));
        cx.send(to, payload, PacketKind::News);
    }

    /// Asks the node at `holder` whether it is there under this node's own name. Without an answer
    /// within a probe interval it is [`Unanswered::Holder`](super::Unanswered::Holder).
    pub(crate) fn ask_holder(&mut self, cx: &mut Context, members: &Members, holder: SocketAddr) {
        let question = (Pending::Holder { relayed: false }, cx.config.probe_interval);
        self.ping_named(cx, members, Slot::LOCAL, holder, question);
    }

    /// Asks the same through two members.
    pub(crate) fn ask_holder_through_others(
        &mut self,
        cx: &mut Context,
        members: &Members,
        holder: SocketAddr,
    ) {
        let alive = |entry: &Entry| entry.state() == State::Alive && !entry.is_at(holder);
        let relays = members.pick(&mut cx.random, HOLDER_RELAYS, None, alive);
        for &relay in relays.slots() {
            let sequence = self.pings.sequence(&cx.config);
            let (to, deadline) =
                (members.entry(relay).address(), cx.now() + cx.config.probe_interval);
            self.pings.wait(sequence, to, deadline, Pending::Holder { relayed: true });
            let own = ping(&cx.config, sequence, cx.config.name.as_str());
            let request = IndirectPing {
                sequence,
                target: own.target,
                address: holder,
                source: own.source,
                reply_to: own.reply_to,
                wants_nack: false,
            };
            let mut draft = cx.channel.datagram();
            draft.append(&Message::IndirectPing(request));
            cx.stats.sent[MessageKind::IndirectPing] += 1;
            let payload = draft.into_datagram(false);
            cx.send(to, payload, PacketKind::Probe);
        }
    }

    /// Pings a member, without helpers, during isolation. If it does not answer, and no other
    /// member is heard meanwhile, it is accused.
    pub(crate) fn ping_silent(&mut self, cx: &mut Context, members: &Members, member: Slot) {
        let entry = members.entry(member);
        let (to, incarnation) = (entry.address(), entry.incarnation());
        let silent = Pending::Silent(Accusation { target: member, incarnation });
        self.ping_named(cx, members, member, to, (silent, cx.config.probe_interval));
    }

    /// Notes that a node that was asked answered from this address.
    pub(crate) fn note_asked_answered(&mut self, from: SocketAddr) {
        self.asked.by_address.remove(&from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    fn address(number: usize) -> SocketAddr {
        let [.., high, low] = number.to_be_bytes();
        SocketAddr::from(([10, 0, high, low], 7946))
    }

    fn ask(asked: &mut Asked, now: Instant, number: usize) -> bool {
        let may = asked.may_ask(now, address(number));
        if may {
            asked.note(now, address(number), PATIENCE);
        }
        asked.check();
        may
    }

    #[test]
    fn an_address_is_asked_three_times_and_then_once_a_minute() {
        let mut asked = Asked::default();
        let mut times = 0;
        for step in 0..1200 {
            times += usize::from(ask(&mut asked, Instant::ORIGIN + PATIENCE * step, 1));
        }
        assert_eq!(times, 3 + 9, "in ten minutes");
    }

    #[test]
    fn while_many_do_not_answer_nobody_else_is_asked() {
        let (mut asked, start) = (Asked::default(), Instant::ORIGIN);
        assert_eq!((0..1000).filter(|&number| ask(&mut asked, start, number)).count(), ASKED_MAX);
        assert!(ask(&mut asked, start + PATIENCE, 1000), "they made room");
    }

    #[test]
    #[should_panic(expected = "257 addresses were asked, 256 are the most")]
    fn more_asked_than_may_be_are_noticed() {
        let mut asked = Asked::default();
        for number in 0..=ASKED_MAX {
            let ask = Ask { tries: 1, again: Instant::NEVER };
            asked.by_address.insert(address(number), ask);
        }
        asked.check();
    }
}
