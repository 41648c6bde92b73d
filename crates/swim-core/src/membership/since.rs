//! Since when this node is known, in incarnations. A message from a sender that did not know this
//! node is not for it, and may have been recorded before it started.

use core::time::Duration;

use super::Membership;
use crate::context::Context;
use crate::dissemination::{Gossip, Waiter};
use crate::member::Incarnation;
use crate::members::{Entry, Slot};
use crate::status::Status;
use crate::time::Instant;

/// Minimum time between incarnations that a node takes because it has to forget which messages it
/// took. Each is gossiped to all members, and messages in flight are lost. An attacker that replays
/// old messages could force it.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(30);

/// Incarnations are usually the time in seconds. A node goes above those of peers only up to this
/// far ahead of its own clock: clocks that differ by more are wrong. Otherwise one made-up member
/// near the highest incarnation would drag all other members there.
const AHEAD_MAX: u64 = 3600;

/// Since when this node is known.
#[derive(Debug)]
pub(super) struct Since {
    /// The incarnation with which the node started, and when.
    started: (Incarnation, Instant),
    /// The first incarnation of this life, or of the part that it remembers. Senders of messages
    /// state the incarnation that they know.
    first: Incarnation,
    /// A peer that knows this node knows some member at this incarnation or above.
    known: Incarnation,
    /// A peer has sent its table, so that `known` is above everything before.
    settled: bool,
    /// When everything taken may be forgotten again.
    next_renewal: Option<Instant>,
}

impl Since {
    pub(super) fn new(incarnation: Incarnation, now: Instant) -> Self {
        Since {
            started: (incarnation, now),
            first: incarnation,
            // Another node may have started in the same second, a little earlier.
            known: incarnation.next(),
            settled: false,
            next_renewal: None,
        }
    }

    /// Whether a member whose clock is right can have this incarnation.
    fn is_credible(&self, incarnation: Incarnation, now: Instant) -> bool {
        let (started_with, started) = self.started;
        let clock = u64::from(started_with.0) + (now - started).as_secs();
        u64::from(incarnation.0) <= clock + AHEAD_MAX
    }

    /// Begins this life at `incarnation` or above, because an earlier life reached the one before.
    pub(super) fn begin_at(&mut self, incarnation: Incarnation) {
        self.first = self.first.max(incarnation);
    }
}

impl Membership {
    /// The first incarnation of this life, above those of earlier lives. It separates their
    /// messages from those of this life.
    #[inline]
    pub(crate) fn life(&self) -> Incarnation {
        self.own.since().first
    }

    /// Whether a message was sent to this life. An earlier one, of which this node has no memory,
    /// may have had a higher incarnation.
    pub(crate) fn is_in_this_life(&self, incarnation: Incarnation) -> bool {
        let own = self.members.entry(Slot::LOCAL).incarnation();
        (self.life()..=own).contains(&incarnation)
    }

    /// Whether a sender that knew a member at this incarnation can have known this node.
    #[inline]
    pub(crate) fn is_since(&self, known: Incarnation) -> bool {
        known >= self.own.since().known
    }

    /// Handles the table of another node. If it answers a question of this node (`now`), it is no
    /// recording. This node then goes above every incarnation known before, which separates senders
    /// that know it from those that do not. Until then it guesses by its clock.
    pub(crate) fn settle_since(&mut self, cx: &mut Context, gossip: &mut Gossip, now: bool) {
        let (own, since) = (self.members.entry(Slot::LOCAL).incarnation(), self.own.since());
        if since.settled || !self.announces_itself() {
            return;
        }
        let rises_to = if now {
            let others = self.members.iter().skip(1).map(Entry::incarnation);
            let highest = others.filter(|&it| since.is_credible(it, cx.now())).max();
            own.max(highest.unwrap_or_default().next())
        } else {
            own.max(since.known)
        };
        if rises_to > own {
            self.announce_self(cx, gossip, rises_to, Waiter::Nobody);
        }
        if now {
            let since = self.own.since_mut();
            (since.known, since.settled) = (rises_to, true);
        }
    }

    /// Whether this node may now forget which messages and broadcasts it took.
    pub(crate) fn may_forget(&self, now: Instant) -> bool {
        self.announces_itself() && self.own.since().next_renewal.is_none_or(|at| at <= now)
    }

    /// Whether this node takes part under its name.
    #[inline]
    pub(crate) fn announces_itself(&self) -> bool {
        self.status() == Status::Running && !self.waits_for_name()
    }

    /// Takes an incarnation above all others, so that nothing forgotten can be taken for new.
    pub(crate) fn renew(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        let own = self.members.entry(Slot::LOCAL).incarnation();
        let highest = self.members.highest();
        let is_credible = self.own.since().is_credible(highest, cx.now());
        let incarnation = if is_credible { highest.next() } else { own.next() };
        self.announce_self(cx, gossip, incarnation, Waiter::Nobody);
        let since = self.own.since_mut();
        (since.first, since.known) = (incarnation, incarnation);
        since.next_renewal = Some(cx.now() + RENEWAL_INTERVAL);
    }
}
