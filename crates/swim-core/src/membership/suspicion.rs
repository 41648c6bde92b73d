//! One suspicion: its accusers, the deadline to refute, and when the suspect is asked.

use alloc::vec::Vec;
use core::time::Duration;

use crate::config::{Config, SuspicionTimeouts};
use crate::member::Name;
use crate::members::Slot;
use crate::random::Random;
use crate::time::Instant;

/// Timing of suspicions in a cluster of some size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) timeouts: SuspicionTimeouts,
    /// How long a node that asks a suspect waits for the answer, before anything is declared.
    last_call: Duration,
    /// How long an accuser's verdict takes to spread.
    verdict_spreads: Duration,
}

impl Terms {
    pub(super) fn new(config: &Config, members: usize) -> Self {
        Terms {
            timeouts: config.suspicion_timeouts(members),
            last_call: config.last_call_time(),
            verdict_spreads: config.dissemination_bound(members),
        }
    }
}

/// One running suspicion.
///
/// This node asks the suspect itself before it declares it failed: accusations by peers may be long
/// refuted, and this node may have missed that. Nodes whose own probes failed declare first; the
/// other nodes wait for their verdict.
#[derive(Clone, Debug)]
pub(super) struct Suspicion {
    started: Instant,
    terms: Terms,
    /// The first accuser, then the members that confirmed. Each is listed once; there are at most
    /// `confirmations_max + 1`.
    accusers: Vec<Name>,
    /// This node's own probe failed.
    is_own: bool,
    /// The member that declared the suspect failed, if any. This node follows if the suspect is
    /// silent.
    verdict_of: Option<Name>,
    deadline: Instant,
    /// When the suspect was asked last, or the suspicion began.
    asked: Instant,
    /// When the suspect is asked next; `NEVER` if no time is left for its answer.
    call: Instant,
    /// The planned call, if the suspect is asked once before it.
    planned: Option<Instant>,
}

impl Suspicion {
    pub(super) fn new(
        now: Instant,
        accuser: Name,
        is_own: bool,
        terms: Terms,
        random: &mut Random,
    ) -> Self {
        let mut suspicion = Suspicion {
            started: now,
            terms,
            accusers: Vec::from([accuser]),
            is_own,
            verdict_of: None,
            deadline: Instant::NEVER,
            asked: now,
            call: Instant::NEVER,
            planned: None,
        };
        suspicion.deadline = suspicion.wanted_deadline();
        suspicion.plan_call(now, random);
        suspicion
    }

    /// Counts an accuser. Returns whether that is news: it is new, and confirmations still shorten
    /// the time.
    pub(super) fn confirm(
        &mut self,
        now: Instant,
        accuser: &str,
        is_own: bool,
        random: &mut Random,
    ) -> bool {
        let is_news = self.confirmations() < self.terms.timeouts.confirmations_max
            && self.accusers.iter().all(|known| known != accuser);
        if is_news {
            self.accusers.push(Name::trusted(accuser));
        }
        if is_news || (is_own && !self.is_own) {
            self.is_own |= is_own;
            self.shorten(now, self.wanted_deadline(), random);
        }
        is_news
    }

    /// Notes another member's verdict: this node asks the suspect, and then follows.
    pub(super) fn hasten(&mut self, now: Instant, declarer: &str, random: &mut Random) {
        self.verdict_of.get_or_insert_with(|| Name::trusted(declarer));
        self.shorten(now, now, random);
    }

    /// Whether the suspect has had time to answer this node since it was suspected.
    pub(super) fn is_ripe(&self, now: Instant) -> bool {
        now >= self.started + self.terms.last_call
    }

    /// Notes that the suspect answered: it is there, and its refutation is on the way. It is asked
    /// again later, in case that was lost. A suspect that answers and never refutes has twice the
    /// longest time.
    pub(super) fn answered(&mut self, now: Instant, random: &mut Random) {
        let Terms { timeouts, last_call, .. } = self.terms;
        let later = now + timeouts.min.max(last_call * 2);
        self.deadline = self.deadline.max(later.min(self.started + timeouts.max * 2));
        let again = now + last_call;
        if again + last_call <= self.deadline {
            self.plan_call(again, random);
        }
    }

    /// Notes that the suspect is asked now, and plans to ask again while an answer can come in
    /// time.
    pub(super) fn called(&mut self, now: Instant) {
        self.asked = now;
        if let Some(planned) = self.planned.take() {
            self.call = planned;
            return;
        }
        let again = now + self.terms.last_call;
        let in_time = again + self.terms.last_call <= self.deadline;
        self.call = if in_time { again } else { Instant::NEVER };
    }

    /// Asks the suspect now, with time to answer.
    pub(super) fn ask_again(&mut self, now: Instant) {
        self.deadline = now + self.terms.last_call;
        (self.asked, self.call, self.planned) = (now, now, None);
    }

    /// Asks the suspect once at this time, unless it is asked sooner anyway, with time to answer.
    pub(super) fn ask_once(&mut self, at: Instant) {
        if at < self.call && self.planned.is_none() {
            self.planned = Some(self.call);
            self.call = at;
            self.deadline = self.deadline.max(at + self.terms.last_call);
        }
    }

    /// Brings the deadline forward, but leaves time for an answer. The suspect is asked anew,
    /// because an earlier question may have been lost.
    fn shorten(&mut self, now: Instant, wanted: Instant, random: &mut Random) {
        let deadline = wanted.max(now + self.terms.last_call);
        if deadline < self.deadline {
            self.deadline = deadline;
            self.plan_call(now, random);
        }
    }

    /// The deadline by the accusers so far. Nodes whose own probes failed declare first. The other
    /// nodes wait until that verdict can have arrived.
    fn wanted_deadline(&self) -> Instant {
        let patience = if self.is_own { Duration::ZERO } else { self.terms.verdict_spreads };
        self.started + self.terms.timeouts.after(self.confirmations()) + patience
    }

    /// Plans to ask the suspect at a random time in the second half. The first half is left to
    /// gossip, which is cheaper, and not all members ask at once. Nodes that wait for a verdict
    /// ask, too: if most datagrams are lost, one of many gets through.
    fn plan_call(&mut self, now: Instant, random: &mut Random) {
        let time = self.deadline - self.started;
        let latest = self.started + time.saturating_sub(self.terms.last_call);
        self.planned = None;
        let earliest = (self.started + time / 2).min(latest).max(now);
        self.call = earliest + random.delay(latest.max(earliest) - earliest);
    }

    pub(super) fn confirmations(&self) -> u32 {
        u32::try_from(self.accusers.len()).expect("accusers are few") - 1
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn call(&self) -> Instant {
        self.call
    }

    pub(super) fn asked(&self) -> Instant {
        self.asked
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn first_accuser(&self) -> &Name {
        &self.accusers[0]
    }

    pub(super) fn verdict_of(&self) -> Option<&Name> {
        self.verdict_of.as_ref()
    }

    /// Whether this node is among the accusers.
    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    /// Whether this member is the only accuser.
    pub(super) fn is_accused_only_by(&self, name: &Name) -> bool {
        self.accusers == [name.clone()]
    }

    pub(super) fn into_accusers(self) -> Vec<Name> {
        self.accusers
    }

    /// Asserts that accusers count once, and that an answer to the last call can come in time.
    pub(super) fn check(&self, slot: Slot) {
        let Suspicion { accusers, terms, .. } = self;
        assert!(!accusers.is_empty(), "{slot:?} is suspected by nobody");
        let max = terms.timeouts.confirmations_max as usize + 1;
        assert!(accusers.len() <= max, "{slot:?} has {} accusers of {max}", accusers.len());
        let again = (1..accusers.len()).any(|at| accusers[..at].contains(&accusers[at]));
        assert!(!again, "{slot:?} is accused twice by one: {accusers:?}");
        let in_time = self.call == Instant::NEVER || self.call + terms.last_call <= self.deadline;
        assert!(in_time, "{slot:?} is asked at {:?} until {:?}", self.call, self.deadline);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lan() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    fn at(ms: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(ms)
    }

    /// In a cluster of 50: 6.8 to 40.8 s, and 1.6 s more for a node that waits for a verdict.
    fn suspicion(is_own: bool, random: &mut Random) -> Suspicion {
        let suspicion =
            Suspicion::new(at(0), "b".parse().unwrap(), is_own, Terms::new(&lan(), 50), random);
        suspicion.check(Slot::LOCAL);
        suspicion
    }

    #[test]
    fn a_suspect_is_asked_in_the_second_half_and_has_the_time_to_answer() {
        let mut random = Random::new([1; 32]);
        for _ in 0..100 {
            let own = suspicion(true, &mut random);
            assert_eq!(own.deadline(), at(40_752));
            assert!(own.call() >= at(20_376) && own.call() <= at(40_752 - 1500), "{own:?}");
            let heard = suspicion(false, &mut random);
            assert_eq!(heard.deadline(), at(40_752 + 1600));
            assert!(heard.call() >= at(21_176) && heard.call() <= at(40_852), "{heard:?}");
        }
    }

    #[test]
    fn late_confirmations_leave_the_time_of_a_last_call() {
        let mut random = Random::new([1; 32]);
        let mut suspicion = suspicion(true, &mut random);
        suspicion.called(at(29_900));
        assert!(suspicion.confirm(at(30_000), "c", false, &mut random));
        assert_eq!(suspicion.deadline(), at(31_500));
        assert_eq!(suspicion.call(), at(30_000), "asked anew");
        assert!(suspicion.confirm(at(31_000), "d", false, &mut random));
        assert_eq!(suspicion.deadline(), at(31_500), "never later than before");
        suspicion.check(Slot::LOCAL);
    }

    #[test]
    fn who_accuses_later_does_not_wait_for_others() {
        let mut random = Random::new([1; 32]);
        let mut suspicion = suspicion(false, &mut random);
        for accuser in ["c", "d"] {
            assert!(suspicion.confirm(at(1000), accuser, false, &mut random));
        }
        assert_eq!(suspicion.deadline(), at(6792 + 1600));
        assert!(!suspicion.confirm(at(2000), "a", true, &mut random), "no more count");
        assert_eq!(suspicion.deadline(), at(6792));
        suspicion.check(Slot::LOCAL);
    }

    #[test]
    fn a_suspect_that_answers_and_never_refutes_has_twice_the_longest_time() {
        let mut random = Random::new([1; 32]);
        let mut suspicion = suspicion(true, &mut random);
        while suspicion.call() < Instant::NEVER {
            let now = suspicion.call();
            suspicion.called(now);
            suspicion.answered(now, &mut random);
            suspicion.check(Slot::LOCAL);
        }
        let least = at(2 * 40_752 - 6792);
        assert!(suspicion.deadline() >= least && suspicion.deadline() <= at(2 * 40_752));
    }

    #[test]
    #[should_panic(expected = "Slot(0) is suspected by nobody")]
    fn a_suspicion_without_an_accuser_is_noticed() {
        let mut suspicion = suspicion(true, &mut Random::new([1; 32]));
        suspicion.accusers.clear();
        suspicion.check(Slot::LOCAL);
    }

    #[test]
    #[should_panic(expected = "Slot(0) is accused twice by one")]
    fn an_accuser_that_counts_twice_is_noticed() {
        let mut suspicion = suspicion(true, &mut Random::new([1; 32]));
        suspicion.accusers.push("b".parse().unwrap());
        suspicion.check(Slot::LOCAL);
    }

    #[test]
    #[should_panic(expected = "Slot(0) has 2 accusers of 1")]
    fn more_accusers_than_count_are_noticed() {
        let mut suspicion = suspicion(true, &mut Random::new([1; 32]));
        suspicion.terms.timeouts.confirmations_max = 0;
        suspicion.accusers.push("c".parse().unwrap());
        suspicion.check(Slot::LOCAL);
    }

    #[test]
    #[should_panic(expected = "Slot(0) is asked at")]
    fn a_last_call_that_comes_too_late_is_noticed() {
        let mut suspicion = suspicion(true, &mut Random::new([1; 32]));
        suspicion.call = suspicion.deadline;
        suspicion.check(Slot::LOCAL);
    }
}
