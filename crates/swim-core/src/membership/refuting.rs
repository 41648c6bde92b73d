//! How this node answers what others say of it: refutations, goodbyes that were outbid, and other
//! nodes of its name.

use core::net::SocketAddr;

use super::{Membership, News};
use crate::address::canonical;
use crate::config::Config;
use crate::context::Context;
use crate::detection::Detector;
use crate::dissemination::{Gossip, Waiter};
use crate::member::{Incarnation, Name, State, Versions};
use crate::members::Slot;
use crate::output::{Event, HealthReason, Via};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::status::Status;
use crate::wire::{Claim, Update, Wire};

impl Membership {
    /// Weighs news about this node itself.
    pub(super) fn receive_own_update(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        news: &News<'_>,
    ) {
        let update = news.update;
        let own = self.members.entry(Slot::LOCAL).incarnation();
        if self.status() != Status::Running {
            return self.repeat_goodbye(cx, gossip, update);
        }
        if self.waits_for_name() {
            return self.receive_while_waiting(cx, gossip, news);
        }
        if update.incarnation < own {
            return self.receive_own_stale(cx, detector, news);
        }
        let (accuser, claim) = match update.claim {
            Claim::Alive { address, meta, versions } => {
                return self.receive_own_alive(
                    cx,
                    gossip,
                    detector,
                    news,
                    (address, meta, versions),
                );
            }
            Claim::Suspect { accuser } => (Name::trusted(accuser), State::Suspect),
            Claim::Failed { accuser } => (Name::trusted(accuser), State::Failed),
            Claim::Left => (cx.config.name.clone(), State::Left),
        };
        if claim == State::Failed && cx.config.breaks(Sabotage::BelievesItsDeath) {
            return self.members.set_state(cx.now(), Slot::LOCAL, State::Failed);
        }
        let incarnation = update.incarnation;
        let refuted_with = incarnation.next();
        self.announce_self(cx, gossip, refuted_with, Waiter::Nobody);
        if incarnation > own {
            self.own.since_mut().begin_at(refuted_with);
        }
        cx.stats.accusations_refuted += 1;
        // An incarnation that this node never announced was that of an earlier life, which ended:
        // no sign that this node is slow.
        if incarnation == own && claim != State::Left {
            detector.change_health(cx, 1, HealthReason::Accused);
            detector.doubt_own_address(cx);
        }
        self.answer_accuser(cx, accuser.as_str(), news.origin);
        self.answer_contact(cx, news.origin);
        cx.emit(Event::Accused { accuser, claim, incarnation, refuted_with, via: news.via() });
    }

    /// An accusation of this node that is so far above it that it is not followed. A member that
    /// accuses it so holds an earlier life of it against it: told of this one, it says what that
    /// one announced, which can be outranked.
    pub(super) fn receive_own_jump(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        news: &News<'_>,
    ) {
        if news.update.incarnation == Incarnation::MAX {
            return self.receive_own_exhausted(cx, gossip, news);
        }
        if let Claim::Suspect { accuser } | Claim::Failed { accuser } = news.update.claim
            && self.announces_itself()
            && !cx.config.breaks(Sabotage::TellsAccusationsAlone)
        {
            self.answer_accuser(cx, accuser, news.origin);
        }
    }

    /// An accusation of this node at the highest incarnation, where it cannot be refuted by a
    /// higher one. A member that goes by its own probes says so in a packet of its own, and
    /// believes this node when it says itself that it is alive. If it was an earlier life that was
    /// so high, this one has to be, too.
    fn receive_own_exhausted(&mut self, cx: &mut Context, gossip: &mut Gossip, news: &News<'_>) {
        let accuser = match news.update.claim {
            Claim::Suspect { accuser } | Claim::Failed { accuser } => accuser,
            Claim::Left | Claim::Alive { .. } => return,
        };
        if !self.announces_itself() || self.accuser(accuser, news.origin).is_none() {
            return;
        }
        if self.members.entry(Slot::LOCAL).incarnation() < Incarnation::MAX {
            self.announce_self(cx, gossip, Incarnation::MAX, Waiter::Nobody);
        }
        self.answer_accuser(cx, accuser, news.origin);
    }

    /// This node is leaving or has left, but somebody believes otherwise of an incarnation that it
    /// did not know it had: the goodbye has to outrank that too.
    fn repeat_goodbye(&mut self, cx: &mut Context, gossip: &mut Gossip, update: &Update<'_>) {
        let own = self.members.entry(Slot::LOCAL).incarnation();
        cx.drop_quietly(DropReason::Stale);
        if update.incarnation <= own {
            return;
        }
        self.members.set_incarnation(Slot::LOCAL, update.incarnation);
        if self.status() == Status::Leaving {
            self.queue_goodbye(cx, gossip);
        }
    }

    /// Old news about this node itself.
    fn receive_own_stale(&mut self, cx: &mut Context, detector: &mut Detector, news: &News<'_>) {
        match news.update.claim {
            Claim::Alive { address, .. }
                if !cx.config.is_own_address(address) && self.is_heeded(&cx.config, news) =>
            {
                self.note_namesake(cx, detector, (address, news.update.incarnation), news);
            }
            Claim::Suspect { accuser } | Claim::Failed { accuser } => {
                cx.drop_quietly(DropReason::Stale);
                self.answer_accuser(cx, accuser, news.origin);
            }
            Claim::Left => {
                cx.drop_quietly(DropReason::Stale);
                let own = cx.config.name.clone();
                self.answer_accuser(cx, own.as_str(), news.origin);
            }
            Claim::Alive { .. } => cx.drop_quietly(DropReason::Stale),
        }
    }

    /// Whether an alive at another address, older than what this node announced last, is about a
    /// namesake. Where it comes in a push/pull it may well be where this node lived before; but a
    /// newcomer has announced nothing yet, and a node that asks is there. Somebody who tells it by
    /// packet has seen that both addresses answer.
    fn is_heeded(&self, config: &Config, news: &News<'_>) -> bool {
        let joins = news.origin.is_first_answer && config.wire == Wire::Swim;
        matches!(news.via(), Via::Packet { .. }) || joins || news.origin.asks
    }

    /// Another node with this name. To outbid it would start a race that nobody wins. A newcomer
    /// waits for it. Otherwise it is asked first whether it is there, since what is told of it may
    /// be old, or made up; if it is, the two decide who keeps the name. It is told of this node
    /// each time, but at most once per probe interval.
    fn note_namesake(
        &mut self,
        cx: &mut Context,
        detector: &mut Detector,
        (address, incarnation): (SocketAddr, Incarnation),
        news: &News<'_>,
    ) {
        let address = canonical(address);
        cx.drop_quietly(DropReason::AddressConflict);
        if news.origin.is_first_answer && cx.config.wire == Wire::Swim {
            return self.find_name_held(cx, (address, incarnation), news);
        }
        self.own.note_claimed(incarnation);
        let local = self.members.entry(Slot::LOCAL);
        let outranks = (incarnation, address) > (local.incarnation(), local.address());
        // It wins wherever it was known first, and would never hear of this node.
        if (outranks || cx.config.wire == Wire::Swim)
            && !news.origin.asks
            && self.may_tell(cx, None, address, cx.config.probe_interval)
        {
            if self.opens_contest(cx, address).is_some() {
                detector.send_check(cx, &self.members, Slot::LOCAL, address);
            }
            self.tell_about(cx, Slot::LOCAL, address);
        }
        self.report_name_taken(cx, address, news.via());
    }

    /// Somebody passes on an alive about this node.
    fn receive_own_alive(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        news: &News<'_>,
        (address, meta, versions): (SocketAddr, &[u8], Versions),
    ) {
        let incarnation = news.update.incarnation;
        if !cx.config.is_own_address(address) {
            return self.note_namesake(cx, detector, (address, incarnation), news);
        }
        let local = self.members.entry(Slot::LOCAL);
        if incarnation == local.incarnation() && local.announces(address, meta, versions) {
            return cx.drop_quietly(DropReason::Stale);
        }
        // What an earlier life of this node announced: what it announces now has to outrank it.
        self.announce_self(cx, gossip, incarnation.next(), Waiter::Nobody);
        self.own.since_mut().begin_at(incarnation.next());
    }
}
