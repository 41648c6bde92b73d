//! A second node with a living member's name: which one keeps it, and which nodes learn of it.

use swim_core::wire::Wire;
use swim_core::{Answer, CommandError, Failure, NameKeeper, State};
use swim_sim::{bounds, millis, secs};

use crate::names::{
    NAME, all_see, contest, has_joined, heard_of_another, late_comer, start_second, was_told, world,
};

#[test]
fn s75_a_second_node_is_told_claims_nothing_and_inherits() {
    for seed in 0..10 {
        assert_eq!(late_comer(Wire::Swim, seed, |_| {}), Ok(()), "seed {seed}");
    }
}

#[test]
fn s75_a_second_node_that_joins_at_the_member_itself_is_told_at_once() {
    let mut world = world(Wire::Swim, 1, |_| {});
    world.form(2);
    start_second(&mut world, "second", 60);
    let join = world.join("second", NAME);
    world.run(millis(100));
    assert_eq!(world.answer(join), Some(&Err(Failure::NameTaken)));
    // All that it sends would be taken for the member's.
    let said = world.command("second", |node, now| node.broadcast(now, b"hello").map(|_| ()));
    let sent = world.command("second", |node, now| node.send(now, "n0", b"hello"));
    assert_eq!([said, sent], [Err(CommandError::NameTaken); 2]);
    world.run(secs(60));
    assert!(!heard_of_another(&world, world.address(NAME)));
    // A later join has the same answer.
    let join = world.join("second", "n0");
    world.run(secs(2));
    assert_eq!(world.answer(join), Some(&Err(Failure::NameTaken)));
    world.crash(NAME);
    world.crash("n0");
    let join = world.join("second", "n0");
    world.run(secs(10));
    assert!(matches!(world.answer(join), Some(Err(Failure::Connection(_)))));
    assert_eq!(world.node("second").local().state, State::Alive);
}

#[test]
fn s75_a_second_node_inherits_when_the_member_leaves() {
    for seed in 0..5 {
        let mut world = world(Wire::Swim, seed, |_| {});
        world.form(5);
        start_second(&mut world, "second", 60);
        world.join("second", "n0");
        world.run(secs(20));
        world.leave(NAME);
        let second = world.address("second");
        assert!(world.run_until(secs(5), |world| all_see(world, second)), "seed {seed}");
    }
}

#[test]
fn s75_a_second_node_that_leaves_takes_nobody_with_it() {
    for seed in 0..5 {
        let mut world = world(Wire::Swim, seed, |_| {});
        world.form(5);
        let home = world.address(NAME);
        start_second(&mut world, "second", 60);
        world.join("second", "n0");
        world.run(secs(20));
        let leave = world.leave("second");
        world.run(secs(20));
        assert_eq!(world.answer(leave), Some(&Ok(Answer::Left)));
        assert!(all_see(&world, home) && !heard_of_another(&world, home));
        // It may come back, and has the same answer.
        let join = world.join("second", "n3");
        world.run(secs(20));
        assert_eq!(world.answer(join), Some(&Err(Failure::NameTaken)));
        assert!(all_see(&world, home) && !heard_of_another(&world, home));
    }
}

#[test]
fn s75_a_member_that_only_a_stream_or_only_a_relay_reaches_keeps_its_name() {
    for (seed, by_relay) in [(1, false), (2, false), (3, true), (4, true)] {
        let mut world = world(Wire::Swim, seed, |_| {});
        world.form(5);
        let home = world.address(NAME);
        start_second(&mut world, "second", 60);
        if by_relay {
            world.cut(&["second"], &[NAME]);
        } else {
            world.block_datagrams("second", NAME);
            for relay in ["n0", "n2", "n3", "n4"] {
                world.block_datagrams("second", relay);
            }
        }
        let join = world.join("second", "n0");
        world.run(secs(60));
        assert_eq!(world.answer(join), Some(&Err(Failure::NameTaken)), "seed {seed}");
        assert!(was_told(&world, "second", home) && !heard_of_another(&world, home));
    }
}

#[test]
fn s75_a_node_that_comes_back_elsewhere_has_its_name_within_two_probe_intervals() {
    for seed in 0..10 {
        for powered_off in [false, true] {
            for rise in [0, 60] {
                let mut world = world(Wire::Swim, seed, |_| {});
                world.form(5);
                if powered_off {
                    world.power_off(NAME);
                } else {
                    world.crash(NAME);
                }
                world.run(secs(1));
                start_second(&mut world, "moved", rise);
                let join = world.join("moved", "n0");
                let config = world.node("n0").config().clone();
                let claimed = config.probe_interval * 2 + millis(100);
                assert!(world.run_until(claimed, |world| has_joined(world, join)), "seed {seed}");
                let moved = world.address("moved");
                let seen = config.probe_interval * 2 + bounds::spread(&config, 5) * 2;
                assert!(world.run_until(seen, |world| all_see(world, moved)), "seed {seed}");
                world.run(secs(60));
                world.expect_converged();
            }
        }
    }
}

#[test]
fn s75_another_name_at_the_address_frees_the_name_at_once() {
    for seed in 0..5 {
        let mut world = world(Wire::Swim, seed, |_| {});
        world.form(5);
        world.restart_with(NAME, |config| config.name = "other".parse().expect("a name"));
        start_second(&mut world, "moved", 60);
        let join = world.join("moved", "n0");
        assert!(world.run_until(millis(100), |world| has_joined(world, join)), "seed {seed}");
    }
}

#[test]
fn s75_of_two_that_lived_through_a_partition_the_older_keeps_the_name() {
    for seed in 0..5 {
        assert_eq!(contest(NameKeeper::Older, seed, 10, |_| {}), Some("one"), "seed {seed}");
    }
}

#[test]
fn s75_of_two_that_lived_through_a_partition_the_newer_keeps_the_name_where_that_is_set() {
    for seed in 0..5 {
        assert_eq!(contest(NameKeeper::Newer, seed, 10, |_| {}), Some("two"), "seed {seed}");
    }
}

#[test]
fn s75_of_two_that_are_equally_old_the_higher_address_keeps_the_name() {
    for keeper in NameKeeper::ALL {
        for later in 0..=2 {
            // Within 2 s. At exactly 2 s their measurements allow either, but they agree all the
            // same.
            let winner = contest(keeper, later, later, |_| {});
            let oldest = if keeper == NameKeeper::Older { "one" } else { "two" };
            assert!(winner == Some("two") || (later == 2 && winner == Some(oldest)), "{later} s");
        }
    }
}

#[test]
fn s75_on_memberlists_wire_each_view_keeps_the_known_address() {
    for seed in 0..5 {
        let mut world = world(Wire::Memberlist, seed, |_| {});
        world.form(5);
        world.run(secs(10));
        let home = world.address(NAME);
        start_second(&mut world, "second", 60);
        let join = world.join("second", "n0");
        world.run(secs(120));
        assert!(has_joined(&world, join), "as in Go, a name that is taken is no reason to refuse");
        let second = world.address("second");
        assert!(was_told(&world, NAME, second) && was_told(&world, "second", home));
        assert!(all_see(&world, home), "seed {seed}");
        world.expect_never_failed(NAME);
        // Once the member is gone the name is free.
        world.crash(NAME);
        let within = bounds::detection(world.node("n0").config(), 6) + secs(60);
        assert!(world.run_until(within, |world| all_see(world, second)), "seed {seed}");
    }
}
