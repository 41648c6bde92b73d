//! Many seeds, on several threads.

use core::ops::Range;
use core::time::Duration;
use std::sync::Mutex;

use super::plan::replay;
use super::run::{Finished, run_on};
use super::seen::Seen;
use super::setup::Setup;
use super::threads::{caught, each};

/// The result of a sweep.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Sweep {
    /// The wires, and which runs had a hostile host or lasting faults.
    pub setup: Setup,
    /// The number of seeds.
    pub runs: u64,
    /// The seeds that failed, in order.
    pub failed: Vec<Failed>,
    /// The events of all runs that did not fail.
    pub seen: Seen,
    /// The virtual time that passed in them.
    pub lasted: Duration,
    /// The seed whose settling took the largest share of its bound, and that share.
    pub slowest: Option<(u64, f64)>,
}

/// A seed that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed {
    /// The seed.
    pub seed: u64,
    /// The failure, with the report if there is one.
    pub why: String,
    /// The command that runs it again.
    pub replay: String,
}

impl Sweep {
    /// The events that a sweep of this size should have seen, but did not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        /// So many seeds nearly always see everything.
        const RUNS_ENOUGH: u64 = 64;
        if self.runs < RUNS_ENOUGH {
            Vec::new()
        } else {
            self.seen.missing_of(self.setup, self.runs)
        }
    }

    fn add(&mut self, seed: u64, result: Result<Finished, String>) {
        self.runs += 1;
        match result {
            Ok(finished) => {
                self.seen.merge(&finished.seen);
                self.lasted += finished.lasted;
                let share = finished.settled_after.as_secs_f64() / finished.bound.as_secs_f64();
                let slower = self.slowest.is_none_or(|(at, most)| (share, at) > (most, seed));
                if slower {
                    self.slowest = Some((seed, share));
                }
            }
            Err(why) => self.failed.push(Failed { seed, why, replay: replay(seed, self.setup) }),
        }
    }
}

/// Runs these seeds on `jobs` threads.
///
/// A failed seed does not stop the rest. After each seed, `progress` receives the number of
/// finished and of failed seeds. The threads do not affect results: each seed has its own world.
///
/// ```
/// let sweep = swim_sim::swarm::sweep(0..3, 2, |_, _| {});
/// assert_eq!(sweep.runs, 3);
/// assert!(sweep.failed.is_empty(), "{}", sweep.failed[0].why);
/// ```
#[must_use]
pub fn sweep(seeds: Range<u64>, jobs: usize, progress: impl Fn(u64, usize) + Sync) -> Sweep {
    sweep_on(Setup::default(), seeds, jobs, progress)
}

/// Like [`sweep`], with these wires, hostile hosts and lasting faults.
#[must_use]
pub fn sweep_on(
    setup: impl Into<Setup>,
    seeds: Range<u64>,
    jobs: usize,
    progress: impl Fn(u64, usize) + Sync,
) -> Sweep {
    let setup = setup.into();
    let sweep = Mutex::new(Sweep { setup, ..Sweep::default() });
    each(seeds, jobs, |seed| {
        let result = caught(|| run_on(setup, seed));
        // Only a panic in `progress` poisons the lock, and ends the sweep anyway.
        let mut sweep = sweep.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sweep.add(seed, result);
        progress(sweep.runs, sweep.failed.len());
    });
    let mut sweep = sweep.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    sweep.failed.sort_by_key(|failed| failed.seed);
    sweep
}
