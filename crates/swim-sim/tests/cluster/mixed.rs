//! Many seeds of mixed faults in small clusters: see `swim_sim::swarm`.
//!
//! `SWIM_SIM_SEEDS` is the number of seeds to run (50 by default), or a range:
//! `SWIM_SIM_SEEDS=17..18`.

use swim_sim::swarm;

use crate::common::seeds;

#[test]
fn mixed_small_scenarios_run_clean() {
    let seeds = seeds();
    let count = seeds.end - seeds.start;
    let mut seen = [0_u64; 9];
    for seed in seeds {
        let outcome = swarm::mixed(seed);
        let traffic = outcome.traffic;
        let found = [
            outcome.suspected,
            outcome.refuted,
            outcome.failed,
            outcome.left,
            outcome.restarts,
            traffic.packets_lost,
            traffic.packets_cut,
            traffic.streams_failed,
            traffic.streams_stalled,
        ];
        for (sum, found) in seen.iter_mut().zip(found) {
            *sum += found;
        }
    }
    // A sweep without faults shows nothing.
    assert!(count < 20 || seen.iter().all(|sum| *sum > 0), "{seen:?}");
}
