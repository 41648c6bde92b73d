//! All running suspicions, and when each times out (Lifeguard, section IV.B).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::suspicion::{Suspicion, Terms};
use crate::deadlines::Deadlines;
use crate::member::Name;
use crate::members::Slot;
use crate::random::Random;
use crate::time::Instant;

/// All running suspicions, by suspect and by deadline.
#[derive(Debug, Default)]
pub(super) struct Suspicions {
    by_suspect: BTreeMap<Slot, Suspicion>,
    by_deadline: Deadlines<Slot>,
    /// When each suspect is asked next.
    calls: Deadlines<Slot>,
}

impl Suspicions {
    /// Starts a suspicion; `is_own` if this node's own probe failed.
    pub(super) fn start(
        &mut self,
        now: Instant,
        suspect: Slot,
        (accuser, is_own): (Name, bool),
        terms: Terms,
        random: &mut Random,
    ) {
        let suspicion = Suspicion::new(now, accuser, is_own, terms, random);
        self.by_deadline.insert(suspicion.deadline(), suspect);
        self.calls.insert(suspicion.call(), suspect);
        let before = self.by_suspect.insert(suspect, suspicion);
        debug_assert!(before.is_none(), "a suspect is suspected once");
    }

    /// Takes a suspect that is to be asked now.
    pub(super) fn take_call(&mut self, now: Instant) -> Option<Slot> {
        let (_, suspect) = self.calls.first().filter(|&(at, _)| at <= now)?;
        self.change(suspect, |it| it.called(now))?;
        Some(suspect)
    }

    /// When the first suspect is asked.
    pub(super) fn next_call(&self) -> Instant {
        self.calls.soonest()
    }

    /// Counts an independent confirmation. Returns the suspicion if that is news: the accuser is
    /// new, and confirmations still shorten the timeout.
    pub(super) fn confirm(
        &mut self,
        now: Instant,
        suspect: Slot,
        (accuser, is_own): (&str, bool),
        random: &mut Random,
    ) -> Option<&Suspicion> {
        let is_news = self.change(suspect, |it| it.confirm(now, accuser, is_own, random))?;
        self.by_suspect.get(&suspect).filter(|_| is_news)
    }

    /// Notes another member's verdict: the suspect is asked now, and this node follows if it is
    /// silent.
    pub(super) fn hasten(
        &mut self,
        now: Instant,
        suspect: Slot,
        declarer: &str,
        random: &mut Random,
    ) {
        self.change(suspect, |it| it.hasten(now, declarer, random));
    }

    /// Asks the suspect now, with time to answer, because it or this node could not be reached
    /// before.
    pub(super) fn ask_again(&mut self, now: Instant, suspect: Slot) {
        self.change(suspect, |it| it.ask_again(now));
    }

    /// Asks the members that this node's own probes have suspected since `since`, `share` per
    /// period.
    pub(super) fn ask_own(&mut self, since: Instant, now: Instant, period: Duration, share: u32) {
        let own = |(_, it): &(&Slot, &Suspicion)| it.is_own() && it.started() >= since;
        let suspects: Vec<Slot> =
            self.by_suspect.iter().filter(own).map(|(slot, _)| *slot).collect();
        let mut at = now;
        for suspect in suspects {
            self.change(suspect, |it| it.ask_once(at));
            at += period / share;
        }
    }

    /// Notes that the suspect answered this node.
    pub(super) fn answered(&mut self, now: Instant, suspect: Slot, random: &mut Random) {
        self.change(suspect, |it| it.answered(now, random));
    }

    /// Changes a suspicion and its deadlines.
    fn change<T>(&mut self, suspect: Slot, change: impl FnOnce(&mut Suspicion) -> T) -> Option<T> {
        let suspicion = self.by_suspect.get_mut(&suspect)?;
        let (deadline, call) = (suspicion.deadline(), suspicion.call());
        let result = change(suspicion);
        self.by_deadline.move_to(deadline, suspicion.deadline(), suspect);
        self.calls.move_to(call, suspicion.call(), suspect);
        Some(result)
    }

    pub(super) fn end(&mut self, suspect: Slot) -> Option<Suspicion> {
        let suspicion = self.by_suspect.remove(&suspect)?;
        self.by_deadline.remove(suspicion.deadline(), suspect);
        self.calls.remove(suspicion.call(), suspect);
        Some(suspicion)
    }

    pub(super) fn get(&self, suspect: Slot) -> Option<&Suspicion> {
        self.by_suspect.get(&suspect)
    }

    /// Asserts that deadlines and calls match the suspicions, and that accusers count once.
    pub(super) fn check(&self) {
        let each = || self.by_suspect.iter();
        let deadlines = each().map(|(&slot, suspicion)| (suspicion.deadline(), slot));
        self.by_deadline.check(deadlines, "suspicions");
        let calls = each().map(|(&slot, suspicion)| (suspicion.call(), slot));
        self.calls.check(calls, "last calls");
        for (slot, suspicion) in each() {
            suspicion.check(*slot);
        }
    }

    /// All suspects.
    pub(super) fn suspects(&self) -> impl Iterator<Item = Slot> + '_ {
        self.by_suspect.keys().copied()
    }

    /// When the first suspicion times out.
    pub(super) fn next_deadline(&self) -> Instant {
        self.by_deadline.soonest()
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

    fn accuser(name: &str) -> (Name, bool) {
        (name.parse().unwrap(), false)
    }

    fn terms() -> Terms {
        Terms::new(&lan(), 50)
    }

    #[test]
    fn an_accuser_counts_once() {
        let (mut suspicions, mut random) = (Suspicions::default(), Random::new([1; 32]));
        let (suspect, now) = (Slot::LOCAL, Instant::ORIGIN);
        suspicions.start(now, suspect, accuser("b"), terms(), &mut random);
        let first = suspicions.next().unwrap().0;
        let mut confirm = |suspicions: &mut Suspicions, accuser: &str| {
            suspicions.confirm(now, suspect, (accuser, false), &mut random).is_some()
        };
        assert!(!confirm(&mut suspicions, "b"));
        assert!(confirm(&mut suspicions, "c"));
        assert!(!confirm(&mut suspicions, "c"));
        assert!(suspicions.next().unwrap().0 < first);
        assert!(confirm(&mut suspicions, "d"));
        assert!(!confirm(&mut suspicions, "e"), "more confirmations change nothing");
        assert_eq!(suspicions.end(suspect).unwrap().into_accusers().len(), 3);
        assert!(suspicions.next().is_none());
    }

    fn suspected() -> Suspicions {
        let (mut suspicions, mut random) = (Suspicions::default(), Random::new([1; 32]));
        suspicions.start(Instant::ORIGIN, Slot::LOCAL, accuser("b"), terms(), &mut random);
        suspicions.check();
        suspicions
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
        suspicions.calls.clear();
        suspicions.check();
    }
}
