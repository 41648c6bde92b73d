//! The service in the simulator, under faults drawn from a seed.
//!
//! Run any number of seeds:
//! `SEEDS=0..1000 cargo test --release -p pubsub --test simulated -- --nocapture`

mod checker;
mod journal;
mod limits;
mod scene;

use std::ops::Range;

use example_trial::{expect_caught, expect_guarantees};
use pubsub::Flaw;

use crate::scene::Scene;

/// The seeds of the ordinary test.
const SEEDS: Range<u64> = 0..32;

#[test]
fn the_guarantees_hold_under_every_seed() {
    expect_guarantees(SEEDS, |seed| Scene::run(seed, Flaw::None).result());
}

#[test]
fn a_seed_that_runs_twice_does_the_same() {
    for seed in [3, 4] {
        assert_eq!(Scene::run(seed, Flaw::None).digest(), Scene::run(seed, Flaw::None).digest());
    }
    assert_ne!(Scene::run(3, Flaw::None).digest(), Scene::run(4, Flaw::None).digest());
}

/// Expects that some seed shows this bug, and that a violation contains the text `told`.
fn caught(flaw: Flaw, told: &str) {
    expect_caught(told, |seed| Scene::run(seed, flaw).result());
}

#[test]
fn a_receiver_that_forgets_its_position_is_caught() {
    caught(Flaw::ForgetsPosition, "again or out of order");
}

#[test]
fn a_receiver_that_hides_gaps_is_caught() {
    caught(Flaw::HidesGaps, "but the reported gaps are");
}

#[test]
fn a_sender_that_skips_messages_after_a_break_is_caught() {
    caught(Flaw::SkipsAfterBreak, "but the reported gaps are");
}

#[test]
fn a_receiver_that_swaps_messages_is_caught() {
    caught(Flaw::SwapsMessages, "again or out of order");
}

#[test]
fn a_crash_that_nobody_is_told_of_is_caught() {
    caught(Flaw::HidesEnds, "crashed without a GAP");
}

#[test]
fn a_node_that_leaves_before_all_is_sent_is_caught() {
    caught(Flaw::LeavesTooEarly, "never came, and no gap was reported");
}

#[test]
fn a_node_that_waits_for_its_peers_is_caught() {
    caught(Flaw::WaitsForPeers, "was answered after");
}
