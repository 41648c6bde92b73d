//! The service in the simulator: faults from a seed, and a checker for each guarantee.
//!
//! Run any number of seeds:
//! `SEEDS=0..1000 cargo test --release -p http-bus --test simulated -- --nocapture many`
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

mod checker;
mod clients;
mod dice;
mod scenario;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use checker::Broken;
use http_bus::Flaw;
use scenario::{Faults, KINDS, leave, run, run_tight};

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return 0..32 };
    let (from, to) = text.split_once("..").expect("SEEDS is a range, such as 0..1000");
    from.parse().expect("a number")..to.parse().expect("a number")
}

#[test]
fn the_guarantees_hold_under_the_faults_of_many_seeds() {
    let seeds = seeds();
    let (mut faults, mut totals, mut failed) = (Faults::new(), [0; 4], Vec::new());
    for seed in seeds.clone() {
        let Ok(run) = catch_unwind(AssertUnwindSafe(|| run(seed, Flaw::None))) else {
            failed.push(format!("seed {seed} panicked\n"));
            continue;
        };
        for (kind, count) in run.faults {
            *faults.entry(kind).or_default() += count;
        }
        let verdict = run.verdict;
        let counts = [verdict.messages, verdict.accepted, verdict.read, verdict.lost];
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        if !verdict.broken.is_empty() {
            failed.push(format!("seed {seed}:\n{verdict}"));
        }
    }
    let [messages, accepted, read, lost] = totals;
    println!("seeds {seeds:?}: {faults:?}");
    println!(
        "{messages} messages, {accepted} accepted, {read} lines read, {lost} lost with all holders"
    );
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), failed.concat());
    if seeds.end - seeds.start >= 64 {
        for kind in KINDS {
            assert!(faults.contains_key(kind), "no seed saw a {kind}");
        }
    }
}

#[test]
fn full_nodes_that_soon_forget_take_nothing_twice() {
    let (mut accepted, mut refused, mut read) = (0, 0, 0);
    for seed in 0..16 {
        let verdict = run_tight(seed, Flaw::None).verdict;
        assert!(verdict.broken.is_empty(), "seed {seed}:\n{verdict}");
        accepted += verdict.accepted;
        refused += verdict.refused;
        read += verdict.read;
    }
    println!("{accepted} messages were accepted, {refused} refused, {read} lines read");
    assert!(accepted > 100 && refused > 10 && read > 1000, "{accepted} {refused} {read}");
}

#[test]
fn a_seed_that_runs_twice_does_the_same() {
    let digests = [1, 1, 2].map(|seed| run(seed, Flaw::None).digest);
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
}

#[test]
fn a_node_that_leaves_hands_on_what_it_has_accepted() {
    let (mut lost, mut accepted) = (0, 0);
    for seed in 0..32 {
        let (of_seed, all) = leave(seed);
        (lost, accepted) = (lost + of_seed, accepted + all);
    }
    println!("{lost} of {accepted} messages left with the node that accepted them");
    assert!(accepted > 200 && lost == 0, "{lost} of {accepted}");
}

/// Expects that some seed shows a planted bug.
fn catches(flaw: Flaw, broken: Broken) {
    let shows = |seed: &u64| run(*seed, flaw).verdict.breaks(broken);
    let found = (0..40).find(shows);
    println!("{flaw:?} is shown as {broken:?} by seed {found:?}");
    assert!(found.is_some(), "no seed shows {flaw:?} as {broken:?}");
}

#[test]
fn a_node_that_does_not_look_after_a_failed_one_is_caught() {
    catches(Flaw::FailedStaysServed, Broken::NotEverybody);
}

#[test]
fn a_node_that_offers_nothing_to_joiners_is_caught() {
    catches(Flaw::NothingForJoiners, Broken::NotEverybody);
}

#[test]
fn a_node_that_does_not_try_again_is_caught() {
    catches(Flaw::NoRetry, Broken::NotEverybody);
}

#[test]
fn a_node_that_takes_duplicates_is_caught() {
    catches(Flaw::NoWindow, Broken::Twice);
}

#[test]
fn a_node_that_counts_alike_in_each_life_is_caught() {
    catches(Flaw::SameLife, Broken::Mixed);
}

#[test]
fn a_reader_that_misses_a_message_is_caught() {
    catches(Flaw::ReaderSkips, Broken::Read);
}

#[test]
fn a_node_that_accepts_in_vain_is_caught() {
    catches(Flaw::AcceptsInVain, Broken::AcceptedInVain);
}
