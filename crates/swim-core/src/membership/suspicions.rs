//! Suspicions and their timeouts. Lifeguard, section IV.B.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::config::SuspicionTimeouts;
use crate::deadlines::Deadlines;
use crate::member::Name;
use crate::members::Slot;
use crate::time::Instant;

/// One running suspicion.
#[derive(Clone, Debug)]
pub(super) struct Suspicion {
    started: Instant,
    timeouts: SuspicionTimeouts,
    /// The first accuser, then those who confirmed, each once; at most `confirmations_max + 1`.
    accusers: Vec<Name>,
    deadline: Instant,
    last_call: Instant,
}

impl Suspicion {
    pub(super) fn confirmations(&self) -> u32 {
        u32::try_from(self.accusers.len()).expect("accusers are few") - 1
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn first_accuser(&self) -> &Name {
        &self.accusers[0]
    }

    /// Whether a member is among the accusers.
    pub(super) fn is_accused_by(&self, name: &Name) -> bool {
        self.accusers.contains(name)
    }

    /// Whether a member is the only accuser.
    pub(super) fn is_accused_only_by(&self, name: &Name) -> bool {
        self.accusers == [name.clone()]
    }

    /// All accusers, once it is over.
    pub(super) fn into_accusers(self) -> Vec<Name> {
        self.accusers
    }
}

/// All running suspicions, by suspect and by deadline.
#[derive(Debug, Default)]
pub(super) struct Suspicions {
    by_suspect: BTreeMap<Slot, Suspicion>,
    by_deadline: Deadlines<Slot>,
    /// When each suspect is asked once more.
    last_calls: Deadlines<Slot>,
}

impl Suspicions {
    pub(super) fn start(
        &mut self,
        now: Instant,
        suspect: Slot,
        accuser: Name,
        timeouts: SuspicionTimeouts,
    ) {
        let deadline = now + timeouts.after(0);
        let accusers = Vec::from([accuser]);
        // Half of the shortest timeout is enough for a lost handshake to be repeated, and leaves
        // gossip, which is cheaper, the first half.
        let last_call = now + timeouts.min / 2;
        let suspicion = Suspicion { started: now, timeouts, accusers, deadline, last_call };
        let before = self.by_suspect.insert(suspect, suspicion);
        debug_assert!(before.is_none(), "a suspect is suspected once");
        self.by_deadline.insert(deadline, suspect);
        self.last_calls.insert(last_call, suspect);
    }

    /// A suspect that is to be asked now. It is asked again after as long, while there is time.
    pub(super) fn take_last_call(&mut self, now: Instant) -> Option<Slot> {
        let (at, suspect) = self.last_calls.take_due(now)?;
        let suspicion = self.by_suspect.get_mut(&suspect)?;
        suspicion.last_call = at.max(now) + suspicion.timeouts.min / 2;
        self.last_calls.insert(suspicion.last_call, suspect);
        Some(suspect)
    }

    pub(super) fn next_last_call(&self) -> Option<Instant> {
        self.last_calls.next()
    }

    /// Counts an independent confirmation. Returns the suspicion if that was news: the accuser is
    /// new, and confirmations still shorten the timeout.
    pub(super) fn confirm(&mut self, suspect: Slot, accuser: &str) -> Option<&Suspicion> {
        let suspicion = self.by_suspect.get_mut(&suspect)?;
        if suspicion.confirmations() >= suspicion.timeouts.confirmations_max
            || suspicion.accusers.iter().any(|known| known == accuser)
        {
            return None;
        }
        suspicion.accusers.push(Name::trusted(accuser));
        let before = suspicion.deadline;
        suspicion.deadline =
            suspicion.started + suspicion.timeouts.after(suspicion.confirmations());
        self.by_deadline.move_to(before, suspicion.deadline, suspect);
        Some(suspicion)
    }

    pub(super) fn end(&mut self, suspect: Slot) -> Option<Suspicion> {
        let suspicion = self.by_suspect.remove(&suspect)?;
        self.by_deadline.remove(suspicion.deadline, suspect);
        self.last_calls.remove(suspicion.last_call, suspect);
        Some(suspicion)
    }

    pub(super) fn get(&self, suspect: Slot) -> Option<&Suspicion> {
        self.by_suspect.get(&suspect)
    }

    /// Asserts that deadlines and last calls agree with the suspicions, and that accusers count
    /// once.
    pub(super) fn check(&self) {
        let each = || self.by_suspect.iter();
        let deadlines = each().map(|(&slot, suspicion)| (suspicion.deadline, slot));
        self.by_deadline.check(deadlines, "suspicions");
        let last_calls = each().map(|(&slot, suspicion)| (suspicion.last_call, slot));
        self.last_calls.check(last_calls, "last calls");
        for (slot, Suspicion { accusers, timeouts, .. }) in each() {
            assert!(!accusers.is_empty(), "{slot:?} is suspected by nobody");
            let max = timeouts.confirmations_max as usize + 1;
            assert!(accusers.len() <= max, "{slot:?} has {} accusers of {max}", accusers.len());
            let again = (1..accusers.len()).any(|at| accusers[..at].contains(&accusers[at]));
            assert!(!again, "{slot:?} is accused twice by one: {accusers:?}");
        }
    }

    /// Everybody who is suspected.
    pub(super) fn suspects(&self) -> impl Iterator<Item = Slot> + '_ {
        self.by_suspect.keys().copied()
    }

    /// When the first suspicion times out.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.next()
    }

    /// The suspicion that times out next.
    pub(super) fn next(&self) -> Option<(Instant, Slot)> {
        self.by_deadline.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn lan() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    #[test]
    fn an_accuser_counts_once() {
        let mut suspicions = Suspicions::default();
        let suspect = Slot::LOCAL;
        let accuser = |name: &str| Name::new(name).unwrap();
        suspicions.start(Instant::ORIGIN, suspect, accuser("b"), lan().suspicion_timeouts(50));
        let first = suspicions.next().unwrap().0;
        assert!(suspicions.confirm(suspect, "b").is_none());
        assert!(suspicions.confirm(suspect, "c").is_some());
        assert!(suspicions.confirm(suspect, "c").is_none());
        assert!(suspicions.next().unwrap().0 < first);
        assert!(suspicions.confirm(suspect, "d").is_some());
        assert!(suspicions.confirm(suspect, "e").is_none(), "more confirmations change nothing");
        assert_eq!(suspicions.end(suspect).unwrap().accusers.len(), 3);
        assert!(suspicions.next().is_none());
    }

    fn suspected() -> Suspicions {
        let mut suspicions = Suspicions::default();
        let accuser = Name::new("b").unwrap();
        suspicions.start(Instant::ORIGIN, Slot::LOCAL, accuser, lan().suspicion_timeouts(50));
        suspicions.check();
        suspicions
    }

    fn suspicion(suspicions: &mut Suspicions) -> &mut Suspicion {
        suspicions.by_suspect.get_mut(&Slot::LOCAL).unwrap()
    }

    #[test]
    #[should_panic(expected = "suspicions: Slot(0) is not due at")]
    fn a_suspicion_that_would_never_end_is_noticed() {
        let mut suspicions = suspected();
        suspicions.by_deadline.clear();
        suspicions.check();
    }

    #[test]
    #[should_panic(expected = "suspicions: as many deadlines as things")]
    fn a_deadline_of_no_suspicion_is_noticed() {
        let mut suspicions = suspected();
        suspicions.by_suspect.clear();
        suspicions.check();
    }

    #[test]
    #[should_panic(expected = "last calls: Slot(0) is not due at")]
    fn a_suspect_that_would_not_be_asked_is_noticed() {
        let mut suspicions = suspected();
        suspicion(&mut suspicions).last_call = Instant::NEVER;
        suspicions.check();
    }

    #[test]
    #[should_panic(expected = "Slot(0) is suspected by nobody")]
    fn a_suspicion_without_an_accuser_is_noticed() {
        let mut suspicions = suspected();
        suspicion(&mut suspicions).accusers.clear();
        suspicions.check();
    }

    #[test]
    #[should_panic(expected = "Slot(0) is accused twice by one")]
    fn an_accuser_that_counts_twice_is_noticed() {
        let mut suspicions = suspected();
        suspicion(&mut suspicions).accusers.push(Name::new("b").unwrap());
        suspicions.check();
    }

    #[test]
    #[should_panic(expected = "Slot(0) has 2 accusers of 1")]
    fn more_accusers_than_count_are_noticed() {
        let mut suspicions = suspected();
        let suspicion = suspicion(&mut suspicions);
        suspicion.timeouts.confirmations_max = 0;
        suspicion.accusers.push(Name::new("c").unwrap());
        suspicions.check();
    }
}
