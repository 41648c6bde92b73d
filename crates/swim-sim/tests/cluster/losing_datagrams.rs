//! Loss delays news; it makes no member fail.

use swim_core::State;
use swim_sim::{WorldOptions, bounds, secs};

#[test]
fn thirty_percent_loss_fails_no_healthy_node() {
    for seed in 0..5 {
        let mut world = WorldOptions::new(seed).loss(0.3).build();
        world.form(10);
        world.run(secs(300));
        for number in 0..10 {
            world.expect_never_failed(&format!("n{number}"));
        }
        assert!(world.traffic().packets_lost > 1000);
        world.set_loss(0.0);
        world.settle(secs(60));
    }
}

#[test]
fn a_crash_is_found_at_thirty_percent_loss() {
    for seed in 0..5 {
        let mut world = WorldOptions::new(seed).loss(0.3).build();
        world.form(10);
        world.crash("n4");
        world.run(bounds::detection(world.node("n0").config(), 10) * 2);
        world.expect_failed("n4");
    }
}

#[test]
fn a_leave_is_heard_at_thirty_percent_loss() {
    for seed in 0..5 {
        let mut world = WorldOptions::new(seed).loss(0.3).build();
        world.form(10);
        world.leave("n4");
        // Gossip may miss a node; then push/pull informs it.
        world.run(secs(40));
        assert!(world.agreed("n4", State::Left), "{}", world.report(Some("n4")));
    }
}

#[test]
fn a_node_that_loses_a_third_of_its_datagrams_stays() {
    for seed in 0..5 {
        let mut world = WorldOptions::new(seed).build();
        world.form(8);
        world.set_loss_of("n3", 0.33);
        world.run(secs(300));
        for number in 0..8 {
            world.expect_never_failed(&format!("n{number}"));
        }
    }
}
