//! The faults of a plan as steps of one run, with the nodes that they hit.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::loss::Loss;
use crate::random::{Draws, generator};
use crate::simulation::fault::Fault;
use crate::simulation::plan::{Plan, minority};

/// A change to the world of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Crash(Vec<u32>),
    /// Cuts these nodes off from all other nodes.
    Cut(Vec<u32>),
    Heal,
    Lose(Loss),
    Stall(Vec<u32>),
    GoOn(Vec<u32>),
}

/// Returns the steps of the run with this seed, in order, without those at its end or later.
pub(super) fn schedule(plan: &Plan, seed: u64) -> Vec<(Duration, Step)> {
    let mut rng = generator(seed, Draws::Simulation);
    let mut victims = shuffled(plan.nodes, &mut rng).into_iter();
    let mut take = |count: usize| -> Vec<u32> { victims.by_ref().take(count).collect() };
    let mut ends = Vec::new();
    let mut beginnings = Vec::new();
    for fault in &plan.faults {
        let (at, end) = (fault.at(), fault.end());
        match *fault {
            Fault::Crash { nodes, .. } => beginnings.push((at, Step::Crash(take(nodes)))),
            Fault::Partition { share, .. } => {
                let mut side = shuffled(plan.nodes, &mut rng);
                side.truncate(minority(share, plan.nodes));
                beginnings.push((at, Step::Cut(side)));
                ends.push((end, Step::Heal));
            }
            Fault::Loss { loss, .. } => {
                beginnings.push((at, Step::Lose(loss)));
                ends.push((end, Step::Lose(plan.network.loss)));
            }
            Fault::Stall { nodes, .. } => {
                let stalled = take(nodes);
                beginnings.push((at, Step::Stall(stalled.clone())));
                ends.push((end, Step::GoOn(stalled)));
            }
        }
    }
    // The sort is stable: at the same instant, a fault ends before the next one of its kind begins.
    let mut steps: Vec<_> = ends.into_iter().chain(beginnings).collect();
    steps.retain(|(at, _)| *at < plan.duration);
    steps.sort_by_key(|(at, _)| *at);
    steps
}

/// The numbers of all nodes in a random order.
fn shuffled(nodes: usize, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..).take(nodes).collect();
    for last in (1..nodes).rev() {
        // From 64 bits, the same on every machine; below `last + 1`, so it fits.
        let other = usize::try_from(rng.next_u64() % (last as u64 + 1)).unwrap_or(0);
        numbers.swap(last, other);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::secs;
    use swim_core::Config;

    fn plan(faults: Vec<Fault>) -> Plan {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        Plan { nodes: 10, faults, duration: secs(100), ..Plan::new(config) }
    }

    #[test]
    fn nobody_crashes_twice_and_no_crashed_node_is_stalled() {
        let stall = Fault::Stall { nodes: 3, at: secs(1), length: secs(500) };
        let crash = |nodes, at| Fault::Crash { nodes, at: secs(at) };
        let steps = schedule(&plan(vec![crash(4, 9), stall, crash(2, 5)]), 3);
        let mut hit: Vec<u32> = Vec::new();
        for (_, step) in &steps {
            match step {
                Step::Stall(nodes) | Step::Crash(nodes) => hit.extend(nodes),
                other => panic!("{other:?}"),
            }
        }
        let times: Vec<u64> = steps.iter().map(|(at, _)| at.as_secs()).collect();
        assert_eq!(times, [1, 5, 9], "the end of the stall is after that of the run");
        hit.sort_unstable();
        hit.dedup();
        assert_eq!(hit.len(), 9);
    }

    #[test]
    fn one_partition_ends_before_the_next_begins() {
        let cut = |at| Fault::Partition { share: 0.3, at: secs(at), length: secs(10) };
        let steps = schedule(&plan(vec![cut(20), cut(10)]), 3);
        let kinds: Vec<_> = steps.iter().map(|(_, step)| matches!(step, Step::Heal)).collect();
        assert_eq!(kinds, [false, true, false, true]);
        assert!(matches!(&steps[0].1, Step::Cut(side) if side.len() == 3));
    }

    #[test]
    fn another_seed_hits_other_nodes() {
        let plan = plan(vec![Fault::Crash { nodes: 5, at: secs(1) }]);
        assert_eq!(schedule(&plan, 1), schedule(&plan, 1));
        assert_ne!(schedule(&plan, 1), schedule(&plan, 2));
    }
}
