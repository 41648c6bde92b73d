//! The service in the simulator, under faults that are drawn from a seed.
//!
//! As many seeds as you like:
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

/// Some seed shows this bug, and a checker says this of it.
fn caught(flaw: Flaw, told: &str) {
    expect_caught(told, |seed| Scene::run(seed, flaw).result());
}

#[test]
fn a_receiver_that_forgets_its_position_is_caught() {
    caught(Flaw::ForgetsPosition, "again or out of order");
}

#[test]
fn a_receiver_that_hides_gaps_is_caught() {
    caught(Flaw::HidesGaps, "but the gaps told are");
}

#[test]
fn a_sender_that_skips_messages_after_a_break_is_caught() {
    caught(Flaw::SkipsAfterBreak, "but the gaps told are");
}

#[test]
fn a_receiver_that_swaps_messages_is_caught() {
    caught(Flaw::SwapsMessages, "again or out of order");
}

#[test]
fn a_crash_that_nobody_is_told_of_is_caught() {
    caught(Flaw::HidesEnds, "crashed, and nobody was told");
}

#[test]
fn a_node_that_leaves_before_all_is_sent_is_caught() {
    caught(Flaw::LeavesTooEarly, "never came, and no gap was told");
}

#[test]
fn a_node_that_waits_for_its_peers_is_caught() {
    caught(Flaw::WaitsForPeers, "was answered after");
}
