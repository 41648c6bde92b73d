//! Clocks that run too fast or too slow: no member is blamed for it.

use core::time::Duration;

use swim_sim::{Stall, World, millis, secs};

const NODES: usize = 5;

fn cluster(seed: u64) -> World {
    let mut world = World::new(seed);
    world.form(NODES);
    world
}

fn expect_nobody_failed(world: &World) {
    for number in 0..NODES {
        world.expect_never_failed(&format!("n{number}"));
    }
}

#[test]
fn a_node_whose_clock_is_one_percent_fast_or_slow_fails_nobody_and_is_failed_by_nobody() {
    for drift in [10_000, -10_000] {
        for seed in 0..5 {
            let mut world = cluster(seed);
            world.set_drift("n3", drift);
            world.run(secs(600));
            expect_nobody_failed(&world);
            world.expect_converged();
            world.crash("n1");
            world.run(secs(60));
            world.expect_failed("n1");
        }
    }
}

#[test]
fn a_node_probes_by_its_own_clock() {
    for (drift, expected) in [(0, 100), (200_000, 120), (-200_000, 80), (1_000_000, 200)] {
        let mut world = cluster(1);
        world.set_drift("n3", drift);
        world.run(secs(2));
        let before = world.node("n3").stats().probes;
        world.run(secs(100));
        let probes = world.node("n3").stats().probes - before;
        assert!(probes.abs_diff(expected) <= 3, "{probes} probes at {drift} ppm, not {expected}");
    }
}

#[test]
fn every_clock_may_drift_and_change_its_mind() {
    let mut world = cluster(2);
    for round in 0..20 {
        for (number, drift) in (0..NODES).zip([-40_000, -20_000, 0, 20_000, 40_000]) {
            world.set_drift(&format!("n{number}"), drift * (round % 3 - 1));
        }
        world.run(secs(30));
    }
    expect_nobody_failed(&world);
    world.expect_converged();
}

#[test]
fn a_clock_that_drifts_may_jump_and_its_process_may_stall() {
    let mut world = cluster(3);
    world.set_drift("n3", 50_000);
    world.clock_forward("n3", secs(3600));
    world.run(secs(30));
    world.clock_back("n3", secs(7200));
    world.run(secs(30));
    for model in [Stall::Replay, Stall::TimersFirst] {
        world.stall("n3", model);
        world.run(Duration::from_millis(2500));
        world.set_drift("n3", -50_000);
        world.resume("n3");
        world.run(secs(30) + millis(1));
    }
    world.settle(secs(30));
    expect_nobody_failed(&world);
}

#[test]
#[should_panic(expected = "half to twice the speed")]
fn a_clock_does_not_stand_still() {
    cluster(4).set_drift("n0", -1_000_000);
}
