//! Suspicions and their timeouts. Lifeguard, section IV.B.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use crate::config::Config;
use crate::member::Name;
use crate::pages::Slot;
use crate::time::Instant;

/// How long a suspect has, given how many confirm the suspicion independently.
///
/// The timeout starts at `max` and shrinks to `min` as confirmations come in:
/// `max - (max - min) * log(c + 1) / log(k + 1)` for `c` of `k` confirmations, rounded down to
/// milliseconds. It cannot shrink when there are too few peers to confirm; then it is `min` at
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
    /// How many independent confirmations shorten the timeout to `min`.
    pub(crate) confirmations_max: u32,
}

impl Timeouts {
    /// The timeouts in a cluster of `members` live members, the node itself included.
    pub(crate) fn new(config: &Config, members: usize) -> Self {
        // In thousandths, rounded down, as memberlist has it: nodes should agree to the
        // millisecond.
        let scale = whole(1000.0 * libm::log10(members.max(1) as f64).max(1.0));
        let scale = u32::try_from(scale).expect("the logarithm of a count is small");
        let min = config.probe_interval * config.suspicion_mult * scale / 1000;
        let wanted = config.suspicion_mult.saturating_sub(2);
        // The suspect and this node cannot confirm.
        let enough = members.saturating_sub(2) >= wanted as usize;
        if config.lifeguard_suspicion && wanted > 0 && enough {
            let max = min * config.suspicion_max_mult;
            Timeouts { min, max, confirmations_max: wanted }
        } else {
            Timeouts { min, max: min, confirmations_max: 0 }
        }
    }

    /// The timeout after `confirmations` independent confirmations.
    pub(crate) fn after(&self, confirmations: u32) -> Duration {
        if self.confirmations_max == 0 || confirmations >= self.confirmations_max {
            return self.min;
        }
        let share = libm::log(f64::from(confirmations) + 1.0)
            / libm::log(f64::from(self.confirmations_max) + 1.0);
        let span = (self.max - self.min).as_secs_f64() * 1000.0;
        let timeout_ms = whole(self.max.as_secs_f64() * 1000.0 - share * span);
        Duration::from_millis(timeout_ms).max(self.min)
    }
}

/// Rounds down.
#[expect(clippy::cast_possible_truncation, reason = "casts from f64 saturate")]
fn whole(value: f64) -> u64 {
    libm::floor(value) as u64
}

/// One running suspicion.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    pub(crate) started: Instant,
    pub(crate) timeouts: Timeouts,
    /// The first accuser, then those who confirmed, each once; at most `confirmations_max + 1`.
    pub(crate) accusers: Vec<Name>,
    deadline: Instant,
    last_call: Instant,
}

impl Suspicion {
    pub(crate) fn confirmations(&self) -> u32 {
        u32::try_from(self.accusers.len()).expect("accusers are few") - 1
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// All running suspicions, by suspect and by deadline.
#[derive(Debug, Default)]
pub(crate) struct Suspicions {
    by_suspect: BTreeMap<Slot, Suspicion>,
    by_deadline: BTreeSet<(Instant, Slot)>,
    /// When each suspect is asked once more.
    last_calls: BTreeSet<(Instant, Slot)>,
}

impl Suspicions {
    pub(crate) fn start(&mut self, now: Instant, suspect: Slot, accuser: Name, timeouts: Timeouts) {
        let deadline = now + timeouts.after(0);
        let accusers = Vec::from([accuser]);
        // Half of the shortest timeout is enough for a lost handshake to be repeated, and leaves
        // gossip, which is cheaper, the first half.
        let last_call = now + timeouts.min / 2;
        let suspicion = Suspicion { started: now, timeouts, accusers, deadline, last_call };
        let before = self.by_suspect.insert(suspect, suspicion);
        debug_assert!(before.is_none(), "a suspect is suspected once");
        self.by_deadline.insert((deadline, suspect));
        self.last_calls.insert((last_call, suspect));
    }

    /// A suspect that is to be asked now. It is asked again after as long, while there is time.
    pub(crate) fn take_last_call(&mut self, now: Instant) -> Option<Slot> {
        let &(at, suspect) = self.last_calls.first().filter(|&&(at, _)| at <= now)?;
        self.last_calls.pop_first();
        let suspicion = self.by_suspect.get_mut(&suspect)?;
        suspicion.last_call = at.max(now) + suspicion.timeouts.min / 2;
        self.last_calls.insert((suspicion.last_call, suspect));
        Some(suspect)
    }

    pub(crate) fn next_last_call(&self) -> Option<Instant> {
        self.last_calls.first().map(|&(at, _)| at)
    }

    /// Counts an independent confirmation. Returns the suspicion if that was news: the accuser is
    /// new, and confirmations still shorten the timeout.
    pub(crate) fn confirm(&mut self, suspect: Slot, accuser: &str) -> Option<&Suspicion> {
        let suspicion = self.by_suspect.get_mut(&suspect)?;
        if suspicion.confirmations() >= suspicion.timeouts.confirmations_max
            || suspicion.accusers.iter().any(|known| known == accuser)
        {
            return None;
        }
        suspicion.accusers.push(Name::trusted(accuser));
        self.by_deadline.remove(&(suspicion.deadline, suspect));
        suspicion.deadline =
            suspicion.started + suspicion.timeouts.after(suspicion.confirmations());
        self.by_deadline.insert((suspicion.deadline, suspect));
        Some(suspicion)
    }

    pub(crate) fn end(&mut self, suspect: Slot) -> Option<Suspicion> {
        let suspicion = self.by_suspect.remove(&suspect)?;
        self.by_deadline.remove(&(suspicion.deadline, suspect));
        self.last_calls.remove(&(suspicion.last_call, suspect));
        Some(suspicion)
    }

    pub(crate) fn get(&self, suspect: Slot) -> Option<&Suspicion> {
        self.by_suspect.get(&suspect)
    }

    /// The suspicion that times out next.
    pub(crate) fn next(&self) -> Option<(Instant, Slot)> {
        self.by_deadline.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lan() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    fn millis(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn timeouts_are_those_of_memberlist() {
        // memberlist 0.6 with its LAN profile, n = 3 and n = 50.
        let three = Timeouts::new(&lan(), 3);
        assert_eq!(three, Timeouts { min: millis(4000), max: millis(4000), confirmations_max: 0 });
        let fifty = Timeouts::new(&lan(), 50);
        assert_eq!((fifty.min, fifty.confirmations_max), (millis(6792), 2));
        assert_eq!(fifty.after(0), millis(40_752));
        assert_eq!(fifty.after(1), millis(19_325));
        assert_eq!(fifty.after(2), fifty.min);
    }

    #[test]
    fn the_first_confirmations_shorten_most() {
        let timeouts = Timeouts { min: millis(1000), max: millis(6000), confirmations_max: 4 };
        let all: Vec<Duration> = (0..=5).map(|c| timeouts.after(c)).collect();
        assert_eq!(all[0], millis(6000));
        assert_eq!(all[4..], [millis(1000), millis(1000)]);
        let steps: Vec<Duration> = all[..5].windows(2).map(|w| w[0] - w[1]).collect();
        assert!(steps.windows(2).all(|w| w[0] > w[1]), "{steps:?}");
    }

    #[test]
    fn without_the_component_the_timeout_is_short_at_once() {
        let config = Config { lifeguard_suspicion: false, ..lan() };
        let timeouts = Timeouts::new(&config, 50);
        assert_eq!(timeouts.max, timeouts.min);
    }

    #[test]
    fn an_accuser_counts_once() {
        let mut suspicions = Suspicions::default();
        let suspect = Slot::LOCAL;
        let accuser = |name: &str| Name::new(name).unwrap();
        suspicions.start(Instant::ORIGIN, suspect, accuser("b"), Timeouts::new(&lan(), 50));
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
}
