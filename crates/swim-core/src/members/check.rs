//! Invariants of the member table.

use super::{Entry, Members, Slot};
use crate::deadlines::Deadlines;
use crate::member::State;

impl Members {
    /// Asserts that every index matches the entries.
    pub(crate) fn check(&self) {
        self.pages.check();
        self.check_names();
        assert!(self.pages.holds(Slot::LOCAL), "the node itself is in its table");
        assert!(!self.entry(Slot::LOCAL).is_lost(), "the node itself is never lost");
        self.check_list("probe ring", &self.ring, |entry| entry.state.is_live());
        self.check_gone("gone_since", &self.gone_since, |entry| !entry.is_lost());
        for (gone, answered) in [(&self.hearsay, false), (&self.known, true)] {
            let is_lost = |entry: &Entry| entry.is_lost() && entry.has_answered() == answered;
            let failed = |entry: &Entry, lost: bool| {
                let here = entry.has_answered() == answered && entry.is_lost() == lost;
                here && entry.state == State::Failed
            };
            self.check_list("failed", &gone.failed, |entry| failed(entry, false));
            self.check_list("lost", &gone.lost, |entry| failed(entry, true));
            self.check_gone("lost_since", &gone.lost_since, is_lost);
        }
        for &slot in &self.ring {
            let at = self.entry(slot).address().ip();
            assert!(self.any_at(at), "nobody is held to be at {at}, where {slot:?} is");
        }
        let (probed, ring) = (self.probed, self.ring.len());
        assert!(probed <= ring, "{probed} probed of {ring} in the ring");
        let digests = self.pages.iter().map(Entry::digest);
        let digest = digests.fold(0, u64::wrapping_add);
        assert_eq!(self.digest, digest, "the digest of the view");
        for (&slot, &announced) in &self.raised {
            assert!(self.holds(slot), "{slot:?} was raised, who is forgotten");
            let entry = self.entry(slot);
            assert!(entry.state != State::Alive, "{slot:?} is alive, where it was never announced");
            assert!(announced < entry.incarnation(), "{slot:?} was raised from {announced}");
        }
        let highest = self.pages.iter().map(Entry::incarnation).max();
        assert!(highest <= Some(self.highest), "{highest:?} is above the highest");
    }

    /// All entries, lost members included.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (Slot, &Entry)> + '_ {
        self.pages.slots()
    }

    /// Whether a member has this slot.
    pub(crate) fn holds(&self, slot: Slot) -> bool {
        self.pages.holds(slot)
    }

    fn check_names(&self) {
        let mut count = 0;
        for (slot, entry) in self.slots() {
            assert_eq!(self.find(entry.name()), Some(slot), "{} is found by name", entry.name());
            count += 1;
        }
        assert_eq!(self.index.len(), count, "as many names as entries");
    }

    /// Asserts that a list holds exactly the peers that belong in it, each at its recorded place.
    fn check_list(&self, what: &str, list: &[Slot], belongs: impl Fn(&Entry) -> bool) {
        let others = self.slots().filter(|&(slot, _)| slot != Slot::LOCAL);
        let expected = others.filter(|(_, entry)| belongs(entry)).count();
        assert_eq!(list.len(), expected, "{what}: all that belong there");
        for (place, &slot) in list.iter().enumerate() {
            assert!(self.holds(slot) && slot != Slot::LOCAL, "{what}: {slot:?} is a member");
            assert!(belongs(self.entry(slot)), "{what}: {slot:?} belongs there");
            assert_eq!(self.pages.place(slot), place, "{what}: the place of {slot:?}");
        }
    }

    fn check_gone(&self, what: &str, since: &Deadlines<Slot>, belongs: impl Fn(&Entry) -> bool) {
        let others = self.slots().filter(|&(slot, _)| slot != Slot::LOCAL);
        let gone = others.filter(|(_, entry)| !entry.state.is_live() && belongs(entry));
        since.check(gone.map(|(slot, entry)| (entry.since, slot)), what);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use core::net::SocketAddr;

    use super::*;
    use crate::member::{Incarnation, Versions};
    use crate::members::Announcement;
    use crate::random::Random;
    use crate::time::Instant;

    const LIVE: usize = 1;
    const FAILED: usize = 4;
    const LOST: usize = 6;

    /// The node itself, three live peers, two that failed and two that are lost.
    fn table() -> Members {
        let mut random = Random::new([1; 32]);
        let mut members = Members::new(&mut random);
        let new = Announcement {
            incarnation: Incarnation(1),
            address: SocketAddr::from(([10, 0, 0, 1], 7946)),
            meta: b"",
            versions: Versions::DEFAULT,
        };
        for number in 0..8 {
            let slot = members.add(Instant::ORIGIN, &format!("n{number}"), &new);
            if number >= FAILED {
                members.set_state(Instant::ORIGIN, slot, State::Failed);
            }
            if number >= LOST {
                members.lose(slot);
            }
        }
        members.next_to_probe(&mut random);
        members.check();
        members
    }

    fn slot(members: &Members, number: usize) -> Slot {
        members.find(&format!("n{number}")).expect("it was added")
    }

    #[test]
    #[should_panic(expected = "n1 is found by name")]
    fn a_name_that_is_not_found_is_noticed() {
        let mut members = table();
        let live = slot(&members, LIVE);
        members.index.retain(|&mut other| other != live);
        members.check();
    }

    #[test]
    #[should_panic(expected = "as many names as entries")]
    fn a_name_that_is_found_twice_is_noticed() {
        let mut members = table();
        let (hash, live) = (members.hash(b"n1"), slot(&members, LIVE));
        members.index.insert_unique(hash, live, |_| hash);
        members.check();
    }

    #[test]
    #[should_panic(expected = "the node itself is never lost")]
    fn a_lost_self_is_noticed() {
        let mut members = table();
        members.entry_mut(Slot::LOCAL).set_lost(true);
        members.check();
    }

    #[test]
    #[should_panic(expected = "probe ring: all that belong there")]
    fn a_member_that_is_never_probed_is_noticed() {
        let mut members = table();
        members.ring.pop();
        members.check();
    }

    #[test]
    #[should_panic(expected = "probe ring: Slot(4) belongs there")]
    fn a_failed_member_that_is_probed_is_noticed() {
        let mut members = table();
        members.ring[0] = slot(&members, FAILED);
        members.check();
    }

    #[test]
    #[should_panic(expected = "probe ring: the place of")]
    fn a_wrong_place_in_the_ring_is_noticed() {
        let mut members = table();
        members.ring.swap(0, 1);
        members.check();
    }

    #[test]
    #[should_panic(expected = "probe ring: Slot(0) is a member")]
    fn a_node_that_would_probe_itself_is_noticed() {
        let mut members = table();
        members.ring[0] = Slot::LOCAL;
        members.check();
    }

    #[test]
    #[should_panic(expected = "failed: the place of")]
    fn a_wrong_place_among_the_failed_is_noticed() {
        let mut members = table();
        let failed = slot(&members, FAILED);
        members.pages.set_place(failed, 1);
        members.check();
    }

    #[test]
    #[should_panic(expected = "failed: all that belong there")]
    fn a_failed_member_in_no_list_is_noticed() {
        let mut members = table();
        members.hearsay.failed.pop();
        members.check();
    }

    #[test]
    #[should_panic(expected = "lost: the place of")]
    fn a_wrong_place_among_the_lost_is_noticed() {
        let mut members = table();
        members.hearsay.lost.swap(0, 1);
        members.check();
    }

    #[test]
    #[should_panic(expected = "lost: all that belong there")]
    fn a_lost_member_in_no_list_is_noticed() {
        let mut members = table();
        members.hearsay.lost.pop();
        members.check();
    }

    #[test]
    #[should_panic(expected = "gone_since: Slot(4) is not due at")]
    fn a_gone_member_that_would_stay_listed_is_noticed() {
        let mut members = table();
        let failed = slot(&members, FAILED);
        members.gone_since.remove(Instant::ORIGIN, failed);
        members.check();
    }

    #[test]
    #[should_panic(expected = "gone_since: as many deadlines as things")]
    fn a_live_member_that_would_be_lost_is_noticed() {
        let mut members = table();
        let live = slot(&members, LIVE);
        members.gone_since.insert(Instant::ORIGIN, live);
        members.check();
    }

    #[test]
    #[should_panic(expected = "lost_since: Slot(6) is not due at")]
    fn a_lost_member_that_would_never_be_forgotten_is_noticed() {
        let mut members = table();
        let lost = slot(&members, LOST);
        members.hearsay.lost_since.remove(Instant::ORIGIN, lost);
        members.check();
    }

    #[test]
    #[should_panic(expected = "4 probed of 3 in the ring")]
    fn more_probed_than_there_are_is_noticed() {
        let mut members = table();
        members.probed = 4;
        members.check();
    }

    #[test]
    #[should_panic(expected = "the digest of the view")]
    fn a_change_that_the_digest_missed_is_noticed() {
        let mut members = table();
        members.entry_mut(Slot::LOCAL).incarnation += 1;
        members.check();
    }
}
