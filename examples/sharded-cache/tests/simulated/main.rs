//! The cache in the simulator, under faults that are drawn from a seed.
//!
//! As many seeds as you like:
//! `SEEDS=0..1000 cargo test --release -p sharded-cache --test simulated -- --nocapture`

mod journal;
mod limits;
mod scene;
mod seen;

use std::ops::Range;

use sharded_cache::Flaw;

use crate::scene::Scene;
use crate::seen::Seen;

/// The seeds of the ordinary test.
const SEEDS: Range<u64> = 0..32;

/// How many seeds a planted bug may stay hidden in.
const FLAW_SEEDS: Range<u64> = 0..64;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return SEEDS };
    let range = text
        .split_once("..")
        .and_then(|(first, end)| Some(first.parse::<u64>().ok()?..end.parse::<u64>().ok()?));
    range.unwrap_or_else(|| panic!("SEEDS is written 0..1000, not {text}"))
}

#[test]
fn the_guarantees_hold_under_every_seed() {
    let mut seen = Seen::default();
    for seed in seeds() {
        let (violations, of_seed) = Scene::run(seed, Flaw::None).result();
        assert!(violations.is_empty(), "seed {seed}:\n{}", violations.join("\n"));
        seen += of_seed;
    }
    println!("{seen}");
    assert_eq!(seen.never(), [""; 0], "these never happened");
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
    for seed in FLAW_SEEDS {
        let (violations, _) = Scene::run(seed, flaw).result();
        if violations.iter().any(|violation| violation.contains(told)) {
            return;
        }
    }
    panic!("no seed of {FLAW_SEEDS:?} shows {flaw:?}");
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
