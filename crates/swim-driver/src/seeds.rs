//! The seeds of a node, and when to ask each again.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use swim_core::{Deadlines, Instant};

use crate::seed::Seed;

/// The first wait after an attempt while alone. Each further wait is twice as long, ...
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// ... up to this, so that a whole cluster does not bury its seeds when they return.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// The wait between attempts among live peers, in clusters of up to 32.
const HEAL_INTERVAL: Duration = Duration::from_secs(60);
/// How many seeds are kept, unless the node starts with more. Each is asked for ever. Joins of
/// further seeds still work.
pub(crate) const SEEDS_MAX: usize = 256;

/// Each seed is asked separately, so that one that does not answer holds up no other.
#[derive(Debug)]
pub(crate) struct Seeds {
    /// By number, in the order of addition.
    table: BTreeMap<u64, Entry>,
    last_number: u64,
    /// When to ask each seed next, by number.
    due: Deadlines<u64>,
    /// No live peer is known.
    alone: bool,
    rng: ChaCha8Rng,
}

#[derive(Debug)]
struct Entry {
    seed: Seed,
    /// When to ask next; `None` while an attempt is under way.
    next: Option<Instant>,
    /// The next wait while alone.
    backoff: Duration,
}

/// The result of adding a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    New,
    Known,
    /// The list is full.
    Full,
}

impl Seeds {
    /// Seeds to ask at once.
    pub(crate) fn new(list: Vec<Seed>, rng: ChaCha8Rng) -> Self {
        let mut seeds = Seeds {
            table: BTreeMap::new(),
            last_number: 0,
            due: Deadlines::default(),
            alone: true,
            rng,
        };
        for seed in list {
            if !seeds.contains(&seed) {
                seeds.push(seed, Instant::ORIGIN);
            }
        }
        seeds
    }

    /// Keeps a seed that the application joins now. False if the list is full.
    pub(crate) fn remember(&mut self, now: Instant, seed: Seed) -> bool {
        let wait = jittered(&mut self.rng, BACKOFF_MIN);
        self.add(now + wait, seed) != Added::Full
    }

    /// Keeps a seed, to be asked first at this time. A known one stays as it is.
    pub(crate) fn add(&mut self, at: Instant, seed: Seed) -> Added {
        if self.contains(&seed) {
            return Added::Known;
        }
        if self.table.len() >= SEEDS_MAX {
            return Added::Full;
        }
        self.push(seed, at);
        Added::New
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Removes a seed. False if it was not one.
    pub(crate) fn remove(&mut self, seed: &Seed) -> bool {
        let Some(entry) = self.number_of(seed).and_then(|number| self.table.remove_entry(&number))
        else {
            return false;
        };
        if let (number, Entry { next: Some(next), .. }) = entry {
            self.due.remove(next, number);
        }
        true
    }

    fn contains(&self, seed: &Seed) -> bool {
        self.number_of(seed).is_some()
    }

    fn number_of(&self, seed: &Seed) -> Option<u64> {
        self.table.iter().find(|(_, entry)| entry.seed == *seed).map(|(number, _)| *number)
    }

    fn push(&mut self, seed: Seed, at: Instant) {
        self.last_number += 1;
        self.table.insert(self.last_number, Entry { seed, next: Some(at), backoff: BACKOFF_MIN });
        self.due.insert(at, self.last_number);
    }

    /// The seeds that are due, in the order of addition. Each is asked again only after its
    /// [`attempt_ended`](Seeds::attempt_ended).
    pub(crate) fn attempts(&mut self, now: Instant) -> Vec<Seed> {
        let mut due: Vec<u64> =
            std::iter::from_fn(|| self.due.take_due(now)).map(|(_, number)| number).collect();
        due.sort_unstable();
        let entries = due.iter().filter_map(|number| {
            let entry = self.table.get_mut(number)?;
            entry.next = None;
            Some(entry.seed.clone())
        });
        entries.collect()
    }

    /// An attempt succeeded or failed.
    pub(crate) fn attempt_ended(&mut self, now: Instant, seed: &Seed, members_live: usize) {
        let Some(number) = self.number_of(seed) else {
            return;
        };
        let entry = self.table.get_mut(&number).expect("it has this number");
        let mut wait = heal_interval(members_live);
        if members_live <= 1 {
            wait = entry.backoff;
            entry.backoff = (wait * 2).min(BACKOFF_MAX);
        }
        let at = now + jittered(&mut self.rng, wait);
        match entry.next.replace(at) {
            Some(before) => self.due.move_to(before, at, number),
            None => self.due.insert(at, number),
        }
    }

    /// Notices the first peer, and the loss of the last, which makes attempts urgent again.
    pub(crate) fn observe(&mut self, now: Instant, members_live: usize) {
        let alone = members_live <= 1;
        if alone == self.alone {
            return;
        }
        self.alone = alone;
        let wait = if alone { BACKOFF_MIN } else { heal_interval(members_live) };
        for (number, entry) in &mut self.table {
            let next = now + jittered(&mut self.rng, wait);
            entry.backoff = BACKOFF_MIN;
            // `None` during an attempt: its end sets the next time.
            if let Some(before) = entry.next.as_mut() {
                self.due.move_to(*before, next, *number);
                *before = next;
            }
        }
    }

    /// When the next attempt is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due.next()
    }

    /// Keeps at most `keep` random addresses of a name, so that not all nodes ask the same ones.
    pub(crate) fn pick<T>(&mut self, mut addresses: Vec<T>, keep: usize) -> Vec<T> {
        while addresses.len() > keep {
            let drop = usize::try_from(self.rng.next_u64() % addresses.len() as u64)
                .expect("a remainder is below the length");
            addresses.swap_remove(drop);
        }
        addresses
    }
}

/// Half to all of `wait`, so that nodes that started together do not ask together.
fn jittered(rng: &mut ChaCha8Rng, wait: Duration) -> Duration {
    wait / 2 + (wait / 2).mul_f64(f64::from(rng.next_u32()) / f64::from(u32::MAX))
}

/// Stretched like the push/pull interval, so that the load on the seeds grows slowly.
fn heal_interval(members_live: usize) -> Duration {
    let log2 = members_live.next_power_of_two().trailing_zeros();
    HEAL_INTERVAL * log2.saturating_sub(4).max(1)
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;

    fn seeds(list: &[&str]) -> Seeds {
        let list = list.iter().map(|seed| seed.parse().unwrap()).collect();
        Seeds::new(list, ChaCha8Rng::from_seed([7; 32]))
    }

    /// The waits between failing attempts of the first seed.
    fn waits(seeds: &mut Seeds, members_live: usize, count: usize) -> Vec<Duration> {
        let mut now = Instant::ORIGIN;
        let mut waits = Vec::new();
        while waits.len() < count {
            let asked = seeds.attempts(now);
            assert_eq!(asked.len(), 1);
            assert_eq!(seeds.deadline(), None, "one attempt at a time");
            seeds.attempt_ended(now, &asked[0], members_live);
            let next = seeds.deadline().unwrap();
            assert_eq!(seeds.attempts(now), [], "not before its time");
            waits.push(next - now);
            now = next;
        }
        waits
    }

    #[test]
    fn seeds_are_asked_at_once() {
        assert_eq!(seeds(&["a:1", "b:1", "a:1"]).attempts(Instant::ORIGIN).len(), 2);
    }

    #[test]
    fn without_seeds_there_is_nothing_to_wait_for() {
        let mut none = seeds(&[]);
        assert_eq!(none.deadline(), None);
        assert_eq!(none.attempts(Instant::ORIGIN), []);
        assert!(none.remember(Instant::ORIGIN, "a:1".parse().unwrap()));
        assert!(none.deadline().is_some());
    }

    #[test]
    fn a_lonely_node_asks_for_ever_at_growing_jittered_intervals() {
        let waits = waits(&mut seeds(&["a:1"]), 1, 100);
        let mut bound = BACKOFF_MIN;
        for wait in &waits {
            assert!((bound / 2..=bound).contains(wait), "{wait:?} is not near {bound:?}");
            bound = (bound * 2).min(BACKOFF_MAX);
        }
        assert!(waits[50..].iter().any(|wait| *wait != waits[50]), "no jitter");
    }

    #[test]
    fn a_seed_that_does_not_answer_holds_up_no_other() {
        let mut seeds = seeds(&["silent:1", "refusing:1"]);
        let asked = seeds.attempts(Instant::ORIGIN);
        seeds.attempt_ended(Instant::ORIGIN, &asked[1], 1);
        let next = seeds.deadline().unwrap();
        assert_eq!(seeds.attempts(next), asked[1..]);
    }

    #[test]
    fn among_peers_seeds_are_asked_rarely() {
        for (members, minutes) in [(2, 1), (32, 1), (64, 2), (1000, 6), (100_000, 13)] {
            let bound = HEAL_INTERVAL * minutes;
            for wait in waits(&mut seeds(&["a:1"]), members, 10) {
                assert!((bound / 2..=bound).contains(&wait), "{members} members: {wait:?}");
            }
        }
    }

    #[test]
    fn the_first_peer_calms_and_the_loss_of_the_last_makes_it_urgent() {
        let mut seeds = seeds(&["a:1", "b:1"]);
        let wait = |seeds: &Seeds| seeds.deadline().unwrap() - Instant::ORIGIN;
        seeds.observe(Instant::ORIGIN, 3);
        assert!(wait(&seeds) >= HEAL_INTERVAL / 2);
        seeds.observe(Instant::ORIGIN, 2);
        assert!(wait(&seeds) >= HEAL_INTERVAL / 2);
        seeds.observe(Instant::ORIGIN, 1);
        assert!(wait(&seeds) <= BACKOFF_MIN);
    }

    #[test]
    fn a_seed_is_remembered_once_and_not_without_limit() {
        let mut seeds = seeds(&["a:1"]);
        let mut remember = |seed: String| seeds.remember(Instant::ORIGIN, seed.parse().unwrap());
        for port in 1..=SEEDS_MAX {
            assert!(remember(format!("a:{port}")));
        }
        assert!(!remember("b:1".into()));
        assert!(remember("a:1".into()), "known ones need no room");
        assert_eq!(seeds.table.len(), SEEDS_MAX);
    }

    #[test]
    fn an_added_seed_is_asked_at_once_and_a_known_one_when_it_was_to_be() {
        let mut seeds = seeds(&["a:1"]);
        let asked = seeds.attempts(Instant::ORIGIN);
        seeds.attempt_ended(Instant::ORIGIN, &asked[0], 2);
        let now = Instant::ORIGIN + Duration::from_secs(1);
        assert_eq!(seeds.add(now, "a:1".parse().unwrap()), Added::Known);
        assert_eq!(seeds.attempts(now), []);
        assert_eq!(seeds.add(now, "b:1".parse().unwrap()), Added::New);
        assert_eq!(seeds.attempts(now), ["b:1".parse().unwrap()]);
    }

    #[test]
    fn a_removed_seed_is_not_asked_again_not_even_after_an_attempt_that_was_under_way() {
        let mut seeds = seeds(&["a:1", "b:1"]);
        let asked = seeds.attempts(Instant::ORIGIN);
        assert!(seeds.remove(&asked[0]));
        assert!(!seeds.remove(&asked[0]), "it is none any more");
        seeds.attempt_ended(Instant::ORIGIN, &asked[0], 1);
        assert_eq!(seeds.deadline(), None);
        seeds.attempt_ended(Instant::ORIGIN, &asked[1], 1);
        assert_eq!(seeds.attempts(seeds.deadline().unwrap()), asked[1..]);
    }

    #[test]
    fn of_many_addresses_some_are_picked() {
        let picked = seeds(&[]).pick((0..100).collect(), 10);
        assert_eq!(picked.len(), 10);
        assert_ne!(picked, (0..10).collect::<Vec<_>>());
    }
}
