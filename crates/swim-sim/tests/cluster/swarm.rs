//! Swarms of seeds, each with its own cluster, configuration and faults: see `swim_sim::swarm`.
//!
//! The tests always run the same 64 seeds, and one that CI derives from the commit, so that many
//! run over time: `SWIM_SIM_COMMIT_SEED` is the first 16 hexadecimal digits of its hash.
//! `cargo run --release -p swim-sim -- --seeds A..B` runs far more.

use swim_sim::swarm::{self, Sweep, Wires};
use swim_test_support::say_skipped;

#[track_caller]
fn expect_clean(sweep: &Sweep) {
    if let Some(failed) = sweep.failed.first() {
        let seeds: Vec<u64> = sweep.failed.iter().map(|failed| failed.seed).collect();
        panic!("seeds {seeds:?} failed\n{}\nreplay: {}", failed.why, failed.replay);
    }
    assert_eq!(sweep.missing(), [""; 0], "a sweep shows nothing about what it did not see");
}

#[test]
fn the_64_fixed_seeds_run_clean_and_see_every_kind_of_fault() {
    let sweep = swarm::sweep(0..64, 2, |_, _| {});
    println!("{}", sweep.seen);
    expect_clean(&sweep);
}

#[test]
fn the_64_fixed_seeds_run_clean_on_both_wires_sealed_or_not() {
    let sweep = swarm::sweep_on(Wires::Both, 0..64, 2, |_, _| {});
    println!("{}", sweep.seen);
    expect_clean(&sweep);
}

#[test]
fn the_64_fixed_seeds_run_clean_on_memberlists_wire() {
    expect_clean(&swarm::sweep_on(Wires::Memberlist, 0..64, 2, |_, _| {}));
}

#[test]
fn the_seed_of_the_commit_runs_clean() {
    let Ok(digits) = std::env::var("SWIM_SIM_COMMIT_SEED") else {
        say_skipped(
            "the seed of the commit",
            "set SWIM_SIM_COMMIT_SEED to 16 hexadecimal digits of the commit's hash",
        );
        return;
    };
    let digits = digits.get(..16).unwrap_or(&digits);
    let seed = u64::from_str_radix(digits, 16).expect("16 hexadecimal digits of a commit's hash");
    println!("seed {seed}");
    for wires in [Wires::Swim, Wires::Memberlist, Wires::Both] {
        expect_clean(&swarm::sweep_on(wires, seed..seed.saturating_add(1), 1, |_, _| {}));
    }
}

#[test]
fn a_seed_runs_the_same_however_many_threads_there_are() {
    assert_eq!(swarm::run(5), swarm::run(5));
    let (one, four) = (swarm::sweep(0..6, 1, |_, _| {}), swarm::sweep(0..6, 4, |_, _| {}));
    assert_eq!((one.seen, one.lasted), (four.seen, four.lasted));
}
