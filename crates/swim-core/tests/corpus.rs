//! Replays inputs that fuzzing found interesting, and inputs that once showed a bug. The code that
//! handles them is in `fuzz/src`, as for the fuzz targets.

#[path = "../../../fuzz/src/lib.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "the targets use all of it, and have the documentation"
)]
mod fuzz;

use std::fs;
use std::path::{Path, PathBuf};

/// The inputs of a target, sorted by name.
fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz");
    let mut inputs = Vec::new();
    for kind in ["corpus", "crashes"] {
        let folder = root.join(kind).join(target);
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let bytes = fs::read(&path).expect("a readable file");
            inputs.push((path, bytes));
        }
    }
    inputs.sort();
    inputs
}

/// Runs a target on all of its inputs; reports the input if one fails.
fn replay(target: &str, run: fn(&[u8])) {
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "no inputs for {target}");
    for (path, bytes) in inputs {
        if let Err(panic) = std::panic::catch_unwind(|| run(&bytes)) {
            eprintln!("the input is {}", path.display());
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn datagrams_found_by_fuzzing_break_nothing() {
    replay("packet", fuzz::packet::run);
}

#[test]
fn streams_found_by_fuzzing_break_nothing_in_whatever_pieces() {
    replay("stream", fuzz::stream::run);
}

#[test]
fn messages_found_by_fuzzing_are_read_as_they_were_written() {
    replay("roundtrip", fuzz::roundtrip::run);
}

#[test]
fn memberlist_datagrams_found_by_fuzzing_break_nothing() {
    replay("memberlist_packet", fuzz::memberlist_packet::run);
}

#[test]
fn memberlist_streams_found_by_fuzzing_break_nothing_in_whatever_pieces() {
    replay("memberlist_stream", fuzz::memberlist_stream::run);
}

#[test]
fn memberlist_messages_found_by_fuzzing_are_read_as_they_were_written() {
    replay("memberlist_roundtrip", fuzz::memberlist_roundtrip::run);
}

#[test]
fn operations_found_by_fuzzing_keep_every_invariant() {
    replay("node_ops", fuzz::node_ops::run);
}

#[test]
fn recordings_that_fuzzing_found_are_not_taken() {
    replay("replay", fuzz::replay::run);
}

#[test]
fn the_same_operations_give_the_same_outputs() {
    for (path, bytes) in inputs("node_ops") {
        let [once, again] = [(); 2].map(|()| fuzz::node_ops::outputs(&bytes));
        assert_eq!(once, again, "{}", path.display());
    }
}

#[test]
fn an_empty_input_and_one_of_every_byte_are_fine() {
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    for run in [
        fuzz::packet::run,
        fuzz::stream::run,
        fuzz::roundtrip::run,
        fuzz::memberlist_packet::run,
        fuzz::memberlist_stream::run,
        fuzz::memberlist_roundtrip::run,
        fuzz::node_ops::run,
        fuzz::replay::run,
    ] {
        run(&[]);
        run(&bytes);
    }
}

proptest::proptest! {
    // The same cases in every run.
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn any_list_of_operations_on_a_node_keeps_its_invariants(
        operations in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2048),
    ) {
        fuzz::node_ops::run(&operations);
    }

    #[test]
    fn any_recording_that_is_sent_again_in_any_way_is_not_taken(
        operations in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        fuzz::replay::run(&operations);
    }
}

/// Such runs find each rule that members break.
#[cfg(feature = "sabotage")]
#[test]
fn runs_of_recordings_find_each_rule_that_is_broken() {
    use fuzz::replay::play;
    use swim_core::{Config, Sabotage};

    type Change = fn(&mut Config);
    let broken: [(&str, Change); 6] = [
        ("GreetsAlike", |it| it.sabotage = Some(Sabotage::GreetsAlike)),
        ("WaitsForNoGreeting", |it| it.sabotage = Some(Sabotage::WaitsForNoGreeting)),
        ("TakesWhatIsForOthers", |it| it.sabotage = Some(Sabotage::TakesWhatIsForOthers)),
        ("TakesWhatPredates", |it| it.sabotage = Some(Sabotage::TakesWhatPredates)),
        ("TakesRepeatedMessages", |it| it.sabotage = Some(Sabotage::TakesRepeatedMessages)),
        ("none", |_| {}),
    ];
    for (rule, change) in broken {
        // Any numbers will do; these are the same in every run.
        let mut state = 7_u64;
        let mut runs = if rule == "none" { 0..20 } else { 0..300 };
        let found = runs.find(|_| {
            let bytes = [(); 600].map(|()| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            });
            play(&bytes, change).is_err()
        });
        assert_eq!(found.is_some(), rule != "none", "{rule}: found by run {found:?}");
    }
}
