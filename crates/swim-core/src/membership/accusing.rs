//! Accusations: suspicions, their confirmations, failures declared here or elsewhere, and
//! departures.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Membership, News, Origin};
use crate::context::Context;
use crate::detection::{Accusation, Detector};
use crate::dissemination::{Gossip, Tier};
use crate::member::{Belief, Name, State, Verdict, supersedes};
use crate::members::Slot;
use crate::output::{Event, Via};
use crate::stats::DropReason;
use crate::time::Instant;
use crate::wire::{Claim, Update, Wire};

impl Membership {
    /// This node's own probe failed: it accuses the target.
    pub(crate) fn accuse(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        accusation: Accusation,
    ) {
        let Accusation { target, incarnation } = accusation;
        let name = Name::trusted(self.members.entry(target).name());
        let own = cx.config.name.clone();
        let claim = Claim::Suspect { accuser: own.as_str() };
        let update = Update { name: name.as_str(), incarnation, claim };
        self.receive_update(cx, gossip, detector, &News::new(&update, Origin::OWN));
    }

    pub(super) fn receive_suspect(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        known: Option<Slot>,
        news: &News<'_>,
        accuser: &str,
    ) {
        let Some(slot) = known else {
            return self.pass_on_hearsay(cx, gossip, news);
        };
        let incarnation = news.update.incarnation;
        let before = self.members.entry(slot).belief();
        match supersedes(Belief::new(State::Suspect, incarnation), before) {
            Verdict::Adopt => self.suspect(cx, gossip, slot, news, accuser),
            // It refuted the old suspicion, if only to others: this is another one, with its own
            // time and its own accusers.
            Verdict::Raise if self.suspicions.end(slot).is_some() => {
                self.suspect(cx, gossip, slot, news, accuser);
            }
            Verdict::Raise => {
                self.members.set_incarnation(slot, incarnation);
                self.pass_on_raised(cx, gossip, slot, news);
            }
            Verdict::Ignore if before.incarnation == incarnation => {
                self.confirm(cx, gossip, slot, news, accuser);
            }
            Verdict::Ignore => cx.drop_quietly(DropReason::Stale),
        }
    }

    fn suspect(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        news: &News<'_>,
        accuser: &str,
    ) {
        let via = news.via();
        let timeouts = cx.config.suspicion_timeouts(self.members.live());
        let accuser = Name::trusted(accuser);
        self.members.set_incarnation(slot, news.update.incarnation);
        self.members.set_state(cx.now(), slot, State::Suspect);
        self.suspicions.start(cx.now(), slot, accuser.clone(), timeouts);
        if !matches!(via, Via::PushPull { .. }) {
            self.pass_on(cx, gossip, slot, news, Tier::Normal);
        }
        if via == Via::Own {
            cx.stats.suspicions_raised += 1;
        }
        let member = self.members.entry(slot).view().to_member();
        let (timeout_min, timeout_max) = (timeouts.min, timeouts.max);
        cx.emit(Event::Suspected { member, accuser, timeout_min, timeout_max, via });
    }

    /// Somebody else suspects a suspect too.
    fn confirm(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        news: &News<'_>,
        accuser: &str,
    ) {
        let via = news.via();
        if let Via::PushPull { .. } = via {
            // Whoever sends its table need not have probed the suspect itself.
            return cx.drop_quietly(DropReason::Stale);
        }
        let now = cx.now();
        let Some(suspicion) = self.suspicions.confirm(slot, accuser) else {
            let suspect = self.members.entry(slot).state() == State::Suspect;
            if suspect && via == Via::Own && self.members.peers() > 1 {
                // Said before, but in a small cluster a few transmissions may have reached nobody
                // but the suspect.
                self.pass_on(cx, gossip, slot, news, Tier::Normal);
            }
            return cx.drop_quietly(DropReason::Stale);
        };
        let event = Event::Confirmed {
            name: Name::trusted(news.update.name),
            accuser: Name::trusted(accuser),
            confirmations: suspicion.confirmations(),
            remaining: suspicion.deadline() - now,
            via,
        };
        self.pass_on(cx, gossip, slot, news, Tier::Normal);
        cx.emit(event);
    }

    pub(super) fn receive_failed(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        known: Option<Slot>,
        news: &News<'_>,
        accuser: &str,
    ) {
        let Some(slot) = known else {
            return self.pass_on_hearsay(cx, gossip, news);
        };
        let claim = Belief::new(State::Failed, news.update.incarnation);
        if !self.raise_or_adopt(cx, gossip, slot, claim, news) {
            return;
        }
        let suspicion = self.suspicions.end(slot);
        let now = cx.now();
        self.members.set_state(now, slot, State::Failed);
        self.pass_on(cx, gossip, slot, news, Tier::Normal);
        let (accusers, suspected_for) =
            suspicion.map_or((Vec::new(), Duration::ZERO), |suspicion| {
                let suspected_for = now - suspicion.started();
                (suspicion.into_accusers(), suspected_for)
            });
        let member = self.members.entry(slot).view().to_member();
        let declared_by = Name::trusted(accuser);
        cx.emit(Event::Failed { member, declared_by, accusers, suspected_for, via: news.via() });
        self.release_name(cx, gossip, slot, news.origin);
    }

    pub(super) fn receive_left(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        known: Option<Slot>,
        news: &News<'_>,
    ) {
        let Some(slot) = known else {
            return cx.drop_quietly(DropReason::UnknownMember);
        };
        let via = news.via();
        let entry = self.members.entry(slot);
        let (previous, address) = (entry.state(), entry.address());
        let claim = Belief::new(State::Left, news.update.incarnation);
        if previous.is_live()
            && claim.incarnation < entry.incarnation()
            && via == (Via::Packet { from: address })
        {
            // It restarted and does not know how high its incarnation was: nobody heeds its
            // goodbye.
            self.tell_about_limited(cx, slot, address);
        }
        if !self.raise_or_adopt(cx, gossip, slot, claim, news) {
            return;
        }
        self.suspicions.end(slot);
        self.members.set_state(cx.now(), slot, State::Left);
        self.settle_without_audience(cx, gossip);
        self.pass_on(cx, gossip, slot, news, Tier::Urgent);
        let member = self.members.entry(slot).view().to_member();
        cx.emit(Event::Left { member, previous, via });
        self.release_name(cx, gossip, slot, news.origin);
    }

    /// Weighs a claim that ends a membership. Whatever raises the incarnation is kept and passed
    /// on; returns whether the state is to change too.
    fn raise_or_adopt(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        claim: Belief,
        news: &News<'_>,
    ) -> bool {
        let verdict = supersedes(claim, self.members.entry(slot).belief());
        if verdict == Verdict::Ignore {
            cx.drop_quietly(DropReason::Stale);
            return false;
        }
        self.members.set_incarnation(slot, claim.incarnation);
        if verdict == Verdict::Raise {
            self.pass_on_raised(cx, gossip, slot, news);
        } else if self.members.entry(slot).is_lost() {
            // It is not listed any more: a change of the evidence, but no news.
            self.members.set_state(cx.now(), slot, claim.state);
            self.members.lose(slot);
            return false;
        }
        verdict == Verdict::Adopt
    }

    /// Passes on a claim that raised what is known of an incarnation.
    fn pass_on_raised(&self, cx: &mut Context, gossip: &mut Gossip, slot: Slot, news: &News<'_>) {
        if !self.members.entry(slot).is_lost() {
            self.pass_on(cx, gossip, slot, news, Tier::Normal);
        }
    }

    /// Declares those failed whose time to refute is over.
    pub(crate) fn end_suspicions(&mut self, cx: &mut Context, gossip: &mut Gossip, now: Instant) {
        while let Some((at, slot)) = self.suspicions.next()
            && at <= now
        {
            cx.stats.failures_declared += 1;
            let entry = self.members.entry(slot);
            let (name, incarnation) = (Name::trusted(entry.name()), entry.incarnation());
            let own = cx.config.name.clone();
            let claim = Claim::Failed { accuser: own.as_str() };
            let update = Update { name: name.as_str(), incarnation, claim };
            let news = News::new(&update, Origin::OWN);
            self.receive_failed(cx, gossip, Some(slot), &news, own.as_str());
        }
    }

    // Last calls: a suspect is told over a stream that it is one, and asked what it has to say.

    /// A suspect that is to be called now, if any is due; call it again until it returns none.
    pub(crate) fn take_last_call(&mut self, cx: &Context, now: Instant) -> Option<Slot> {
        while let Some(suspect) = self.suspicions.take_last_call(now) {
            if cx.config.last_call && self.may_call(cx, suspect) {
                return Some(suspect);
            }
        }
        None
    }

    /// On memberlist's wire the answer is a whole table: there only those ask whose own probes
    /// failed.
    fn may_call(&self, cx: &Context, suspect: Slot) -> bool {
        cx.config.wire == Wire::Swim
            || self.suspicions.get(suspect).is_some_and(|s| s.is_accused_by(&cx.config.name))
    }

    /// Says once more what this node said alone so far. Where it loses datagrams itself nobody may
    /// have heard it, neither the suspect nor those to whom it would come as a failure in the end.
    pub(crate) fn repeat_lone_suspicion(
        &self,
        cx: &mut Context,
        gossip: &mut Gossip,
        suspect: Slot,
    ) {
        let own = cx.config.name.clone();
        if !self.suspicions.get(suspect).is_some_and(|s| s.is_accused_only_by(&own)) {
            return;
        }
        let entry = self.members.entry(suspect);
        let claim = Claim::Suspect { accuser: own.as_str() };
        let update = Update { name: entry.name(), incarnation: entry.incarnation(), claim };
        self.pass_on(cx, gossip, suspect, &News::new(&update, Origin::OWN), Tier::Normal);
    }
}
