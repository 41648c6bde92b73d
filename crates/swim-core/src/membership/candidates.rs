//! Candidates: nodes that announce a known name at another address, until the name is decided.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::net::SocketAddr;

use crate::address::canonical;
use crate::deadlines::Deadlines;
use crate::member::{Incarnation, Versions};
use crate::members::{Announcement, Slot};
use crate::output::Via;
use crate::time::Instant;

/// Limit on candidates at once. Each holds metadata, so a flood of made-up moves must not pile up.
const CANDIDATES_MAX: usize = 128;

/// A node that announces a known name at another address.
#[derive(Debug)]
pub(super) struct Candidate {
    incarnation: Incarnation,
    address: SocketAddr,
    /// `address` in its announced form.
    announced: SocketAddr,
    meta: Box<[u8]>,
    versions: Versions,
    via: Via,
    deadline: Instant,
    /// The known address has been asked since.
    known_asked: bool,
    /// The known address has answered since, so the candidate is asked too.
    known_answered: bool,
    /// Both have answered. The known address keeps the name here; the candidate waits in case that
    /// one fails.
    refused: bool,
}

impl Candidate {
    pub(super) fn new(new: &Announcement<'_>, via: Via, deadline: Instant) -> Self {
        Candidate {
            incarnation: new.incarnation,
            address: canonical(new.address),
            announced: new.address,
            meta: new.meta.into(),
            versions: new.versions,
            via,
            deadline,
            known_asked: false,
            known_answered: false,
            refused: false,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Precedence among candidates, and against the known address.
    pub(super) fn rank(&self) -> (Incarnation, SocketAddr) {
        (self.incarnation, self.address)
    }

    pub(super) fn announcement(&self) -> Announcement<'_> {
        Announcement {
            incarnation: self.incarnation,
            address: self.announced,
            meta: &self.meta,
            versions: self.versions,
        }
    }

    pub(super) fn via(&self) -> Via {
        self.via
    }

    /// Whether both addresses have answered.
    pub(super) fn is_refused(&self) -> bool {
        self.refused
    }

    pub(super) fn known_asked(&self) -> bool {
        self.known_asked
    }

    pub(super) fn known_answered(&self) -> bool {
        self.known_answered
    }

    /// Returns the candidate with a new deadline.
    pub(super) fn until(self, deadline: Instant) -> Self {
        Candidate { deadline, ..self }
    }
}

/// All candidates, by the member whose name they claim.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    by_member: BTreeMap<Slot, Candidate>,
    by_deadline: Deadlines<Slot>,
}

impl Candidates {
    pub(super) fn next_deadline(&self) -> Instant {
        self.by_deadline.soonest()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Candidate> {
        self.by_member.get(&slot)
    }

    /// Whether to hear a candidate of this rank: it outranks the current one, or there is none and
    /// room for one.
    pub(super) fn would_hear(&self, slot: Slot, rank: (Incarnation, SocketAddr)) -> bool {
        match self.by_member.get(&slot) {
            Some(held) => held.rank() < rank,
            None => self.by_member.len() < CANDIDATES_MAX,
        }
    }

    pub(super) fn insert(&mut self, slot: Slot, candidate: Candidate) {
        self.remove(slot);
        self.by_deadline.insert(candidate.deadline, slot);
        self.by_member.insert(slot, candidate);
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Candidate> {
        let candidate = self.by_member.remove(&slot)?;
        self.by_deadline.remove(candidate.deadline, slot);
        Some(candidate)
    }

    /// Notes that the known address was asked.
    pub(super) fn note_known_asked(&mut self, slot: Slot) {
        if let Some(held) = self.by_member.get_mut(&slot) {
            held.known_asked = true;
        }
    }

    /// Notes that the known address answered; returns whether that is new.
    pub(super) fn note_known_answered(&mut self, slot: Slot) -> bool {
        let candidate = self.by_member.get_mut(&slot);
        candidate.is_some_and(|held| !core::mem::replace(&mut held.known_answered, true))
    }

    /// Keeps a candidate until `deadline` without asking again, because both addresses have
    /// answered.
    pub(super) fn refuse(&mut self, slot: Slot, deadline: Instant) {
        if let Some(mut candidate) = self.remove(slot) {
            (candidate.refused, candidate.deadline) = (true, deadline);
            self.insert(slot, candidate);
        }
    }

    /// Asserts that deadlines match the candidates, and that their number is within the limit.
    pub(super) fn check(&self) {
        let deadlines = self.by_member.iter().map(|(&slot, held)| (held.deadline, slot));
        self.by_deadline.check(deadlines, "candidates");
        let (count, max) = (self.by_member.len(), CANDIDATES_MAX);
        assert!(count <= max, "{count} candidates, {max} are the most");
    }

    /// The members whose names are contested.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.by_member.keys().copied()
    }

    /// Takes out a candidate whose deadline has passed.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Slot, Candidate)> {
        let (_, slot) = self.by_deadline.take_due(now)?;
        Some((slot, self.by_member.remove(&slot)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One candidate for the name of each of these members.
    fn candidates(slots: &[Slot]) -> Candidates {
        let mut candidates = Candidates::default();
        for &slot in slots {
            let new = Announcement {
                incarnation: Incarnation(1),
                address: "10.0.0.2:7946".parse().unwrap(),
                meta: b"",
                versions: Versions::DEFAULT,
            };
            candidates.insert(slot, Candidate::new(&new, Via::Own, Instant::ORIGIN));
        }
        candidates.check();
        candidates
    }

    #[test]
    #[should_panic(expected = "candidates: Slot(0) is not due at")]
    fn a_candidate_that_is_never_decided_upon_is_noticed() {
        let mut candidates = candidates(&[Slot::LOCAL]);
        candidates.by_deadline.clear();
        candidates.check();
    }

    #[test]
    #[should_panic(expected = "candidates: as many deadlines as things")]
    fn a_deadline_of_no_candidate_is_noticed() {
        let mut candidates = candidates(&[Slot::LOCAL]);
        candidates.by_member.clear();
        candidates.check();
    }
}
