//! Filtered datagrams: peers and streams keep a member alive, and nodes report it.

use swim_core::Event;
use swim_sim::{World, secs};

use crate::common::names;

/// How often a node reported that a peer's datagrams are blocked.
fn times_told(world: &World, observer: &str, peer: &str) -> usize {
    let names_it = |event: &Event| match event {
        Event::DatagramsBlocked { member, .. } => member.name == peer,
        _ => false,
    };
    world.events(observer).iter().filter(|record| names_it(&record.event)).count()
}

/// Breaks something in a calm cluster of `nodes`.
///
/// For ten minutes no member may fail, and each observer reports the peer in `told` once.
fn blocked(seed: u64, nodes: usize, what: &str, act: impl Fn(&mut World), told: &[(String, &str)]) {
    let mut world = World::new(seed);
    world.form(nodes);
    world.note(what);
    act(&mut world);
    world.run(secs(600));
    for number in 0..nodes {
        world.expect_never_failed(&format!("n{number}"));
    }
    for (observer, peer) in told {
        let times = times_told(&world, observer, peer);
        if times != 1 {
            world.fail(&format!("{what}: {observer} was told {times} times of {peer}"), Some(peer));
        }
    }
}

#[test]
fn s26_nobody_dies_where_datagrams_to_one_member_are_blocked_and_everybody_says_whose() {
    for nodes in 2..=16 {
        let told: Vec<_> =
            names(nodes).into_iter().filter(|name| name != "n1").map(|name| (name, "n1")).collect();
        blocked(1, nodes, "to n1", |world| world.block_datagrams_to("n1"), &told);
        blocked(2, nodes, "from n1", |world| world.block_datagrams_from("n1"), &told);
    }
}

#[test]
fn s26_nobody_dies_where_datagrams_of_one_pair_are_blocked_one_way_and_both_say_whose() {
    for nodes in 2..=16 {
        let told = [("n0".to_owned(), "n1"), ("n1".to_owned(), "n0")];
        blocked(3, nodes, "n0 to n1", |world| world.block_datagrams("n0", "n1"), &told);
        blocked(4, nodes, "n1 to n0", |world| world.block_datagrams("n1", "n0"), &told);
    }
}

#[test]
fn a_pair_without_datagrams_is_kept_alive_by_indirect_pings() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(5);
        world.block_datagrams("n0", "n1");
        world.block_datagrams("n1", "n0");
        world.run(secs(180));
        for number in 0..5 {
            world.expect_never_suspected(&format!("n{number}"));
        }
        world.expect_converged();
        assert!(world.traffic().packets_cut > 10);
    }
}

#[test]
fn a_node_that_no_datagram_reaches_is_kept_alive_by_streams() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(5);
        world.block_datagrams_to("n2");
        world.run(secs(180));
        for number in 0..5 {
            world.expect_never_failed(&format!("n{number}"));
        }
        for observer in ["n0", "n1", "n3", "n4"] {
            let told = times_told(&world, observer, "n2");
            assert_eq!(told, 1, "{observer} says so once\n{}", world.report(Some("n2")));
        }
        let saved: u64 = ["n0", "n1", "n3", "n4"]
            .iter()
            .map(|name| world.node(name).stats().probes_saved_by_stream)
            .sum();
        assert!(saved > 10);
    }
}

#[test]
fn a_pair_of_nodes_without_datagrams_lives_by_streams_alone() {
    let mut world = World::new(1);
    world.form(2);
    world.block_datagrams("n0", "n1");
    world.block_datagrams("n1", "n0");
    world.run(secs(180));
    world.expect_never_failed("n0");
    world.expect_never_failed("n1");
}

#[test]
fn datagrams_that_come_back_are_noticed() {
    let mut world = World::new(2);
    world.form(3);
    let blocked = |world: &World| times_told(world, "n0", "n2");
    for round in 1..=3 {
        world.block_datagrams_to("n2");
        world.run(secs(30));
        assert_eq!(blocked(&world), round);
        world.heal();
        world.run(secs(30));
        assert_eq!(blocked(&world), round);
    }
}
