//! Accusations reach the accused: what is held against a member is told to it, so that it can
//! refute, and an accusation about a stranger is passed on, so that somebody may know it.

use alloc::collections::VecDeque;
use core::net::SocketAddr;
use core::time::Duration;

use crate::budget::Budget;
use crate::gossip::{Ticket, Tier};
use crate::member::State;
use crate::node::Node;
use crate::output::Via;
use crate::packet;
use crate::pages::Slot;
use crate::stats::DropReason;
use crate::time::Instant;
use crate::wire::{Claim, Message, Update, Wire};

/// Packets that tell a member what is believed of it, per second and at once. A healed partition
/// causes one for each member of the other half; a stranger that sends old news can cause no more.
const TELLINGS: Budget = Budget::new(64, Duration::from_millis(20));

/// How many (whom, when) are remembered so that nobody is told the same thing all the time.
const TOLD_MAX: usize = 64;

/// Accusations about unknown members passed on, per second and at once.
const HEARSAY: Budget = Budget::new(32, Duration::from_millis(250));

/// How many (name, incarnation) of such accusations are remembered. While all places are taken
/// further ones are dropped: to make room by forgetting would let a flood circulate for ever.
const HEARSAY_MAX: usize = 1024;

/// What was told and passed on lately.
#[derive(Debug)]
pub(crate) struct Evidence {
    tellings: Budget,
    told: VecDeque<(Instant, SocketAddr)>,
    hearsay: Budget,
    passed_on: VecDeque<(Instant, u64, u32)>,
}

impl Default for Evidence {
    fn default() -> Self {
        Evidence {
            tellings: TELLINGS,
            told: VecDeque::new(),
            hearsay: HEARSAY,
            passed_on: VecDeque::new(),
        }
    }
}

impl Evidence {
    /// Whether `to` may be told something now; the same address not again within `quiet`.
    pub(crate) fn may_tell(&mut self, now: Instant, to: SocketAddr, quiet: Duration) -> bool {
        while self.told.front().is_some_and(|&(at, _)| at + quiet <= now) {
            self.told.pop_front();
        }
        if to.ip().is_unspecified() || to.port() == 0 {
            return false;
        }
        if self.told.iter().any(|&(_, address)| address == to) || !self.tellings.take(now) {
            return false;
        }
        if self.told.len() == TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back((now, to));
        true
    }

    /// Whether an accusation about an unknown member is news that may be passed on.
    fn may_pass_on(&mut self, now: Instant, name: u64, incarnation: u32, quiet: Duration) -> bool {
        while self.passed_on.front().is_some_and(|&(at, ..)| at + quiet <= now) {
            self.passed_on.pop_front();
        }
        let known = self.passed_on.iter().any(|&(_, n, i)| (n, i) == (name, incarnation));
        if known || self.passed_on.len() >= HEARSAY_MAX || !self.hearsay.take(now) {
            return false;
        }
        self.passed_on.push_back((now, name, incarnation));
        true
    }
}

impl Node {
    /// Tells whoever announces itself at `to` what this node holds against it. Never by gossip, and
    /// rate-limited: an accused that lives refutes, and nobody else is bothered.
    pub(crate) fn tell_accused(&mut self, slot: Slot, to: SocketAddr) {
        let now = self.now();
        if !self.evidence.may_tell(now, to, self.config.probe_interval) {
            return;
        }
        let entry = self.members.entry(slot);
        let own = self.config.name.as_str();
        let claim = match entry.state() {
            State::Alive => return,
            State::Suspect => Claim::Suspect { accuser: own },
            State::Failed => Claim::Failed { accuser: own },
            State::Left => Claim::Left,
        };
        let update = Update { name: entry.name(), incarnation: entry.incarnation(), claim };
        let message = Message::Update(update);
        self.draft.begin(&self.config);
        self.draft.append(&message);
        let kind = message.kind();
        self.count_sent(kind);
        self.flush_packet(to);
    }

    /// Answers an accuser directly that this node is alive: gossip may not reach it, if it and all
    /// it knows hold this node for gone, and where datagrams are lost it may have missed the
    /// refutation. Only an accuser that is known at that address gets an answer, as it is larger
    /// than the accusation; it is the one named, or the one that repeats the accusation with a
    /// ping.
    pub(crate) fn answer_accuser(&mut self, accuser: &str, via: Via) {
        if let Via::Packet { from } = via
            && self.is_accuser(accuser, via)
            && self.evidence.may_tell(self.now(), from, self.config.gossip_interval)
        {
            self.tell_about(Slot::LOCAL, from);
        }
    }

    /// Whether an accusation came from the accuser's own address.
    pub(crate) fn is_accuser(&self, accuser: &str, via: Via) -> bool {
        let accuser = self.packet_source.or_else(|| self.members.find(accuser));
        accuser
            .is_some_and(|slot| via == (Via::Packet { from: self.members.entry(slot).address() }))
    }

    /// Sends what is known of a member to one address, as an alive.
    pub(crate) fn tell_about(&mut self, slot: Slot, to: SocketAddr) {
        let entry = self.members.entry(slot);
        let claim = Claim::Alive {
            address: entry.announced_address(),
            meta: entry.meta(),
            versions: entry.versions(),
        };
        let update = Update { name: entry.name(), incarnation: entry.incarnation(), claim };
        let message = Message::Update(update);
        self.draft.begin(&self.config);
        self.draft.append(&message);
        let kind = message.kind();
        self.count_sent(kind);
        self.flush_packet(to);
    }

    /// Tells an address, rate-limited, what is known of a member.
    pub(crate) fn tell_about_limited(&mut self, slot: Slot, to: SocketAddr) {
        if self.evidence.may_tell(self.now(), to, self.config.probe_interval) {
            self.tell_about(slot, to);
        }
    }

    /// An accusation about a member that this node does not know. It is not believed, only passed
    /// on, once: somebody may know the accused, or be it.
    ///
    /// Not on memberlist's wire: its nodes believe an accusation of whomever they know, also of one
    /// that was restarted since and is alive.
    pub(crate) fn pass_on_hearsay(&mut self, update: &Update<'_>, via: Via) {
        self.drop_quietly(DropReason::UnknownMember);
        if self.config.wire == Wire::Memberlist {
            return;
        }
        // In a push/pull it is what the sender holds of everybody it ever lost: no news.
        if !matches!(via, Via::Packet { .. }) {
            return;
        }
        let name = self.members.name_key(update.name);
        let (now, quiet) = (self.now(), self.config.gossip_to_the_dead);
        let room = self.updates.len() < self.config.update_queue_max;
        if !room || !self.evidence.may_pass_on(now, name, update.incarnation.0, quiet) {
            return;
        }
        let message = Message::Update(*update);
        let ticket = Ticket { subject: None, kind: message.kind(), request: None };
        self.updates.push(packet::encoded(self.config.wire, &message), Tier::Normal, ticket);
        self.arm_gossip();
    }
}
