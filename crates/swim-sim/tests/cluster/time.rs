//! Clocks that jump, and suspended processes: a node blames no peer for a time that it did not see.
//!
//! Running nodes rightly suspect suspended ones after a probe interval. They rightly declare them
//! failed after a silence longer than a suspicion: at least 4 s in these clusters. Afterwards the
//! suspended nodes refute it, and all agree again without a restart.

use core::time::Duration;

use swim_core::{Event, Instant};
use swim_sim::{World, bounds, secs};

use crate::common::name;

const NODES: usize = 10;

fn cluster(seed: u64) -> World {
    let mut world = World::new(seed);
    world.form(NODES);
    world.run(Duration::from_millis(137 * seed));
    world
}

/// Checks that no suspended node itself declared a member failed after it went on. (It hears of its
/// peers' rightful verdicts.)
fn expect_no_wrong_verdict(world: &World, suspended: &[usize], since: Instant) {
    for observer in suspended.iter().copied().map(name) {
        for record in world.events(&observer).iter().filter(|record| record.at >= since) {
            let Event::Failed { member, declared_by, .. } = &record.event else {
                continue;
            };
            if suspended.iter().any(|number| *declared_by == *name(*number)) {
                let text = format!("{observer}: {declared_by} declared {} failed", member.name);
                world.fail(&text, Some(member.name.as_str()));
            }
        }
    }
}

/// Suspends these nodes for `span`, and checks all nodes' verdicts.
fn suspend(seed: u64, suspended: &[usize], span: Duration) {
    let mut world = cluster(seed);
    for number in suspended {
        world.pause(&name(*number));
    }
    let stopped = world.now();
    world.run(span);
    let since = world.now();
    for number in suspended {
        world.resume(&name(*number));
    }
    world.settle(bounds::settling(world.node("n0").config(), NODES));
    world.run(secs(60));
    world.expect_converged();
    expect_no_wrong_verdict(&world, suspended, since);
    for number in (0..NODES).filter(|number| !suspended.contains(number)) {
        world.expect_never_failed(&name(number));
        // Its verdicts on suspended peers were right: these had been silent for long enough.
        let shortest = bounds::suspicion_min(world.node("n0").config(), NODES);
        for record in world.events(&name(number)) {
            let early = record.at - stopped < shortest;
            assert!(!early || !matches!(record.event, Event::Failed { .. }), "{record:?}");
        }
    }
}

#[test]
fn s49_a_suspended_node_declares_nobody_failed() {
    for span in [secs(5), secs(20), secs(120), secs(600)] {
        for seed in 0..10 {
            suspend(seed, &[3], span);
        }
    }
}

#[test]
fn s49_half_of_the_nodes_suspended_at_once_declare_nobody_failed() {
    for span in [secs(5), secs(20), secs(120), secs(600)] {
        for seed in 0..5 {
            suspend(seed, &[5, 6, 7, 8, 9], span);
        }
    }
}

#[test]
fn s49_suspended_nodes_that_go_on_one_after_the_other_declare_nobody_failed() {
    for seed in 0..5 {
        let mut world = cluster(seed);
        let suspended = [5, 6, 7, 8, 9];
        for number in suspended {
            world.pause(&name(number));
        }
        world.run(secs(20));
        let since = world.now();
        for number in suspended {
            world.resume(&name(number));
            world.run(Duration::from_millis(500));
        }
        world.settle(bounds::settling(world.node("n0").config(), NODES));
        // When the first one goes on, it rightly finds the suspended ones silent, but not for long
        // enough to declare them failed.
        expect_no_wrong_verdict(&world, &suspended, since);
        for number in 0..5 {
            world.expect_never_failed(&name(number));
        }
    }
}

#[test]
fn s49_a_clock_that_jumps_fails_nobody_and_freezes_nothing() {
    let jumps: [fn(&mut World, &str); 2] = [
        |world, name| world.clock_forward(name, secs(9 * 3600)),
        |world, name| world.clock_back(name, secs(3600)),
    ];
    for jump in jumps {
        for seed in 0..10 {
            let mut world = cluster(seed);
            jump(&mut world, "n3");
            world.run(secs(120));
            for number in 0..NODES {
                world.expect_never_failed(&name(number));
            }
            world.expect_converged();
            let before = world.node("n3").stats().probes;
            world.run(secs(30));
            let probes = world.node("n3").stats().probes - before;
            assert!((28..=31).contains(&probes), "one a second: {probes} in 30 s");
        }
    }
}

#[test]
fn s49_a_clock_that_jumps_while_a_suspicion_runs_neither_cuts_it_short_nor_stops_it() {
    for (seed, forward) in (0..10).flat_map(|seed| [(seed, true), (seed, false)]) {
        let mut world = cluster(seed);
        world.crash("n7");
        assert!(world.run_until(secs(30), |world| {
            world.state("n3", "n7") == Some(swim_core::State::Suspect)
        }));
        let since = world.now();
        match forward {
            true => world.clock_forward("n3", secs(9 * 3600)),
            false => world.clock_back("n3", secs(3600)),
        }
        // Its own verdict takes as long as it does without the jump.
        let shortest = bounds::suspicion_min(world.node("n3").config(), NODES) - secs(1);
        world.run(bounds::detection(world.node("n0").config(), NODES));
        world.expect_failed("n7");
        for record in world.events("n3") {
            if let Event::Failed { declared_by, .. } = &record.event
                && *declared_by == "n3"
            {
                let after = record.at - since;
                assert!(after >= shortest, "declared failed {after:?} after the suspicion began");
            }
        }
    }
}

#[test]
fn s49_every_clock_jumps_by_another_amount() {
    let mut world = cluster(1);
    for number in 0..NODES {
        let by = secs(number as u64 * 1237);
        match number % 2 {
            0 => world.clock_forward(&name(number), by),
            _ => world.clock_back(&name(number), by),
        }
        world.run(secs(1));
    }
    world.run(secs(120));
    for number in 0..NODES {
        world.expect_never_failed(&name(number));
    }
    world.expect_converged();
}
