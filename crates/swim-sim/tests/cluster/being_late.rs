//! A node that did not run for a while, or whose clock was set, blames no other node for it.

use swim_core::Event;
use swim_sim::{World, secs};

fn expect_nobody_else_failed(world: &World, late: &str) {
    for name in (0..5).map(|number| format!("n{number}")).filter(|name| name != late) {
        world.expect_never_failed(&name);
    }
}

#[test]
fn a_node_paused_for_twenty_seconds_declares_nobody_failed() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.form(5);
        world.pause("n3");
        world.run(secs(20));
        world.resume("n3");
        world.settle(secs(30));
        world.run(secs(60));
        expect_nobody_else_failed(&world, "n3");
        world.expect_converged();
        assert!(world.events("n3").iter().any(|record| {
            matches!(&record.event, Event::Late { by, .. } if *by > secs(15) && *by <= secs(20))
        }));
    }
}

#[test]
fn a_node_suspended_for_ten_minutes_comes_back_by_itself() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.form(5);
        world.pause("n3");
        world.run(secs(600));
        world.expect_failed("n3");
        world.resume("n3");
        world.settle(secs(120));
        expect_nobody_else_failed(&world, "n3");
    }
}

#[test]
fn a_node_that_suspected_somebody_before_its_pause_gives_the_time_to_refute() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.form(5);
        // n2 is away for long enough to be suspected, and n3 stops meanwhile.
        world.pause("n2");
        world.run(secs(3));
        world.pause("n3");
        world.resume("n2");
        world.run(secs(20));
        world.resume("n3");
        world.settle(secs(30));
        expect_nobody_else_failed(&world, "n3");
    }
}

#[test]
fn a_clock_set_forward_nine_hours_fails_nobody() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.form(5);
        world.clock_forward("n3", secs(9 * 3600));
        world.run(secs(120));
        for number in 0..5 {
            world.expect_never_failed(&format!("n{number}"));
        }
        world.expect_converged();
    }
}

#[test]
fn a_clock_set_back_an_hour_does_not_freeze_the_node() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.form(5);
        world.clock_back("n3", secs(3600));
        world.run(secs(120));
        for number in 0..5 {
            world.expect_never_failed(&format!("n{number}"));
        }
        let probes = world.node("n3").stats().probes;
        world.run(secs(60));
        let probes = world.node("n3").stats().probes - probes;
        assert!((50..=62).contains(&probes), "one probe per second, not {probes} in a minute");
        world.crash("n1");
        world.run(secs(60));
        world.expect_failed("n1");
    }
}

#[test]
fn the_whole_cluster_may_sleep() {
    let mut world = World::new(1);
    world.form(5);
    for number in 0..5 {
        world.pause(&format!("n{number}"));
    }
    world.run(secs(3600));
    for number in 0..5 {
        world.resume(&format!("n{number}"));
    }
    world.run(secs(120));
    for number in 0..5 {
        world.expect_never_failed(&format!("n{number}"));
    }
    world.expect_converged();
}

#[test]
fn short_stalls_one_after_the_other_fail_nobody() {
    let mut world = World::new(2);
    world.form(5);
    for round in 0..120 {
        let name = format!("n{}", round % 5);
        world.pause(&name);
        world.run(secs(1));
        world.resume(&name);
        world.run(secs(1));
    }
    for number in 0..5 {
        world.expect_never_failed(&format!("n{number}"));
    }
}
