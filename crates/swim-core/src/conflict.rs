//! One name, two addresses: a member that moved, a stranger that took its name, or two live nodes
//! that were given the same one.
//!
//! An alive that announces a live member at another address is a *candidate*. The address that is
//! known is asked first. Silence for the shortest suspicion time means that the member moved, and
//! the candidate takes its place. If the known address answers, the candidate is asked too; if both
//! answer, the higher (incarnation, address) wins, the same everywhere, and both are told.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use core::net::SocketAddr;

use crate::address::canonical;
use crate::entry::Announcement;
use crate::gossip::{Ticket, Tier};
use crate::member::{Incarnation, Name, Versions};
use crate::node::Node;
use crate::output::{Event, Via};
use crate::packet;
use crate::pages::Slot;
use crate::stats::DropReason;
use crate::suspicion::Timeouts;
use crate::time::Instant;
use crate::wire::{Claim, Message, Update};

/// Candidates at once. Each holds metadata, so a flood of made-up moves must not pile up.
const CANDIDATES_MAX: usize = 128;

/// Somebody who announces a known name at another address.
#[derive(Debug)]
struct Candidate {
    incarnation: Incarnation,
    address: SocketAddr,
    /// The same address in the form in which it was announced.
    announced: SocketAddr,
    meta: Box<[u8]>,
    versions: Versions,
    via: Via,
    deadline: Instant,
    /// The known address has answered since, so the candidate is asked too.
    known_answered: bool,
}

/// All candidates, by the member whose name they bear.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    by_member: BTreeMap<Slot, Candidate>,
    by_deadline: BTreeSet<(Instant, Slot)>,
}

impl Candidates {
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.first().map(|&(at, _)| at)
    }

    fn insert(&mut self, slot: Slot, candidate: Candidate) {
        self.remove(slot);
        self.by_deadline.insert((candidate.deadline, slot));
        self.by_member.insert(slot, candidate);
    }

    fn remove(&mut self, slot: Slot) -> Option<Candidate> {
        let candidate = self.by_member.remove(&slot)?;
        self.by_deadline.remove(&(candidate.deadline, slot));
        Some(candidate)
    }
}

impl Node {
    /// Weighs an alive about a live member that names another address than the known one.
    pub(crate) fn receive_alive_elsewhere(
        &mut self,
        slot: Slot,
        update: &Update<'_>,
        new: &Announcement<'_>,
        via: Via,
    ) {
        self.drop_quietly(DropReason::AddressConflict);
        let entry = self.members.entry(slot);
        let known = (entry.incarnation(), entry.address());
        let (address, announced) = (canonical(new.address), new.address);
        if (new.incarnation, address) <= known {
            // It lost already. It may not know: somebody with our name is elsewhere.
            return self.tell_about_limited(slot, address);
        }
        let candidates = &self.candidates.by_member;
        match candidates.get(&slot) {
            Some(held) if (held.incarnation, held.address) >= (new.incarnation, address) => {
                return;
            }
            None if candidates.len() >= CANDIDATES_MAX => return,
            _ => {}
        }
        let patience = Timeouts::new(&self.config, self.members_live()).min;
        let candidate = Candidate {
            incarnation: new.incarnation,
            address,
            announced,
            meta: new.meta.into(),
            versions: new.versions,
            via,
            deadline: self.now() + patience,
            known_answered: false,
        };
        self.candidates.insert(slot, candidate);
        // Passed on unverified, so that all observers ask at the same time and not one after the
        // other.
        if self.updates.len() < self.config.update_queue_max {
            let message = Message::Update(*update);
            let ticket = Ticket { subject: None, kind: message.kind(), request: None };
            self.updates.push(packet::encoded(self.config.wire, &message), Tier::Normal, ticket);
            self.arm_gossip();
        }
        let known_address = self.members.entry(slot).address();
        self.send_check(slot, known_address);
    }

    /// A member that was asked because of a candidate answered from `from`.
    pub(crate) fn check_answered(&mut self, slot: Slot, from: SocketAddr) {
        if slot == Slot::LOCAL {
            return self.namesake_answered();
        }
        let known_address = self.members.entry(slot).address();
        let Some(candidate) = self.candidates.by_member.get_mut(&slot) else {
            return;
        };
        if from == known_address {
            let address = candidate.address;
            if !core::mem::replace(&mut candidate.known_answered, true) {
                self.send_check(slot, address);
            }
        } else if from == candidate.address
            && candidate.known_answered
            && let Some(candidate) = self.candidates.remove(slot)
        {
            // Both live. The candidate outranks the known one, or it would not be a candidate.
            self.report_conflict(slot, candidate.address, known_address, candidate.via);
            self.tell_about(slot, candidate.address);
            self.adopt(slot, &candidate);
            self.tell_about(slot, known_address);
        }
    }

    /// A check was not answered: asks again while there is time.
    pub(crate) fn check_unanswered(&mut self, slot: Slot) {
        let known_address = self.members.entry(slot).address();
        let Some(candidate) = self.candidates.by_member.get(&slot) else {
            return;
        };
        let to = if candidate.known_answered { candidate.address } else { known_address };
        self.send_check(slot, to);
    }

    pub(crate) fn keep_candidate_deadlines(&mut self, now: Instant) {
        while let Some(&(at, slot)) = self.candidates.by_deadline.first()
            && at <= now
            && let Some(candidate) = self.candidates.remove(slot)
        {
            if candidate.known_answered {
                // The known address answers and the candidate does not: it is old or made up.
                self.tell_about_limited(slot, candidate.address);
            } else {
                self.adopt(slot, &candidate);
            }
        }
    }

    /// A member is gone: whoever waited for its name gets it.
    pub(crate) fn release_name(&mut self, slot: Slot) {
        if let Some(candidate) = self.candidates.remove(slot) {
            self.adopt(slot, &candidate);
        }
    }

    /// The candidate takes the place of the address known so far, if it still outranks it.
    fn adopt(&mut self, slot: Slot, candidate: &Candidate) {
        let entry = self.members.entry(slot);
        if (candidate.incarnation, candidate.address) <= (entry.incarnation(), entry.address()) {
            return;
        }
        let name = Name::trusted(entry.name());
        let new = Announcement {
            incarnation: candidate.incarnation,
            address: candidate.announced,
            meta: &candidate.meta,
            versions: candidate.versions,
        };
        let update = Update {
            name: name.as_str(),
            incarnation: candidate.incarnation,
            claim: Claim::Alive {
                address: candidate.announced,
                meta: &candidate.meta,
                versions: candidate.versions,
            },
        };
        self.accept_alive(slot, &update, &new, candidate.via);
    }

    fn report_conflict(&mut self, slot: Slot, winner: SocketAddr, loser: SocketAddr, via: Via) {
        let name = Name::trusted(self.members.entry(slot).name());
        self.emit(Event::NameConflict { name, winner, loser, via });
    }
}
