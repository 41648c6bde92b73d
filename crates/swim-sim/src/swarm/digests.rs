//! The digests of many seeds, to compare two machines, two builds, or two versions of the code.

use core::fmt;
use core::ops::Range;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Mutex;

use super::mixed::mixed;
use super::run::run_on;
use super::setup::Setup;
use super::threads::{caught, each};

/// The kind of run for each seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A run by [`mixed`].
    Mixed,
    /// A run by [`run_on`] with this setup.
    Swarm(Setup),
}

/// Identifies the run of a seed, as one line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Digest {
    /// The seed.
    pub seed: u64,
    /// See [`World::digest`](crate::World::digest).
    pub digest: u64,
    /// Datagrams sent.
    pub packets: u64,
    /// The time until the nodes agreed after the faults had ended.
    pub settled_after: Duration,
}

/// Runs these seeds on `jobs` threads, and reports each one, in order.
///
/// The report is its digest, or why it failed. A failed seed does not stop the rest.
///
/// ```
/// use swim_sim::swarm::{Scenario, Wires, digests};
///
/// let mut seeds = Vec::new();
/// digests(Scenario::Swarm(Wires::Both.into()), 0..3, 2, |seed, digest| {
///     assert_eq!(digest.map(|digest| digest.seed), Ok(seed));
///     seeds.push(seed);
/// });
/// assert_eq!(seeds, [0, 1, 2]);
/// ```
pub fn digests(
    scenario: Scenario,
    seeds: Range<u64>,
    jobs: usize,
    tell: impl FnMut(u64, Result<Digest, String>) + Send,
) {
    let in_order = Mutex::new(InOrder { next: seeds.start, early: BTreeMap::new(), tell });
    each(seeds, jobs, |seed| {
        let digest = caught(|| digest(scenario, seed));
        // Only a panic in `tell` poisons the lock, and ends the run anyway.
        let mut in_order = in_order.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        in_order.take(seed, digest);
    });
}

fn digest(scenario: Scenario, seed: u64) -> Digest {
    match scenario {
        Scenario::Mixed => {
            let run = mixed(seed);
            let (packets, settled_after) = (run.traffic.packets, run.settled_after);
            Digest { seed, digest: run.digest, packets, settled_after }
        }
        Scenario::Swarm(setup) => {
            let run = run_on(setup, seed);
            let (packets, settled_after) = (run.traffic.packets, run.settled_after);
            Digest { seed, digest: run.digest, packets, settled_after }
        }
    }
}

/// Holds early results until those before them have come.
struct InOrder<T, F> {
    next: u64,
    early: BTreeMap<u64, T>,
    tell: F,
}

impl<T, F: FnMut(u64, T)> InOrder<T, F> {
    fn take(&mut self, seed: u64, value: T) {
        self.early.insert(seed, value);
        while let Some(value) = self.early.remove(&self.next) {
            (self.tell)(self.next, value);
            self.next += 1;
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Digest { seed, digest, packets, settled_after } = self;
        write!(f, "seed {seed} digest {digest:016x} packets {packets}")?;
        write!(f, " settled after {settled_after:.2?}")
    }
}
