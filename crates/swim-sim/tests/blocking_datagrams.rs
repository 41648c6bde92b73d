//! Filtered datagrams: peers and streams keep a member alive, and somebody says so.

use swim_core::Event;
use swim_sim::{World, secs};

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
            let told = world.events(observer).iter().filter(|record| {
                matches!(&record.event, Event::DatagramsBlocked { member } if member.name == "n2")
            });
            assert_eq!(told.count(), 1, "{observer} says so once\n{}", world.report(Some("n2")));
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
    let blocked = |world: &World| {
        let is_it = |event: &Event| matches!(event, Event::DatagramsBlocked { member } if member.name == "n2");
        world.events("n0").iter().filter(|record| is_it(&record.event)).count()
    };
    for round in 1..=3 {
        world.block_datagrams_to("n2");
        world.run(secs(30));
        assert_eq!(blocked(&world), round);
        world.heal();
        world.run(secs(30));
        assert_eq!(blocked(&world), round);
    }
}
