//! Accusations: suspicions, their confirmations, failures declared here or elsewhere, and
//! departures.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::suspicion::{Suspicion, Terms};
use super::{Membership, News, Origin};
use crate::context::Context;
use crate::detection::{Accusation, Detector};
use crate::dissemination::{Gossip, Tier};
use crate::member::{Belief, Name, State, Verdict, supersedes};
use crate::members::Slot;
use crate::output::{Event, Via};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::time::Instant;
use crate::wire::{Claim, Update, Wire};

impl Membership {
    /// Accuses the target of this node's own failed probe.
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
        let verdict = supersedes(Belief::new(State::Suspect, incarnation), before);
        let confirms = verdict == Verdict::Ignore && before.incarnation == incarnation;
        if (confirms || verdict != Verdict::Ignore)
            && !self.may_accuse(cx, slot, news, accuser, confirms)
        {
            return cx.drop_quietly(DropReason::FailedAccuser);
        }
        match verdict {
            Verdict::Adopt => self.suspect(cx, gossip, slot, news, accuser),
            // The member refuted the old suspicion, perhaps unheard by this node. This is a new
            // one, with its own deadline and accusers.
            Verdict::Raise if self.suspicions.end(slot).is_some() => {
                self.suspect(cx, gossip, slot, news, accuser);
            }
            Verdict::Raise => {
                self.members.set_incarnation(slot, incarnation);
                self.pass_on_raised(cx, gossip, slot, news);
            }
            Verdict::Ignore if confirms => {
                self.confirm(cx, gossip, slot, news, accuser);
            }
            Verdict::Ignore => cx.drop_quietly(DropReason::Stale),
        }
    }

    /// Whether an accusation by this accuser counts against a live member.
    ///
    /// A failed accuser does not count, because a node that is cut off suspects everybody. It is
    /// sent what is held against it, and can accuse again once it is back. An unknown accuser may
    /// start a suspicion, since it may be unknown only here, but may not confirm one (`ripens`). A
    /// departed accuser counts: it may have accused before it left.
    fn may_accuse(
        &mut self,
        cx: &mut Context,
        suspect: Slot,
        news: &News<'_>,
        accuser: &str,
        ripens: bool,
    ) -> bool {
        if news.via() == Via::Own
            || !self.members.entry(suspect).state().is_live()
            || cx.config.breaks(Sabotage::BelievesTheFailed)
        {
            return true;
        }
        let Some(slot) = self.members.find(accuser) else {
            return !ripens;
        };
        let accuser = self.members.entry(slot);
        let (failed, address) = (accuser.state() == State::Failed, accuser.address());
        if failed && news.via() == (Via::Packet { from: address }) {
            let incarnation = accuser.incarnation();
            self.tell_accused(cx, slot, (incarnation, address));
        }
        !failed
    }

    fn suspect(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        news: &News<'_>,
        accuser: &str,
    ) {
        let (now, via) = (cx.now(), news.via());
        let terms = Terms::new(&cx.config, self.members.live());
        let (accuser, is_own) = (Name::trusted(accuser), via == Via::Own);
        self.members.set_incarnation(slot, news.update.incarnation);
        self.members.set_state(now, slot, State::Suspect);
        self.suspicions.start(now, slot, (accuser.clone(), is_own), terms, &mut cx.random);
        if !matches!(via, Via::PushPull { .. }) {
            self.pass_on(cx, gossip, slot, news, Tier::Normal);
        }
        if via == Via::Own {
            cx.stats.suspicions_raised += 1;
        }
        if self.is_hidden(slot) {
            return;
        }
        let member = self.members.entry(slot).view().to_member();
        let (timeout_min, timeout_max) = (terms.timeouts.min, terms.timeouts.max);
        cx.emit(Event::Suspected { member, accuser, timeout_min, timeout_max, via });
    }

    /// Counts a further accuser of a suspect, if the accusation is news.
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
            // The sender of a table has not necessarily probed the suspect itself.
            return cx.drop_quietly(DropReason::Stale);
        }
        let now = cx.now();
        let accuser_here = (accuser, via == Via::Own);
        let Some(suspicion) = self.suspicions.confirm(now, slot, accuser_here, &mut cx.random)
        else {
            let suspect = self.members.entry(slot).state() == State::Suspect;
            if suspect && via == Via::Own && self.members.peers() > 1 {
                // Gossiped before, but in a small cluster a few transmissions may have reached only
                // the suspect.
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
        if !self.is_hidden(slot) {
            cx.emit(event);
        }
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
        let before = self.members.entry(slot).belief();
        if supersedes(claim, before) == Verdict::Adopt
            && !self.may_accuse(cx, slot, news, accuser, before.state == State::Suspect)
        {
            return cx.drop_quietly(DropReason::FailedAccuser);
        }
        if self.is_surprised(cx, slot, claim, news) {
            return self.ask_before_failed(cx, gossip, slot, news, accuser);
        }
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
        if !self.is_hidden(slot) {
            let member = self.members.entry(slot).view().to_member();
            let (declared_by, via) = (Name::trusted(accuser), news.via());
            cx.emit(Event::Failed { member, declared_by, accusers, suspected_for, via });
        }
        self.release_name(cx, gossip, slot, news.origin);
    }

    /// Whether a peer's verdict is a surprise: this node does not suspect the member, or began to
    /// only a moment ago. Peers from the other side of a partition send such verdicts.
    fn is_surprised(&self, cx: &Context, slot: Slot, claim: Belief, news: &News<'_>) -> bool {
        let known = self.members.entry(slot).belief();
        let unripe = |slot| self.suspicions.get(slot).is_some_and(|it| !it.is_ripe(cx.now()));
        matches!(news.via(), Via::Packet { .. })
            && !cx.config.breaks(Sabotage::AsksNobody)
            && supersedes(claim, known) == Verdict::Adopt
            && (known.state == State::Alive || (known.state == State::Suspect && unripe(slot)))
    }

    /// Treats a peer's verdict as a suspicion first, with time for one last call.
    fn ask_before_failed(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        news: &News<'_>,
        accuser: &str,
    ) {
        let claim = Claim::Suspect { accuser };
        let update = Update { claim, ..*news.update };
        self.receive_suspect(cx, gossip, Some(slot), &News::new(&update, news.origin), accuser);
        self.suspicions.hasten(cx.now(), slot, accuser, &mut cx.random);
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
            // The member restarted and does not know its earlier incarnation: no peer accepts its
            // leave message.
            self.tell_about_limited(cx, slot, address);
        }
        if !self.raise_or_adopt(cx, gossip, slot, claim, news) {
            return;
        }
        self.suspicions.end(slot);
        self.members.set_state(cx.now(), slot, State::Left);
        self.settle_without_audience(cx, gossip);
        self.pass_on(cx, gossip, slot, news, Tier::Urgent);
        if let Some(previous) = self.showing_of_departure(slot, previous) {
            let member = self.members.entry(slot).view().to_member();
            cx.emit(Event::Left { member, previous, via });
        }
        self.release_name(cx, gossip, slot, news.origin);
    }

    /// Weighs a claim that ends a membership. Stores and passes on a raised incarnation; returns
    /// whether the state is to change too.
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
            // No longer listed: the stored state changes, but that is no news.
            self.members.set_state(cx.now(), slot, claim.state);
            self.members.lose(slot);
            return false;
        }
        verdict == Verdict::Adopt
    }

    /// Passes on a claim that raised a known incarnation.
    fn pass_on_raised(&self, cx: &mut Context, gossip: &mut Gossip, slot: Slot, news: &News<'_>) {
        if !self.members.entry(slot).is_lost() {
            self.pass_on(cx, gossip, slot, news, Tier::Normal);
        }
    }

    /// Declares failed each suspect whose time to refute is over. A suspect that was last asked
    /// before `heard_again`, while this node was cut off, is asked again instead.
    pub(crate) fn end_suspicions(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        heard_again: Option<Instant>,
        now: Instant,
    ) {
        while let Some((at, slot)) = self.suspicions.next()
            && at <= now
        {
            let asked_in_vain =
                |at| self.suspicions.get(slot).is_some_and(|suspicion| suspicion.asked() < at);
            if heard_again.is_some_and(asked_in_vain) {
                self.suspicions.ask_again(now, slot);
                continue;
            }
            let entry = self.members.entry(slot);
            let (name, incarnation) = (Name::trusted(entry.name()), entry.incarnation());
            let verdict_of = self.suspicions.get(slot).and_then(Suspicion::verdict_of).cloned();
            cx.stats.failures_declared += u64::from(verdict_of.is_none());
            let declarer = verdict_of.unwrap_or_else(|| cx.config.name.clone());
            let claim = Claim::Failed { accuser: declarer.as_str() };
            let update = Update { name: name.as_str(), incarnation, claim };
            let news = News::new(&update, Origin::OWN);
            self.receive_failed(cx, gossip, Some(slot), &news, declarer.as_str());
        }
    }

    // Last calls: a suspect is asked directly, and learns that it is suspected.

    /// Asks the members that this node has suspected since `since`, `share` per period, now that it
    /// hears members again. While it was cut off, no peer heard of these suspicions, and the
    /// suspects had nothing to refute.
    pub(crate) fn ask_own_suspects(&mut self, cx: &Context, (since, share): (Instant, u32)) {
        if !cx.config.breaks(Sabotage::KeepsItsPaceAlone) {
            self.suspicions.ask_own(since, cx.now(), cx.config.probe_interval, share);
        }
    }

    /// Takes the next suspect whose last call is due. Call it again until it returns `None`.
    pub(crate) fn take_last_call(&mut self, cx: &Context, now: Instant) -> Option<Slot> {
        while let Some(suspect) = self.suspicions.take_call(now) {
            if cx.config.last_call && !cx.config.breaks(Sabotage::AsksNobody) {
                return Some(suspect);
            }
        }
        None
    }

    /// Whether a suspect that missed its last call is asked over a stream, too.
    ///
    /// On memberlist's wire the answer is a whole table, so only nodes whose own probes failed ask.
    pub(crate) fn may_call_again(&self, cx: &Context, suspect: Slot) -> bool {
        let is_native = cx.config.wire == Wire::Swim;
        self.suspicions.get(suspect).is_some_and(|suspicion| is_native || suspicion.is_own())
    }

    /// Notes that a suspect answered its last call from this address.
    pub(crate) fn last_call_answered(&mut self, cx: &mut Context, suspect: Slot, from: SocketAddr) {
        self.note_answer_from(cx, suspect, from);
        if self.members.entry(suspect).is_at(from) {
            self.suspicions.answered(cx.now(), suspect, &mut cx.random);
        }
    }

    /// Gossips again a suspicion that only this node has raised. If this node loses datagrams, the
    /// first gossip may have missed the suspect, and the peers that a later failure would surprise.
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
