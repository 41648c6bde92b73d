//! News about members: what a claim changes here, what is passed on, and what the application hears.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec::Vec;

use crate::gossip::Tier;
use crate::member::{Belief, Incarnation, Name, State, Verdict, Versions, supersedes};
use crate::members::{Announcement, Slot};
use crate::node::Node;
use crate::output::{Event, Via};
use crate::stats::DropReason;
use crate::suspicion::Timeouts;
use crate::time::Instant;
use crate::wire::{Claim, Update};

impl Node {
    /// Weighs one piece of news about any member, this node included.
    pub(crate) fn receive_update(&mut self, update: &Update<'_>, via: Via) {
        let accuses = !matches!(update.claim, Claim::Alive { .. });
        if accuses && update.incarnation == Incarnation::MAX {
            return self.drop_quietly(DropReason::IncarnationExhausted);
        }
        match self.members.find(update.name) {
            Some(Slot::LOCAL) => self.receive_own_update(update, via),
            known => match update.claim {
                Claim::Alive {
                    address,
                    meta,
                    versions,
                } => {
                    let incarnation = update.incarnation;
                    let new = Announcement {
                        incarnation,
                        address,
                        meta,
                        versions,
                    };
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
        let claim = Belief::new(State::Alive, update.incarnation);
        if supersedes(claim, entry.belief()) == Verdict::Ignore {
            return self.drop_quietly(DropReason::Stale);
        }
        if !self.is_acceptable(new, via) {
            return;
        }
        let entry = self.members.entry(slot);
        let before = entry.state();
        if before.is_live() && entry.address() != new.address {
            // A live name belongs to the address that holds it.
            return self.drop_quietly(DropReason::AddressConflict);
        }
        let suspected = self.suspicions.end(slot);
        self.members.announce(slot, new);
        self.members.set_state(
            self.now(),
            slot,
            State::Alive,
            self.config.gossip_to_the_dead,
        );
        let tier = if before == State::Alive {
            Tier::Normal
        } else {
            Tier::Urgent
        };
        self.queue_update(slot, update, tier, None);

        let member = self.members.entry(slot).view().to_member();
        let event = match (before, suspected) {
            (State::Suspect, Some(suspicion)) => {
                self.stats.suspicions_refuted += 1;
                Event::Refuted {
                    member,
                    suspected_for: self.now() - suspicion.started,
                    via,
                }
            }
            (State::Failed | State::Left, _) => Event::Joined {
                member,
                previous: Some(before),
                via,
            },
            _ => Event::Updated { member, via },
        };
        self.emit(event);
    }

    /// Takes a member into the table that was not in it.
    fn admit(&mut self, update: &Update<'_>, new: &Announcement<'_>, via: Via) {
        if !self.is_acceptable(new, via) {
            return;
        }
        if self.members.len() >= self.config.members_max {
            return self.drop_quietly(DropReason::MembersFull);
        }
        let slot = self.members.add(self.now(), update.name, new);
        self.queue_update(slot, update, Tier::Normal, None);
        let member = self.members.entry(slot).view().to_member();
        self.emit(Event::Joined {
            member,
            previous: None,
            via,
        });
    }

    /// What a member announces has to be within the limits, whoever says so.
    fn is_acceptable(&mut self, new: &Announcement<'_>, via: Via) -> bool {
        let reason = if new.meta.len() > self.config.meta_size_max {
            DropReason::MetaTooLarge
        } else if new.address.ip().is_unspecified() || new.address.port() == 0 {
            DropReason::BadAddress
        } else if !self.understands(new.versions) {
            DropReason::Versions
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
        versions.is_valid() && versions.overlap(self.config.versions)
    }

    fn receive_suspect(
        &mut self,
        known: Option<Slot>,
        update: &Update<'_>,
        accuser: &str,
        via: Via,
    ) {
        let Some(slot) = known else {
            return self.drop_quietly(DropReason::UnknownMember);
        };
        let before = self.members.entry(slot).belief();
        match supersedes(Belief::new(State::Suspect, update.incarnation), before) {
            Verdict::Adopt => self.suspect(slot, update, accuser, via),
            Verdict::Raise => {
                self.members.set_incarnation(slot, update.incarnation);
                self.queue_update(slot, update, Tier::Normal, None);
                self.confirm(slot, update, accuser, via);
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
        self.members.set_state(
            self.now(),
            slot,
            State::Suspect,
            self.config.gossip_to_the_dead,
        );
        self.suspicions
            .start(self.now(), slot, accuser.clone(), timeouts);
        self.queue_update(slot, update, Tier::Normal, None);
        if via == Via::Own {
            self.stats.suspicions_raised += 1;
        }
        let member = self.members.entry(slot).view().to_member();
        let (timeout_min, timeout_max) = (timeouts.min, timeouts.max);
        self.emit(Event::Suspected {
            member,
            accuser,
            timeout_min,
            timeout_max,
            via,
        });
    }

    /// Somebody else suspects a suspect too.
    fn confirm(&mut self, slot: Slot, update: &Update<'_>, accuser: &str, via: Via) {
        let now = self.now();
        let Some(suspicion) = self.suspicions.confirm(slot, accuser) else {
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
            return self.drop_quietly(DropReason::UnknownMember);
        };
        let claim = Belief::new(State::Failed, update.incarnation);
        if !self.raise_or_adopt(slot, claim, update) {
            return;
        }
        let suspicion = self.suspicions.end(slot);
        let now = self.now();
        self.members
            .set_state(now, slot, State::Failed, self.config.gossip_to_the_dead);
        self.queue_update(slot, update, Tier::Normal, None);
        let (accusers, suspected_for) = suspicion.map_or((Vec::new(), Duration::ZERO), |s| {
            (s.accusers, now - s.started)
        });
        let member = self.members.entry(slot).view().to_member();
        let declared_by = Name::trusted(accuser);
        self.emit(Event::Failed {
            member,
            declared_by,
            accusers,
            suspected_for,
            via,
        });
    }

    fn receive_left(&mut self, known: Option<Slot>, update: &Update<'_>, via: Via) {
        let Some(slot) = known else {
            return self.drop_quietly(DropReason::UnknownMember);
        };
        let previous = self.members.entry(slot).state();
        let claim = Belief::new(State::Left, update.incarnation);
        if !self.raise_or_adopt(slot, claim, update) {
            return;
        }
        self.suspicions.end(slot);
        self.members.set_state(
            self.now(),
            slot,
            State::Left,
            self.config.gossip_to_the_dead,
        );
        self.queue_update(slot, update, Tier::Urgent, None);
        let member = self.members.entry(slot).view().to_member();
        self.emit(Event::Left {
            member,
            previous,
            via,
        });
    }

    /// Weighs a claim that ends a membership. Whatever raises the incarnation is kept and passed on;
    /// returns whether the state is to change too.
    fn raise_or_adopt(&mut self, slot: Slot, claim: Belief, update: &Update<'_>) -> bool {
        let verdict = supersedes(claim, self.members.entry(slot).belief());
        if verdict == Verdict::Ignore {
            self.drop_quietly(DropReason::Stale);
            return false;
        }
        self.members.set_incarnation(slot, claim.incarnation);
        if verdict == Verdict::Raise {
            self.queue_update(slot, update, Tier::Normal, None);
        }
        verdict == Verdict::Adopt
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
            let claim = Claim::Failed {
                accuser: own.as_str(),
            };
            let update = Update {
                name: name.as_str(),
                incarnation,
                claim,
            };
            self.receive_failed(Some(slot), &update, own.as_str(), Via::Own);
        }
    }

    /// Takes those out of the table who failed or left long enough ago.
    pub(crate) fn forget_the_gone(&mut self, now: Instant) {
        while let Some((at, slot)) = self.members.next_to_forget()
            && at <= now
        {
            if let Some(place) = self.members.entry(slot).queued() {
                let forgotten = self.updates.remove(place);
                self.settle(forgotten);
            }
            let member = self.members.entry(slot).view().to_member();
            self.probes.forget(slot);
            self.members.forget(slot, self.config.gossip_to_the_dead);
            self.emit(Event::Forgotten { member });
        }
    }

    /// Whether an address is that of this node, as it announces it.
    pub(crate) fn is_own_address(&self, address: SocketAddr) -> bool {
        self.config.address == address
    }
}
