//! Any sequence of operations and faults, on a lone node and on a pair, watched by all checkers.

use proptest::collection::vec;
use proptest::prelude::*;
use swim_sim::swarm;

proptest! {
    // The same cases in every run, and no file that remembers those that failed: name them in
    // tests/regressions.rs.
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_pair_survives_any_schedule_of_faults_and_agrees_after_it(script in vec(any::<u8>(), 0..400)) {
        let finished = swarm::run_script(&script, 2);
        prop_assert!(finished.settled_after <= finished.bound);
    }

    #[test]
    fn a_lone_node_breaks_no_rule_whatever_happens(script in vec(any::<u8>(), 0..400)) {
        let finished = swarm::run_script(&script, 1);
        prop_assert!(finished.settled_after <= finished.bound);
    }
}

#[test]
fn a_script_is_a_run_of_its_own_and_the_same_each_time() {
    let run = |script: &[u8]| swarm::run_script(script, 3);
    assert_eq!(run(b"one script of faults"), run(b"one script of faults"));
    assert_ne!(run(b"one script of faults").digest, run(b"no such thing at all!").digest);
}
