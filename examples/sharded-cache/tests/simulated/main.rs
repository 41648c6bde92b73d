//! The cache in the simulator, under faults drawn from a seed.
//!
//! Run any number of seeds:
//! `SEEDS=0..1000 cargo test --release -p sharded-cache --test simulated -- --nocapture`

mod journal;
mod limits;
mod scene;

use std::ops::Range;

use example_trial::{expect_caught, expect_guarantees};
use sharded_cache::Flaw;

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
fn nodes_that_disagree_on_owners_are_caught() {
    caught(Flaw::DisagreesOnOwners, "have other owners");
}

#[test]
fn a_node_that_keeps_keys_of_others_is_caught() {
    caught(Flaw::KeepsKeys, "after e joined");
}

#[test]
fn a_node_that_leaves_with_its_keys_is_caught() {
    caught(Flaw::LeavesWithKeys, "left");
}

#[test]
fn a_node_that_mixes_keys_is_caught() {
    caught(Flaw::MixesKeys, "of another key");
}

#[test]
fn a_node_that_waits_for_an_owner_is_caught() {
    caught(Flaw::WaitsForOwner, "was answered after");
}

#[test]
fn a_node_that_takes_old_values_is_caught() {
    caught(Flaw::TakesOldValues, "says VALUE");
}
