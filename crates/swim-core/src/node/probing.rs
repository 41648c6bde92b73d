//! The protocol period: judging the probe that ends, beginning the next, and taking answers.

use core::net::SocketAddr;

use super::Node;
use crate::detection::{Acked, Question, StreamPing, where_to_answer};
use crate::dissemination::may_hear;
use crate::member::State;
use crate::members::Slot;
use crate::output::{Event, Via};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::status::Status;
use crate::wire::{Ack, Ping, Wire};

impl Node {
    /// Starts or restarts periodic work, each part after a random share of its interval, so that
    /// nodes started together do not act together.
    pub(super) fn start_periods(&mut self) {
        let Node { cx, detector, exchange, .. } = self;
        let now = cx.now();
        let first_probe = cx.random.delay(cx.config.probe_interval);
        detector.start(now, first_probe);
        let first_push_pull = cx.random.delay(cx.config.push_pull_interval);
        exchange.start(now, &cx.config, first_push_pull);
    }

    /// Ends the period: judges its probe, and starts the next one.
    pub(super) fn end_probe_period(&mut self) {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        let ended = detector.end_period();
        if membership.status() != Status::Running {
            return;
        }
        if let Some(probe) = ended {
            if let Some(stream) = probe.stream() {
                exchange.abort(cx, stream);
            }
            if let Some(accusation) = detector.judge(cx, membership.members(), &probe) {
                membership.accuse(cx, gossip, detector, accusation);
            }
        }
        let silent = detector.note_silence(cx, membership.members());
        detector.begin_period(cx);
        if silent {
            membership.begin_probe_round();
        }
        if let Some(target) = membership.next_to_probe(&mut cx.random) {
            self.probe(target);
        }
        if self.detector.is_isolated() {
            self.ping_the_silent();
        } else if let Some(silence) = self.detector.take_return() {
            self.membership.ask_own_suspects(&self.cx, silence);
        }
        self.look_for_the_failed();
        if self.membership.waits_for_name() {
            self.ask_for_name();
        }
        self.ask_the_hidden();
        self.note_worn_key();
    }

    /// Reports a key that is to be replaced.
    fn note_worn_key(&mut self) {
        let members = self.membership.members().live();
        if let Some((key, seals)) = self.cx.channel.take_worn_key(members) {
            self.cx.emit(Event::KeyWearsOut { key, seals, members });
        }
    }

    fn probe(&mut self, target: Slot) {
        let Node { cx, membership, gossip, detector, .. } = self;
        let members = membership.members();
        let is_suspect = members.entry(target).state() == State::Suspect;
        let accuser = (is_suspect && cx.config.lifeguard_buddy).then(|| cx.config.name.clone());
        let accusation = accuser.as_ref().and_then(|own| membership.accusation(own, target));
        detector.start_probe(cx, gossip, members, target, accusation);
    }

    /// Pings some further members that are not suspected yet, while this node is isolated.
    #[cold]
    fn ping_the_silent(&mut self) {
        let Node { cx, membership, detector, .. } = self;
        for _ in 0..detector.silent_share(&cx.config, membership.members()) {
            let Some(member) = membership.next_to_probe(&mut cx.random) else { return };
            if membership.members().entry(member).state() == State::Alive {
                detector.ping_silent(cx, membership.members(), member);
            }
        }
    }

    fn look_for_the_failed(&mut self) {
        let Node { cx, membership, detector, .. } = self;
        if let Some(member) = membership.pick_failed(cx)
            && !cx.config.breaks(Sabotage::ForgetsTheLost)
        {
            detector.look_for(cx, membership.members(), member);
        }
    }

    fn ask_the_hidden(&mut self) {
        let Node { cx, membership, detector, .. } = self;
        if let Some(member) = membership.pick_hidden(&mut cx.random) {
            detector.look_for(cx, membership.members(), member);
        }
    }

    /// Asks peers to ping the target, and pings it over a stream, because it did not answer in
    /// time.
    pub(super) fn ask_for_help(&mut self) {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        let members = membership.members();
        if let Some(StreamPing { target, sequence }) = detector.ask_for_help(cx, gossip, members) {
            let stream = exchange.ping(cx, members, target, sequence);
            detector.stream_opened(stream);
        }
    }

    /// Takes an ack. Returns the member that answers, if from its own address.
    #[inline]
    pub(super) fn receive_ack(&mut self, from: SocketAddr, ack: &Ack<'_>) -> Option<Slot> {
        let Node { cx, membership, detector, .. } = self;
        let acked = detector.receive_ack(cx, membership.members(), from, ack)?;
        let member = acked.member();
        let at_home = match acked {
            Acked::Probe(_, at_home) => at_home,
            _ => member != Slot::LOCAL && membership.members().entry(member).is_at(from),
        };
        self.take_answer(from, ack, acked);
        at_home.then_some(member)
    }

    #[inline(always)]
    fn take_answer(&mut self, from: SocketAddr, ack: &Ack<'_>, acked: Acked) {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        match acked {
            Acked::Probe(probe, at_home) => {
                // The stream may have carried nothing yet, not even the label. A member that runs
                // memberlist complains about such a connection, so there the stream goes on to its
                // end.
                if cx.config.wire == Wire::Swim
                    && let Some(stream) = probe.stream()
                {
                    exchange.abort(cx, stream);
                }
                detector.probe_answered(cx, membership.members(), (&probe, at_home), ack);
                if at_home {
                    membership.note_answer(cx, probe.target());
                    exchange.note_datagram_answered(cx, membership.members(), probe.target());
                    if membership.announces_itself() {
                        exchange.compare_views(cx, gossip, membership.members(), from, ack.view);
                    }
                } else {
                    membership.note_relayed_answer(cx, probe.target());
                }
            }
            seldom => self.take_seldom_answer(from, seldom),
        }
    }

    /// Takes the ack of a ping outside a probe.
    #[inline(never)]
    fn take_seldom_answer(&mut self, from: SocketAddr, acked: Acked) {
        let Node { cx, membership, gossip, detector, .. } = self;
        match acked {
            // The caller handles it, where nothing else slows it down.
            Acked::Probe(..) => {}
            Acked::Check(Slot::LOCAL) => self.contest_name(from),
            Acked::Check(member) => {
                membership.check_answered(cx, detector, member, from);
            }
            Acked::Holder { relayed } => {
                membership.note_name_held(cx, Via::Packet { from }, !relayed);
            }
            Acked::Gone(member) => self.found_again(member, from),
            Acked::LastCall(suspect) => membership.last_call_answered(cx, suspect, from),
            Acked::Goodbye(member) => {
                membership.note_answer_from(cx, member, from);
                membership.note_goodbye_heard();
            }
            Acked::There(member) => membership.note_answer_from(cx, member, from),
            Acked::Asked(member) => {
                detector.note_asked_answered(from);
                membership.note_answer_from(cx, member, from);
                if gossip.take_asked(member) {
                    self.introduce_itself_to(member);
                } else if membership.status() != Status::Left {
                    gossip.tell(cx, membership.members(), member);
                }
            }
        }
    }

    /// Starts a push/pull with a gone member that answers, so that both sides of a former partition
    /// hear of each other.
    fn found_again(&mut self, member: Slot, from: SocketAddr) {
        let Node { cx, membership, exchange, .. } = self;
        membership.note_answer_from(cx, member, from);
        let members = membership.members();
        let entry = members.entry(member);
        let gone = !entry.state().is_live();
        if gone && entry.address() == from && membership.announces_itself() {
            exchange.push_pull_with(cx, members, from);
        }
    }

    /// Answers a ping that came in a datagram of this size. Returns the member that asks, if it is
    /// at its own address.
    ///
    /// Only a member that this node heard from there gets more than it sent: gossip, and the
    /// application's ack payload. Any other member from which something is withheld is asked
    /// whether it is there. A node with the name of a gone member is sent what is held against it
    /// at any address: it may have moved.
    pub(super) fn receive_ping(
        &mut self,
        (from, size): (SocketAddr, usize),
        ping: &Ping<'_>,
    ) -> Option<Slot> {
        let Node { cx, membership, gossip, detector, .. } = self;
        // On memberlist's wire a ping may be for any node here, and say where the ack should go.
        if ping.target != cx.config.name.as_str() && !ping.target.is_empty() {
            cx.drop_quietly(DropReason::WrongName);
            return None;
        }
        detector.note_reached();
        let to = where_to_answer(&cx.config, from, ping.reply_to);
        let members = membership.members();
        // A node that asks before it sends news does so in this node's own name.
        let asker = members.find(ping.source).filter(|&slot| slot != Slot::LOCAL);
        let known = asker.map(|slot| members.entry(slot));
        let at_home = asker.filter(|_| known.is_some_and(|asker| asker.is_at(to)));
        if at_home.is_some() {
            detector.note_heard(cx);
        }
        let trusted = at_home.filter(|_| known.is_some_and(|asker| may_hear(&cx.config, asker)));
        let is_accused = known.is_some_and(|asker| {
            let state = asker.state();
            let buddy = state == State::Suspect && at_home.is_some() && cx.config.lifeguard_buddy;
            buddy || !state.is_live()
        });
        let mut question = Question { to, ping, size, trusted, note_anyway: false };
        let withheld = if is_accused || !membership.announces_itself() {
            let has_left = membership.status() == Status::Left;
            if has_left {
                // Its queue and its application's payload belong to a cluster that it is no longer
                // part of.
                question.trusted = None;
            }
            question.note_anyway = question.trusted.is_none() && membership.may_note(cx, asker, to);
            // Once it has left, its view is frozen: what it holds against peers may be over.
            self.answer_with_notes(&question, asker.filter(|_| is_accused && !has_left))
        } else {
            detector.answer_ping(cx, gossip, members, &question, &[])
        };
        if withheld
            && trusted.is_none()
            && let Some(slot) = at_home
        {
            self.ask_back(slot, to);
        }
        at_home
    }

    /// Answers with notes that the asker should have at once: that this node leaves, and what is
    /// held against the asker. Returns whether something was withheld.
    #[cold]
    fn answer_with_notes(&mut self, question: &Question<'_>, accused: Option<Slot>) -> bool {
        let Node { cx, membership, gossip, detector, .. } = self;
        if membership.waits_for_name() {
            // The pinger may mean the node that has the name.
            cx.drop_quietly(DropReason::AddressConflict);
            return false;
        }
        let own = cx.config.name.clone();
        let accusation = accused.and_then(|slot| membership.accusation(&own, slot));
        let notes = [membership.goodbye(), accusation];
        detector.answer_ping(cx, gossip, membership.members(), question, &notes)
    }

    /// Asks a live member from which something was withheld whether it is there.
    #[cold]
    fn ask_back(&mut self, member: Slot, at: SocketAddr) {
        let Node { cx, membership, detector, .. } = self;
        let members = membership.members();
        if members.entry(member).state().is_live() && detector.may_ask(cx, at) {
            detector.ask(cx, members, member);
        }
    }
}

#[cfg(feature = "encryption")]
#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crate::config::Config;
    use crate::key::Key;
    use crate::keyring::Keyring;
    use crate::output::{Event, Output};
    use crate::time::Instant;

    use super::Node;

    #[test]
    fn a_key_that_wears_out_is_told_of_once() {
        let key = Key::aes(&[7; 16]).unwrap();
        let mut config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        config.keyring = Keyring::new(key.clone());
        let period = config.probe_interval;
        let mut node = Node::new(config, [1; 32], Instant::ORIGIN).unwrap();
        let worn_after = |node: &mut Node, periods: core::ops::Range<u32>| -> Vec<Event> {
            for number in periods {
                node.handle_timeout(Instant::ORIGIN + period * number);
            }
            let outputs = core::iter::from_fn(|| node.poll_output());
            let events = outputs.filter_map(|output| match output {
                Output::Event(event @ Event::KeyWearsOut { .. }) => Some(event),
                _ => None,
            });
            events.collect()
        };
        let half = 1 << 31;
        node.cx.channel.wear_key(half - 1);
        assert_eq!(worn_after(&mut node, 1..3), []);
        node.cx.channel.wear_key(1);
        let told = Event::KeyWearsOut { key: key.fingerprint(), seals: half, members: 1 };
        assert_eq!(worn_after(&mut node, 3..5), [told]);
        node.cx.channel.wear_key(half);
        assert_eq!(worn_after(&mut node, 5..9), []);
    }
}
