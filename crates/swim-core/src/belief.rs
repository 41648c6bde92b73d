//! News about members: what a claim changes here, what is passed on, and what the application
//! hears.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec::Vec;

use crate::address::canonical;
use crate::entry::{Announcement, Entry};
use crate::error::CommandError;
use crate::gossip::Tier;
use crate::member::{Belief, Incarnation, Name, State, Verdict, Versions, supersedes};
use crate::node::Node;
use crate::output::{Event, Via};
use crate::pages::Slot;
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::suspicion::Timeouts;
use crate::time::Instant;
use crate::wire::{Claim, Update, Wire};

/// At the highest incarnation there is nothing to refute with. Accusations from others are not
/// heeded there, so what is held against the member is this node's own failed probe, and its own
/// word is enough to clear it and to announce something else. Only its own: others who have not
/// probed it yet would clear it for ever.
#[inline]
fn speaks_at_max(entry: &Entry, update: &Update<'_>, new: &Announcement<'_>, via: Via) -> bool {
    // First, as it is asked of every known update: hardly any is at the highest incarnation.
    if [update.incarnation, entry.incarnation()] != [Incarnation::MAX; 2] {
        return false;
    }
    let itself = match via {
        Via::Packet { from } | Via::PushPull { from } => from == canonical(new.address),
        Via::Own => false,
    };
    let news =
        entry.state() != State::Alive || !entry.announces(new.address, new.meta, new.versions);
    entry.state() != State::Left && itself && news
}

impl Node {
    /// Weighs one piece of news about any member, this node included.
    pub(crate) fn receive_update(&mut self, update: &Update<'_>, via: Via) {
        let known = self.members.find(update.name);
        let accuses = !matches!(update.claim, Claim::Alive { .. });
        if accuses && update.incarnation == Incarnation::MAX && via != Via::Own {
            self.drop_quietly(DropReason::IncarnationExhausted);
            if known == Some(Slot::LOCAL) {
                self.receive_own_exhausted(update, via);
            }
            return;
        }
        match known {
            Some(Slot::LOCAL) => self.receive_own_update(update, via),
            known => match update.claim {
                Claim::Alive { address, meta, versions } => {
                    let incarnation = update.incarnation;
                    let new = Announcement { incarnation, address, meta, versions };
                    self.receive_alive(known, update, &new, via);
                }
                Claim::Suspect { accuser } => self.receive_suspect(known, update, accuser, via),
                Claim::Failed { accuser } => self.receive_failed(known, update, accuser, via),
                Claim::Left => self.receive_left(known, update, via),
            },
        }
    }

    fn receive_alive(
        &mut self,
        known: Option<Slot>,
        update: &Update<'_>,
        new: &Announcement<'_>,
        via: Via,
    ) {
        let Some(slot) = known else {
            return self.admit(update, new, via);
        };
        let entry = self.members.entry(slot);
        let known = entry.belief();
        let elsewhere = known.state.is_live() && !entry.is_at(new.address);
        let claim = Belief::new(State::Alive, update.incarnation);
        if !elsewhere
            && supersedes(claim, known) == Verdict::Ignore
            && !speaks_at_max(entry, update, new, via)
            && !self.breaks_precedence(claim, known)
        {
            if !known.state.is_live() {
                self.tell_accused(slot, canonical(new.address));
            } else if update.incarnation == known.incarnation
                && !entry.announces(new.address, new.meta, new.versions)
            {
                // It restarted at the same incarnation, and only it knows what it announces now.
                // One of the two who differ tells it what it announced before, and it outbids that.
                let address = entry.address();
                self.tell_about_limited(slot, address);
            }
            return self.drop_quietly(DropReason::Stale);
        }
        let entry = self.members.entry(slot);
        let news = !known.state.is_live() || !entry.announces(new.address, new.meta, new.versions);
        if news && !self.is_acceptable(update.name, new, via) {
            return;
        }
        if elsewhere {
            return self.receive_alive_elsewhere(slot, update, new, via);
        }
        // Whoever comes back into the list needs a place in it like a newcomer.
        if self.members.entry(slot).is_lost() && self.members.len() >= self.config.members_max {
            return self.drop_quietly(DropReason::MembersFull);
        }
        self.accept_alive(slot, update, new, via);
    }

    /// Whether an old claim counts here on purpose.
    #[inline]
    fn breaks_precedence(&self, claim: Belief, known: Belief) -> bool {
        let (alive, equal) = (known.state == State::Alive, claim.incarnation == known.incarnation);
        (self.config.breaks(Sabotage::BelievesOldNews) && alive && !equal)
            || (self.config.breaks(Sabotage::Resurrects) && known.state == State::Failed && equal)
    }

    /// Takes over what a known member announces: it is alive.
    pub(crate) fn accept_alive(
        &mut self,
        slot: Slot,
        update: &Update<'_>,
        new: &Announcement<'_>,
        via: Via,
    ) {
        let before = self.members.entry(slot).state();
        let suspected = self.suspicions.end(slot);
        self.members.announce(slot, new);
        self.members.set_state(self.now(), slot, State::Alive);
        let tier = if before == State::Alive { Tier::Normal } else { Tier::Urgent };
        self.queue_update(slot, update, tier, None);

        let member = self.members.entry(slot).view().to_member();
        let event = match (before, suspected) {
            (State::Suspect, Some(suspicion)) => {
                self.stats.suspicions_refuted += 1;
                let suspected_for = self.now() - suspicion.started;
                Event::Refuted { member, suspected_for, via }
            }
            (State::Failed | State::Left, _) => {
                Event::Joined { member, previous: Some(before), via }
            }
            _ => Event::Updated { member, via },
        };
        self.emit(event);
    }

    /// Takes a member into the table that was not in it.
    fn admit(&mut self, update: &Update<'_>, new: &Announcement<'_>, via: Via) {
        if !self.is_acceptable(update.name, new, via) {
            return;
        }
        if self.members.len() >= self.config.members_max {
            return self.drop_quietly(DropReason::MembersFull);
        }
        let slot = self.members.add(self.now(), update.name, new);
        self.queue_update(slot, update, Tier::Normal, None);
        let member = self.members.entry(slot).view().to_member();
        self.emit(Event::Joined { member, previous: None, via });
    }

    /// What a member announces has to be within the limits, whoever says so, and has to please the
    /// application.
    fn is_acceptable(&mut self, name: &str, new: &Announcement<'_>, via: Via) -> bool {
        let reason = if new.meta.len() > self.config.meta_size_max {
            DropReason::MetaTooLarge
        } else if canonical(new.address).ip().is_unspecified() || new.address.port() == 0 {
            DropReason::BadAddress
        } else if !self.config.allows(canonical(new.address).ip()) {
            DropReason::NotAllowed
        } else if !self.understands(new.versions) {
            DropReason::Versions
        } else if !self.hooks.admit(&new.as_member(name)) {
            DropReason::NotAdmitted
        } else {
            return true;
        };
        match via {
            Via::Packet { from } => self.complain(from, reason, false),
            Via::PushPull { from } => self.complain(from, reason, true),
            Via::Own => self.drop_quietly(reason),
        }
        false
    }

    fn understands(&self, versions: Versions) -> bool {
        let own = self.config.versions;
        match self.config.wire {
            Wire::Swim => versions.is_valid() && versions.overlap(own),
            // There a member is not left out but refuses whole exchanges, as long as one member
            // uses a version that another one does not understand.
            Wire::Memberlist => {
                versions.is_valid()
                    && versions.protocol.min > 0
                    && versions.understand_each_other(own)
            }
        }
    }

    fn receive_suspect(
        &mut self,
        known: Option<Slot>,
        update: &Update<'_>,
        accuser: &str,
        via: Via,
    ) {
        let Some(slot) = known else {
            return self.pass_on_hearsay(update, via);
        };
        let before = self.members.entry(slot).belief();
        match supersedes(Belief::new(State::Suspect, update.incarnation), before) {
            Verdict::Adopt => self.suspect(slot, update, accuser, via),
            // It refuted the old suspicion, if only to others: this is another one, with its own
            // time and its own accusers.
            Verdict::Raise if self.suspicions.end(slot).is_some() => {
                self.suspect(slot, update, accuser, via);
            }
            Verdict::Raise => {
                self.members.set_incarnation(slot, update.incarnation);
                self.queue_raised(slot, update);
            }
            Verdict::Ignore if before.incarnation == update.incarnation => {
                self.confirm(slot, update, accuser, via);
            }
            Verdict::Ignore => self.drop_quietly(DropReason::Stale),
        }
    }

    fn suspect(&mut self, slot: Slot, update: &Update<'_>, accuser: &str, via: Via) {
        let timeouts = Timeouts::new(&self.config, self.members_live());
        let accuser = Name::trusted(accuser);
        self.members.set_incarnation(slot, update.incarnation);
        self.members.set_state(self.now(), slot, State::Suspect);
        self.suspicions.start(self.now(), slot, accuser.clone(), timeouts);
        if !matches!(via, Via::PushPull { .. }) {
            self.queue_update(slot, update, Tier::Normal, None);
        }
        if via == Via::Own {
            self.stats.suspicions_raised += 1;
        }
        let member = self.members.entry(slot).view().to_member();
        let (timeout_min, timeout_max) = (timeouts.min, timeouts.max);
        self.emit(Event::Suspected { member, accuser, timeout_min, timeout_max, via });
    }

    /// Somebody else suspects a suspect too.
    fn confirm(&mut self, slot: Slot, update: &Update<'_>, accuser: &str, via: Via) {
        if let Via::PushPull { .. } = via {
            // Whoever sends its table need not have probed the suspect itself.
            return self.drop_quietly(DropReason::Stale);
        }
        let now = self.now();
        let Some(suspicion) = self.suspicions.confirm(slot, accuser) else {
            let suspect = self.members.entry(slot).state() == State::Suspect;
            if suspect && via == Via::Own && self.members.peers() > 1 {
                // Said before, but in a small cluster a few transmissions may have reached nobody
                // but the suspect.
                self.queue_update(slot, update, Tier::Normal, None);
            }
            return self.drop_quietly(DropReason::Stale);
        };
        let event = Event::Confirmed {
            name: Name::trusted(update.name),
            accuser: Name::trusted(accuser),
            confirmations: suspicion.confirmations(),
            remaining: suspicion.deadline() - now,
            via,
        };
        self.queue_update(slot, update, Tier::Normal, None);
        self.emit(event);
    }

    fn receive_failed(
        &mut self,
        known: Option<Slot>,
        update: &Update<'_>,
        accuser: &str,
        via: Via,
    ) {
        let Some(slot) = known else {
            return self.pass_on_hearsay(update, via);
        };
        let claim = Belief::new(State::Failed, update.incarnation);
        if !self.raise_or_adopt(slot, claim, update) {
            return;
        }
        let suspicion = self.suspicions.end(slot);
        let now = self.now();
        self.members.set_state(now, slot, State::Failed);
        self.queue_update(slot, update, Tier::Normal, None);
        let (accusers, suspected_for) =
            suspicion.map_or((Vec::new(), Duration::ZERO), |s| (s.accusers, now - s.started));
        let member = self.members.entry(slot).view().to_member();
        let declared_by = Name::trusted(accuser);
        self.emit(Event::Failed { member, declared_by, accusers, suspected_for, via });
        self.release_name(slot);
    }

    fn receive_left(&mut self, known: Option<Slot>, update: &Update<'_>, via: Via) {
        let Some(slot) = known else {
            return self.drop_quietly(DropReason::UnknownMember);
        };
        let entry = self.members.entry(slot);
        let (previous, address) = (entry.state(), entry.address());
        let claim = Belief::new(State::Left, update.incarnation);
        if previous.is_live()
            && claim.incarnation < entry.incarnation()
            && via == (Via::Packet { from: address })
        {
            // It restarted and does not know how high its incarnation was: nobody heeds its
            // goodbye.
            self.tell_about_limited(slot, address);
        }
        if !self.raise_or_adopt(slot, claim, update) {
            return;
        }
        self.suspicions.end(slot);
        self.members.set_state(self.now(), slot, State::Left);
        self.settle_without_audience();
        self.queue_update(slot, update, Tier::Urgent, None);
        let member = self.members.entry(slot).view().to_member();
        self.emit(Event::Left { member, previous, via });
        self.release_name(slot);
    }

    /// Weighs a claim that ends a membership. Whatever raises the incarnation is kept and passed
    /// on; returns whether the state is to change too.
    fn raise_or_adopt(&mut self, slot: Slot, claim: Belief, update: &Update<'_>) -> bool {
        let verdict = supersedes(claim, self.members.entry(slot).belief());
        if verdict == Verdict::Ignore {
            self.drop_quietly(DropReason::Stale);
            return false;
        }
        self.members.set_incarnation(slot, claim.incarnation);
        if verdict == Verdict::Raise {
            self.queue_raised(slot, update);
        } else if self.members.entry(slot).is_lost() {
            // It is not listed any more: a change of the evidence, but no news.
            self.members.set_state(self.now(), slot, claim.state);
            self.members.lose(slot);
            return false;
        }
        verdict == Verdict::Adopt
    }

    /// Passes on a claim that raised what is known of an incarnation.
    fn queue_raised(&mut self, slot: Slot, update: &Update<'_>) {
        if !self.members.entry(slot).is_lost() {
            self.queue_update(slot, update, Tier::Normal, None);
        }
    }

    /// Declares those failed whose time to refute is over.
    pub(crate) fn keep_suspicion_deadlines(&mut self, now: Instant) {
        while let Some((at, slot)) = self.suspicions.next()
            && at <= now
        {
            self.stats.failures_declared += 1;
            let entry = self.members.entry(slot);
            let (name, incarnation) = (Name::trusted(entry.name()), entry.incarnation());
            let own = self.config.name.clone();
            let claim = Claim::Failed { accuser: own.as_str() };
            let update = Update { name: name.as_str(), incarnation, claim };
            self.receive_failed(Some(slot), &update, own.as_str(), Via::Own);
        }
    }

    /// When the next member is to be taken out of the list or out of the table.
    pub(crate) fn next_farewell(&self) -> Option<Instant> {
        let lose = self.members.longest_gone().map(|(since, _)| since + self.lose_after());
        let forget = self.members.longest_lost().map(|(since, _)| since + self.forget_after());
        [lose, forget].into_iter().flatten().min()
    }

    /// Takes those out of the member list who failed or left long enough ago, and those out of the
    /// table who have been lost for too long or are too many.
    pub(crate) fn bid_farewell(&mut self, now: Instant) {
        while let Some((since, slot)) = self.members.longest_gone()
            && since + self.lose_after() <= now
        {
            self.stop_gossip_about(slot);
            let member = self.members.entry(slot).view().to_member();
            self.members.lose(slot);
            self.emit(Event::Forgotten { member });
            self.settle_without_audience();
        }
        while let Some((since, slot)) = self.members.longest_lost()
            && (since + self.forget_after() <= now
                || self.members.lost_len() > self.config.lost_members_max)
        {
            self.forget_slot(slot);
        }
    }

    /// Forgets a member that is gone, with the evidence against it.
    pub(crate) fn start_forget(&mut self, name: &str) -> Result<(), CommandError> {
        let slot = self.members.find(name).ok_or(CommandError::UnknownMember)?;
        if slot == Slot::LOCAL {
            return Err(CommandError::OwnName);
        }
        let entry = self.members.entry(slot);
        if entry.state().is_live() {
            return Err(CommandError::StillLive);
        }
        let listed = !entry.is_lost();
        let member = entry.view().to_member();
        self.stop_gossip_about(slot);
        self.forget_slot(slot);
        self.settle_without_audience();
        if listed {
            self.emit(Event::Forgotten { member });
        }
        Ok(())
    }

    fn forget_slot(&mut self, slot: Slot) {
        debug_assert!(self.members.entry(slot).queued().is_none(), "nobody gossips about the lost");
        self.probes.forget(slot);
        self.members.forget(slot);
    }

    pub(crate) fn stop_gossip_about(&mut self, slot: Slot) {
        if let Some(place) = self.members.entry(slot).queued() {
            let finished = self.updates.remove(place);
            self.settle(finished);
        }
    }

    fn lose_after(&self) -> Duration {
        self.config.gossip_to_the_dead
    }

    fn forget_after(&self) -> Duration {
        self.config.gossip_to_the_dead + self.config.lost_members_keep
    }

    /// Whether an address is that of this node, as it announces it.
    pub(crate) fn is_own_address(&self, address: SocketAddr) -> bool {
        canonical(self.config.address) == canonical(address)
    }
}
