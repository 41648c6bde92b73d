//! Any sequence of operations and faults, on a single node and on a pair, under all checkers.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use swim_sim::swarm;

proptest! {
    // The same cases in every run, and no file that remembers failed ones: name them in
    // tests/cluster/regressions.rs.
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_pair_survives_any_schedule_of_faults_and_agrees_after_it(
        script in vec(any::<u8>(), 0..400),
    ) {
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

/// The first byte is the number of nodes, the rest is the script: see `fuzz_targets/cluster.rs`.
#[test]
fn schedules_found_by_fuzzing_are_survived() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz");
    let folders = ["corpus/cluster", "crashes/cluster"].map(|folder| root.join(folder));
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut inputs: Vec<_> =
        entries.map(|entry| entry.expect("a readable folder").path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty());
    for path in inputs {
        let bytes = fs::read(&path).expect("a readable file");
        let Some((&first, script)) = bytes.split_first() else {
            continue;
        };
        let finished = swarm::run_script(script, 1 + usize::from(first % 5));
        assert!(finished.settled_after <= finished.bound, "{}", path.display());
    }
}
