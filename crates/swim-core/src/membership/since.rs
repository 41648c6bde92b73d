//! Since when this node is known, in incarnations: what was sent by one who did not know of it is
//! none of its business, and may have been recorded before it started.

use core::time::Duration;

use super::Membership;
use crate::context::Context;
use crate::dissemination::{Gossip, Waiter};
use crate::member::Incarnation;
use crate::members::{Entry, Slot};
use crate::status::Status;
use crate::time::Instant;

/// How often a node takes a new incarnation because it has to forget what it took. Each is told to
/// all members, and messages on their way are lost; who may send old messages again could bring it
/// about.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(30);

/// Incarnations are the time in seconds, as a rule. A node goes above those of others up to so far
/// ahead of its own clock: clocks that differ by more are wrong. Without it, one made-up member
/// near the highest incarnation would bring all others there.
const AHEAD_MAX: u64 = 3600;

/// Since when this node is known.
#[derive(Debug)]
pub(super) struct Since {
    /// With which incarnation the node started, and when.
    started: (Incarnation, Instant),
    /// The first incarnation of this life, or of what it remembers of it: who sends a message says
    /// which one it knows.
    first: Incarnation,
    /// Who knows of this node, knows somebody with this incarnation.
    known: Incarnation,
    /// Those whom this node knows have told it, so that `known` is above all that was before.
    settled: bool,
    /// When all that was taken may be forgotten again.
    next_renewal: Option<Instant>,
}

impl Since {
    pub(super) fn new(incarnation: Incarnation, now: Instant) -> Self {
        Since {
            started: (incarnation, now),
            first: incarnation,
            // Somebody else may have started in the same second, a little earlier.
            known: incarnation.next(),
            settled: false,
            next_renewal: None,
        }
    }

    /// Whether this is the incarnation of somebody else whose clock may be right.
    fn is_credible(&self, incarnation: Incarnation, now: Instant) -> bool {
        let (started_with, started) = self.started;
        let clock = u64::from(started_with.0) + (now - started).as_secs();
        u64::from(incarnation.0) <= clock + AHEAD_MAX
    }

    /// An earlier life had this incarnation at least.
    pub(super) fn begin_at(&mut self, incarnation: Incarnation) {
        self.first = self.first.max(incarnation);
    }
}

impl Membership {
    /// The first incarnation of this life of the node, as far as its messages and those to it are
    /// told apart: higher than that of any life before.
    #[inline]
    pub(crate) fn life(&self) -> Incarnation {
        self.own.since().first
    }

    /// Whether a message was sent to this life of the node: to none before, of which it has no
    /// memory, and which may have been at a higher incarnation.
    pub(crate) fn is_in_this_life(&self, incarnation: Incarnation) -> bool {
        let own = self.members.entry(Slot::LOCAL).incarnation();
        (self.life()..=own).contains(&incarnation)
    }

    /// Whether one who knew somebody of this incarnation can have known of this node.
    #[inline]
    pub(crate) fn is_since(&self, known: Incarnation) -> bool {
        known >= self.own.since().known
    }

    /// Another node has told all that it knows. If it answered a question of this node (`now`), it
    /// is no recording: from here on this node is above all that others knew before, so that who
    /// knows of it is told from who does not. Until then it guesses, by its clock.
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

    /// Whether this node may forget now what it took of others' messages and broadcasts.
    pub(crate) fn may_forget(&self, now: Instant) -> bool {
        self.announces_itself() && self.own.since().next_renewal.is_none_or(|at| at <= now)
    }

    /// Whether this node takes part under its name.
    #[inline]
    pub(crate) fn announces_itself(&self) -> bool {
        self.status() == Status::Running && !self.waits_for_name()
    }

    /// Takes an incarnation above all others, so that nothing of what this node has forgotten can
    /// be taken for new.
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
