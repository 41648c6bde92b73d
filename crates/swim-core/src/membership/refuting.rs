//! This node's answers to news about itself: refutations, outbid leave messages, and other nodes of
//! its name.

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
        // An incarnation that this node never announced belongs to an earlier life, which ended. It
        // is no sign that this node is slow.
        if incarnation == own && claim != State::Left {
            detector.change_health(cx, 1, HealthReason::Accused);
            detector.doubt_own_address(cx);
        }
        self.answer_accuser(cx, accuser.as_str(), news.origin);
        self.answer_contact(cx, news.origin);
        cx.emit(Event::Accused { accuser, claim, incarnation, refuted_with, via: news.via() });
    }

    /// Handles an accusation that is too far above this node's incarnation to be followed. The
    /// accuser holds an earlier life against this node. Sent the current announcement, it answers
    /// with the announcement of that life, which can be outranked.
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

    /// Handles an accusation at the highest incarnation, which no higher one can refute. A member
    /// whose own probe failed sends the accusation in its own packet, and believes this node's own
    /// answer that it is alive. If an earlier life was at that incarnation, this one has to be,
    /// too.
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

    /// Raises the leave message to an incarnation that this node did not know it had, if news is
    /// about that one.
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

    /// Handles stale news about this node.
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

    /// Whether a stale alive at another address is about a namesake.
    ///
    /// In a push/pull it may be about this node's former address. It counts only if this node is a
    /// newcomer, which has announced nothing yet, or if the sender asks for the name and so is
    /// there. A packet always counts: its sender has seen both addresses answer.
    fn is_heeded(&self, config: &Config, news: &News<'_>) -> bool {
        let joins = news.origin.is_first_answer && config.wire == Wire::Swim;
        matches!(news.via(), Via::Packet { .. }) || joins || news.origin.asks
    }

    /// Handles another node of this name. Outbidding it would start a race that nobody wins. A
    /// newcomer waits for it. Any other node first asks whether it is there, because the report may
    /// be old or made up. If it is, the two decide who keeps the name. It is sent this node's
    /// announcement each time, at most once per probe interval.
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
        // It wins in each view that knew it first, and would never hear of this node.
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

    /// Handles an alive update about this node.
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
        // An earlier life announced this; the present announcement has to outrank it.
        self.announce_self(cx, gossip, incarnation.next(), Waiter::Nobody);
        self.own.since_mut().begin_at(incarnation.next());
    }
}
