//! A clogged link holds its traffic, and lets it through in order.

use swim_core::{Answer, ConnectionError, Failure};
use swim_sim::{Latency, World, WorldOptions, millis, secs};

use crate::common::first_bytes_received;

/// A cluster on a network with exactly 10 ms of latency.
fn cluster(nodes: usize) -> World {
    let mut world = WorldOptions::new(1).latency(Latency::Fixed(millis(10))).build();
    world.form(nodes);
    world
}

#[test]
fn a_clogged_link_lets_datagrams_through_in_the_order_of_their_arrival() {
    let mut world = cluster(3);
    // This one is on its way when the link is clogged.
    world.command("n0", |node, now| node.send(now, "n1", &[0])).expect("a member");
    world.clog("n0", "n1");
    for number in 1..10 {
        world.run(millis(100));
        world.command("n0", |node, now| node.send(now, "n1", &[number])).expect("a member");
    }
    world.command("n1", |node, now| node.send(now, "n0", &[77])).expect("a member");
    world.run(millis(100));
    assert_eq!(first_bytes_received(&world, "n1"), []);
    assert_eq!(first_bytes_received(&world, "n0"), [77], "the way back is free");
    let freed = world.now();
    world.unclog("n0", "n1");
    world.run(millis(1));
    assert_eq!(first_bytes_received(&world, "n1"), (0..10).collect::<Vec<u8>>());
    let record = world.events("n1").last().expect("there are messages");
    assert_eq!(record.at, freed, "at once");
    assert!(world.traffic().packets_clogged >= 10);
}

#[test]
fn a_clogged_link_holds_a_stream_and_lets_it_go_on() {
    let mut world = cluster(2);
    // The request, its answer, the data and the ack take 10 ms each.
    for (direction, clogged) in [(("n0", "n1"), [0, 15, 25]), (("n1", "n0"), [0, 15, 35])] {
        for after in clogged {
            let request =
                world.request("n0", |node, now| node.send_reliable(now, "n1", &[9; 5000]));
            let request = request.expect("a member");
            world.run(millis(after));
            world.clog(direction.0, direction.1);
            world.run(millis(1500));
            assert_eq!(world.answer(request), None, "{direction:?} after {after} ms");
            world.unclog(direction.0, direction.1);
            world.run(millis(100));
            assert_eq!(world.answer(request), Some(&Ok(Answer::Delivered)));
        }
    }
    assert!(world.traffic().streams_clogged >= 6);
    world.run(secs(20));
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn a_clogged_host_neither_hears_nor_is_heard_until_it_is_freed() {
    let mut world = cluster(5);
    world.clog_host("n4");
    world.run(millis(50));
    let (heard, answered) = (world.node("n4").stats().packets_received, world.traffic());
    world.run(secs(2));
    assert_eq!(world.node("n4").stats().packets_received, heard);
    assert!(world.traffic().packets_clogged > answered.packets_clogged);
    world.unclog_host("n4");
    world.run(millis(1));
    assert!(world.node("n4").stats().packets_received > heard);
    world.settle(secs(20));
    for number in 0..5 {
        world.expect_never_failed(&format!("n{number}"));
    }
}

#[test]
fn clogs_overlap_and_healing_ends_them_all() {
    let mut world = cluster(3);
    world.clog("n0", "n1");
    world.clog_host("n1");
    world.command("n0", |node, now| node.send(now, "n1", &[1])).expect("a member");
    world.run(millis(50));
    world.unclog_host("n1");
    world.run(millis(50));
    assert_eq!(first_bytes_received(&world, "n1"), [], "its link is still clogged");
    world.heal();
    world.run(millis(1));
    assert_eq!(first_bytes_received(&world, "n1"), [1]);
}

#[test]
fn what_a_clog_lets_through_a_cut_may_still_stop() {
    let mut world = cluster(3);
    world.clog("n0", "n1");
    world.command("n0", |node, now| node.send(now, "n1", &[1])).expect("a member");
    world.run(millis(50));
    world.cut_one_way("n0", "n1");
    let before = world.traffic().packets_cut;
    world.unclog("n0", "n1");
    world.run(millis(1));
    assert_eq!(first_bytes_received(&world, "n1"), []);
    assert!(world.traffic().packets_cut > before);
}

#[test]
fn a_stream_that_is_clogged_or_cut_for_longer_than_51_s_is_reset() {
    let faults: [fn(&mut World); 2] =
        [|world| world.clog("n0", "n1"), |world| world.cut_one_way("n0", "n1")];
    for fault in faults {
        let mut world = WorldOptions::new(1)
            .latency(Latency::Fixed(millis(10)))
            .configure(|_, config| config.stream_timeout = secs(300))
            .build();
        world.form(2);
        let request = world.request("n0", |node, now| node.send_reliable(now, "n1", &[9; 5000]));
        let request = request.expect("a member");
        world.run(millis(25));
        fault(&mut world);
        world.run(millis(50_900));
        assert_eq!(world.answer(request), None);
        world.run(millis(200));
        let answer = world.answer(request);
        assert!(
            matches!(answer, Some(Err(Failure::Connection(ConnectionError::TimedOut)))),
            "{answer:?}"
        );
        // Nothing of it is left after the link is freed.
        world.heal();
        world.run(secs(1));
        assert_eq!(first_bytes_received(&world, "n1"), []);
    }
}

#[test]
fn a_connection_request_that_is_clogged_times_out_and_one_freed_in_time_does_not() {
    for (clogged, opens) in [(secs(2), true), (secs(4), false)] {
        let mut world = WorldOptions::new(1)
            .connect_timeout(secs(3))
            .configure(|_, config| config.stream_timeout = secs(60))
            .build();
        world.start("a");
        world.start("b");
        world.clog("b", "a");
        let request = world.join("b", "a");
        world.run(clogged);
        world.unclog("b", "a");
        world.run(secs(1));
        let joined = matches!(world.answer(request), Some(Ok(Answer::Joined { .. })));
        assert_eq!(joined, opens, "{:?}", world.answer(request));
        world.run(secs(10));
        assert_eq!(world.streams_open(), 0);
    }
}
