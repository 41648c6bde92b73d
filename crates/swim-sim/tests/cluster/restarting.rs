//! A restarted process takes its old place, regardless of what peers remember of it.

use swim_core::{Incarnation, State};
use swim_sim::{Stall, World, WorldOptions, bounds, secs};

#[test]
fn a_node_restarted_at_once_is_never_missed_and_its_new_metadata_wins() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(5);
        world.run(secs(5));
        world.restart_with("n2", |config| config.meta = "second life".into());
        world.join("n2", "n0");
        world.settle(secs(3));
        assert_eq!(world.node("n4").member("n2").expect("a member").meta, b"second life");
        world.run(secs(60));
        world.expect_never_failed("n2");
        world.expect_converged();
    }
}

#[test]
fn a_node_restarted_with_a_low_incarnation_outranks_its_past() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(5);
        let before = world.node("n0").member("n2").expect("a member").incarnation;
        world.restart_with("n2", |config| {
            config.incarnation = Incarnation(1);
            config.meta = "second life".into();
        });
        world.join("n2", "n0");
        world.settle(secs(5));
        let after = world.node("n0").member("n2").expect("a member");
        assert!(after.incarnation > before);
        assert_eq!(after.meta, b"second life");
        world.run(secs(60));
        world.expect_never_failed("n2");
        world.expect_converged();
    }
}

#[test]
fn a_node_restarted_at_an_equal_incarnation_with_other_metadata_wins_too() {
    let mut world = World::new(6);
    world.form(5);
    let incarnation = world.node("n2").local().incarnation;
    world.restart_with("n2", |config| {
        config.incarnation = incarnation;
        config.meta = "second life".into();
    });
    world.join("n2", "n0");
    world.settle(secs(5));
    assert_eq!(world.node("n4").member("n2").expect("a member").meta, b"second life");
}

#[test]
fn what_it_announced_before_at_an_equal_incarnation_is_replaced_where_only_one_remembers_it() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(10);
        let incarnation = world.node("n2").local().incarnation;
        // All but one restart, so that no peer can tell n2 its earlier announcement. The remaining
        // one is away for less than a suspicion.
        world.isolate("n1");
        for number in (0..10).filter(|number| *number != 1) {
            let name = format!("n{number}");
            world.restart_with(&name, |config| {
                config.incarnation = incarnation;
                if number == 2 {
                    config.meta = "second life".into();
                }
            });
            if number > 0 {
                world.join(&name, "n0");
            }
        }
        world.run(secs(2));
        world.heal();
        world.join("n1", "n0");
        world.settle(secs(5));
        assert_eq!(world.node("n1").member("n2").expect("a member").meta, b"second life");
        world.expect_never_failed("n2");
    }
}

#[test]
fn a_node_declared_failed_comes_back_by_a_restart() {
    for incarnation in [None, Some(Incarnation(1))] {
        let mut world = World::new(7);
        world.form(5);
        world.crash("n2");
        world.run(secs(35));
        world.expect_failed("n2");
        world.restart_with("n2", |config| {
            config.incarnation = incarnation.unwrap_or(config.incarnation);
        });
        world.join("n2", "n1");
        world.settle(secs(2));
        world.run(secs(60));
        world.expect_converged();
    }
}

#[test]
fn a_node_that_left_comes_back_by_a_restart_with_a_low_incarnation() {
    let mut world = World::new(8);
    world.form(5);
    world.leave("n2");
    world.run(secs(5));
    world.restart_with("n2", |config| config.incarnation = Incarnation(1));
    world.join("n2", "n1");
    world.settle(secs(5));
    world.expect_alive_everywhere("n2");
}

#[test]
fn a_node_that_does_not_join_after_its_restart_is_found_by_the_others() {
    // Its peers still know it as alive and probe it, and it answers. Push/pull does the rest.
    let mut world = World::new(9);
    world.form(5);
    world.restart("n2");
    world.settle(secs(120));
}

#[test]
fn every_node_restarts_within_a_few_seconds() {
    let mut world = World::new(10);
    world.form(10);
    for number in 0..10 {
        let name = format!("n{number}");
        world.restart_with(&name, |config| config.incarnation = Incarnation(1));
        world.join(&name, &format!("n{}", (number + 1) % 10));
        world.run(secs(1));
    }
    world.settle(secs(60));
}

#[test]
fn a_node_restarted_with_a_low_incarnation_can_leave_before_it_hears_of_its_past() {
    let mut world = World::new(11);
    world.form(5);
    world.restart_with("n2", |config| config.incarnation = Incarnation(1));
    world.leave("n2");
    world.run(secs(60));
    world.expect_left("n2");
    world.expect_converged();
}

/// An incarnation is normally the time of a start: after days it jumps further than accusations are
/// followed. A leave message is believed all the same, from the member's own address.
#[test]
fn a_node_that_restarted_after_days_and_left_unheard_is_seen_as_left() {
    let mut world = WorldOptions::new(8).socket_buffer(0).build();
    world.form(4);
    // Claims about an earlier life are followed only in the first minute.
    world.run(secs(61));
    world.stall("n2", Stall::Replay);
    world.restart_with("n1", |config| config.incarnation.0 += 200_000);
    world.join("n1", "n0");
    world.run(secs(2));
    world.leave("n1");
    world.run(secs(3));
    world.resume("n2");
    assert_eq!(world.state("n2", "n1"), Some(State::Alive), "it heard nothing of it");
    // Its process keeps answering pings.
    world.run(bounds::detection(world.node("n2").config(), 4));
    world.expect_left("n1");
}
