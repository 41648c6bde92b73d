//! The modelled network behaves as documented.

use swim_core::{Answer, ConnectionError, Failure};
use swim_sim::{Latency, World, WorldOptions, millis, secs};

/// A pair on a network with exactly 10 ms of latency.
fn pair() -> World {
    let mut world = WorldOptions::new(1).latency(Latency::Fixed(millis(10))).build();
    world.start("a");
    world.start("b");
    world
}

#[test]
fn a_stream_opens_after_a_round_trip() {
    let mut world = pair();
    world.join("b", "a");
    world.run(millis(19));
    assert_eq!(world.traffic().streams_opened, 0);
    world.run(millis(1));
    assert_eq!(world.traffic().streams_opened, 1);
}

#[test]
fn a_dead_process_refuses_after_a_round_trip() {
    let mut world = pair();
    world.crash("a");
    let request = world.join("b", "a");
    world.run(millis(19));
    assert_eq!(world.answer(request), None);
    world.run(millis(1));
    assert_eq!(world.answer(request), Some(&Err(Failure::Connection(ConnectionError::Refused))));
    assert_eq!(world.traffic().streams_failed, 1);
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn a_dark_host_and_an_address_that_nobody_has_answer_nothing() {
    for dark in [true, false] {
        let mut world = WorldOptions::new(1)
            .connect_timeout(secs(3))
            .configure(|_, config| config.stream_timeout = secs(60))
            .build();
        world.start("a");
        world.start("b");
        let address = if dark {
            world.power_off("a");
            world.address("a")
        } else {
            "192.0.2.1:80".parse().expect("an address")
        };
        let request = world.join_address("b", address);
        world.run(millis(2999));
        assert_eq!(world.answer(request), None);
        world.run(millis(1));
        assert!(world.answer(request).is_some(), "by the connect time-out");
        assert_eq!(world.streams_open(), 0);
    }
}

#[test]
fn a_cut_stalls_a_stream_and_healing_lets_it_go_on() {
    let mut world = pair();
    let request = world.join("b", "a");
    world.run(millis(25));
    world.cut(&["a"], &["b"]);
    world.run(secs(4));
    assert_eq!(world.answer(request), None);
    assert!(world.traffic().streams_stalled > 3);
    world.heal();
    world.run(secs(4));
    assert!(matches!(world.answer(request), Some(Ok(Answer::Joined { .. }))));
}

#[test]
fn a_restart_is_told_apart_from_the_process_before() {
    let mut world = pair();
    let request = world.join("b", "a");
    world.run(millis(25));
    world.power_off("a");
    world.restart("a");
    world.run(secs(1));
    // The data that reached the new process belonged to an unknown stream.
    assert_eq!(world.answer(request), Some(&Err(Failure::Connection(ConnectionError::Reset))));
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn the_socket_of_a_paused_process_keeps_so_many_datagrams() {
    let mut world = WorldOptions::new(1).socket_buffer(3).build();
    world.form(2);
    world.pause("n1");
    for _ in 0..5 {
        world.command("n0", |node, now| node.send(now, "n1", b"hello")).expect("a member");
    }
    world.run(millis(10));
    let before = world.traffic();
    assert!(before.packets_overflowed >= 2);
    world.resume("n1");
    assert_eq!(world.traffic().packets_delivered, before.packets_delivered + 3);
}

#[test]
fn a_paused_process_is_given_what_waited_before_its_timers_fire() {
    // The ack that waited for it ends the probe, so n1 is never suspected.
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.form(2);
        world.run(millis(seed * 97));
        world.pause("n0");
        world.run(millis(700));
        world.resume("n0");
        world.run(secs(5));
        world.expect_never_suspected("n1");
    }
}

#[test]
fn a_datagram_from_outside_is_delivered() {
    let mut world = pair();
    let outside = "203.0.113.9:5000".parse().expect("an address");
    world.inject(outside, "a", &b"GET / HTTP/1.1\r\n\r\n"[..]);
    world.run(secs(1));
    assert_eq!(world.node("a").stats().packets_received, 1);
    assert_eq!(world.node("a").stats().drops.total(), 1);
}

#[test]
#[should_panic(expected = "n2 should believe")]
fn an_expectation_that_is_not_met_panics_with_a_report() {
    let mut world = World::new(1);
    world.form(3);
    world.crash("n0");
    world.power_off("n1");
    world.expect_failed("n1");
}

#[test]
#[should_panic(expected = "no node nobody was ever started")]
fn an_unknown_name_is_a_mistake_in_the_test() {
    World::new(1).crash("nobody");
}

#[test]
#[should_panic(expected = "the address is that of a")]
fn an_address_is_given_to_another_node_with_a_restart_only() {
    let mut world = pair();
    let address = world.address("a");
    world.start_with("c", |config| config.address = address);
}
