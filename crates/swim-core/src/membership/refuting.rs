//! How this node answers what others say of it: refutations, goodbyes that were outbid, and other
//! nodes of its name.

use core::net::SocketAddr;

use super::{Membership, News, Origin};
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
use crate::wire::{Claim, Update};

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
        if self.is_about_namesake(&cx.config, claim == State::Suspect) {
            return cx.drop_quietly(DropReason::AddressConflict);
        }
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
            && self.status() == Status::Running
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
        let suspected = matches!(news.update.claim, Claim::Suspect { .. });
        if self.status() != Status::Running
            || self.accuser(accuser, news.origin).is_none()
            || self.is_about_namesake(&cx.config, suspected)
        {
            return;
        }
        if self.members.entry(Slot::LOCAL).incarnation() < Incarnation::MAX {
            self.announce_self(cx, gossip, Incarnation::MAX, Waiter::Nobody);
        }
        self.answer_accuser(cx, accuser, news.origin);
    }

    /// Whether an accusation is about the other node of this name: while that one has the name, the
    /// suspect is the other. Once that one is gone the name is free.
    fn is_about_namesake(&mut self, config: &Config, suspected: bool) -> bool {
        if !self.own.is_outranked() {
            return false;
        }
        if config.breaks(Sabotage::GivesUpItsName) {
            return true;
        }
        if !suspected {
            self.own.namesake_is_gone();
        }
        suspected
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
            // Where it comes in a push/pull it may well be where this node lived before. Somebody
            // who tells it by packet has seen that both addresses answer.
            Claim::Alive { address, .. }
                if !cx.config.is_own_address(address)
                    && matches!(news.via(), Via::Packet { .. }) =>
            {
                self.note_namesake(cx, detector, news.update.incarnation, address, news.origin);
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

    /// Another node with this name. To outbid it would start a race that nobody wins. If it
    /// outranks this one it is asked first whether it is there: what is told of it may be old, or
    /// made up. It is told of this node each time, but at most once per probe interval.
    fn note_namesake(
        &mut self,
        cx: &mut Context,
        detector: &mut Detector,
        incarnation: Incarnation,
        address: SocketAddr,
        origin: Origin,
    ) {
        let address = canonical(address);
        self.own.note_claimed(incarnation);
        let local = self.members.entry(Slot::LOCAL);
        if (incarnation, address) <= (local.incarnation(), local.address()) {
            self.own.set_outranked(false);
        } else {
            self.ask_namesake(cx, detector, address);
        }
        if self.own.note_namesake(cx.now(), address, cx.config.probe_interval) {
            cx.emit(Event::NameTaken { address, via: origin.via });
        }
        cx.drop_quietly(DropReason::AddressConflict);
    }

    /// Asks who outranks this node whether it is there, and tells it that there are two of them: it
    /// wins wherever it was known first, and would never hear of it.
    fn ask_namesake(&mut self, cx: &mut Context, detector: &mut Detector, address: SocketAddr) {
        if self.may_tell(cx, None, address, cx.config.probe_interval) {
            detector.send_check(cx, &self.members, Slot::LOCAL, address);
            self.tell_about(cx, Slot::LOCAL, address);
        }
    }

    /// The namesake that outranks this node is there: this node announces nothing any more.
    pub(super) fn namesake_answered(&mut self) {
        self.own.set_outranked(true);
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
            return self.note_namesake(cx, detector, incarnation, address, news.origin);
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
