//! Broadcasts of the application: their receivers, their number, and their effects on each other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::BytesMut;
use swim_core::wire::{self, Broadcast, Message};
use swim_core::{
    Answer, CommandError, Config, ConfigError, DropReason, Event, Incarnation, MessageKind,
};
use swim_sim::{Request, World, WorldOptions, millis, secs};

/// The broadcasts that a node received, in order.
fn heard(world: &World, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for record in world.events(name) {
        if let Event::Broadcast { payload, .. } = &record.event {
            found.push(String::from_utf8_lossy(payload).into_owned());
        }
    }
    found
}

/// How often a node received this broadcast.
fn times(world: &World, name: &str, text: &str) -> usize {
    heard(world, name).iter().filter(|found| *found == text).count()
}

fn say(world: &mut World, name: &str, text: &str) -> Request {
    let request = world.request(name, |node, now| node.broadcast(now, text.as_bytes()));
    request.expect("there is room")
}

fn say_keyed(world: &mut World, name: &str, key: &str, text: &str) -> Request {
    let (key, text) = (key.as_bytes(), text.as_bytes());
    let request = world.request(name, |node, now| node.broadcast_keyed(now, key, text));
    request.expect("there is room")
}

/// A datagram with these broadcasts.
fn datagram(broadcasts: &[Broadcast<'_>]) -> bytes::Bytes {
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    for broadcast in broadcasts {
        Message::Broadcast(*broadcast).encode(&mut packet);
    }
    packet.freeze()
}

fn broadcast_of<'a>(origin: &'a str, sequence: u32, payload: &'a [u8]) -> Broadcast<'a> {
    Broadcast { origin, life: 1, sequence, key: &[], payload, known: Incarnation(0) }
}

/// Lets all queued broadcasts be sent.
fn run_dry(world: &mut World, max_secs: u64) {
    let dry =
        |world: &World| world.running().all(|name| world.node(name).stats().broadcasts_queued == 0);
    if !world.run_until(secs(max_secs), dry) {
        world.fail(&format!("broadcasts still circulate after {max_secs} s"), None);
    }
}

#[test]
fn a_broadcast_is_passed_on_by_those_who_receive_it() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.form(12);
        // Datagrams of n0 reach only n1.
        for number in 2..12 {
            world.block_datagrams("n0", &format!("n{number}"));
        }
        say(&mut world, "n0", "hello");
        world.run(secs(5));
        for number in 1..12 {
            assert_eq!(times(&world, &format!("n{number}"), "hello"), 1, "n{number}, seed {seed}");
        }
    }
}

#[test]
fn a_broadcast_whose_origin_is_gone_still_reaches_everybody() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.form(30);
        say(&mut world, "n3", "last words");
        assert!(world.run_until(secs(1), |world| {
            (0..30)
                .any(|number| number != 3 && times(world, &format!("n{number}"), "last words") > 0)
        }));
        world.crash("n3");
        world.run(secs(5));
        for number in (0..30).filter(|number| *number != 3) {
            assert_eq!(times(&world, &format!("n{number}"), "last words"), 1, "n{number}");
        }
    }
}

#[test]
fn the_latest_broadcast_of_a_key_replaces_those_that_wait() {
    let mut world = World::new(1);
    world.form(10);
    let requests: Vec<_> = (0..20)
        .map(|number| say_keyed(&mut world, "n2", "load", &format!("load {number}")))
        .collect();
    let other = say_keyed(&mut world, "n2", "zone", "zone 1");
    assert_eq!(world.node("n2").stats().broadcasts_queued, 2, "one for each key");
    for request in &requests[..19] {
        assert_eq!(world.answer(*request), Some(&Ok(Answer::Spread)), "a newer one took its place");
    }
    assert_eq!(world.answer(requests[19]), None);
    world.run(secs(10));
    for request in [requests[19], other] {
        assert_eq!(world.answer(request), Some(&Ok(Answer::Spread)));
    }
    for number in (0..10).filter(|number| *number != 2) {
        let mut all = heard(&world, &format!("n{number}"));
        all.sort();
        assert_eq!(all, ["load 19", "zone 1"], "n{number}");
    }
}

#[test]
fn keys_of_different_origins_have_nothing_to_do_with_each_other() {
    let mut world = World::new(2);
    world.form(6);
    for number in 0..6 {
        say_keyed(&mut world, &format!("n{number}"), "load", &format!("load of n{number}"));
    }
    world.run(secs(10));
    for number in 0..6 {
        assert_eq!(heard(&world, &format!("n{number}")).len(), 5);
    }
}

#[test]
fn an_older_broadcast_of_a_key_is_not_delivered_behind_the_newer_one_that_waits() {
    let mut world = World::new(3);
    world.form(4);
    let from = world.address("n1");
    for sequence in [7, 6, 8] {
        let text = format!("load {sequence}");
        let broadcast = Broadcast { key: b"load", ..broadcast_of("n1", sequence, text.as_bytes()) };
        world.inject(from, "n0", datagram(&[broadcast]));
        world.run(millis(3));
    }
    assert_eq!(heard(&world, "n0"), ["load 7", "load 8"]);
    assert_eq!(world.node("n0").stats().drops[DropReason::ReplacedBroadcast], 1);
}

#[test]
fn a_keyed_broadcast_after_a_restart_is_not_taken_for_an_older_one() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(8);
        for number in 0..5 {
            say_keyed(&mut world, "n2", "load", &format!("before {number}"));
            world.run(millis(50));
        }
        world.run(millis(200));
        world.restart("n2");
        world.join("n2", "n0");
        world.run(millis(50));
        say_keyed(&mut world, "n2", "load", "after");
        world.run(secs(10));
        for number in (0..8).filter(|number| *number != 2) {
            assert_eq!(times(&world, &format!("n{number}"), "after"), 1, "n{number}, seed {seed}");
        }
    }
}

#[test]
fn a_keyed_broadcast_takes_the_place_of_its_older_one_in_a_full_queue() {
    let mut world =
        WorldOptions::new(4).configure(|_, config| config.broadcast_queue_max = 3).build();
    world.form(3);
    for key in ["a", "b", "c"] {
        say_keyed(&mut world, "n0", key, "old");
    }
    let more = world.request("n0", |node, now| node.broadcast_keyed(now, b"d", b"new"));
    assert_eq!(more, Err(CommandError::Busy { limit: "broadcast_queue_max" }));
    // It fits in the room of the broadcast that it replaces.
    say_keyed(&mut world, "n0", "a", "new");
    world.run(secs(5));
    assert_eq!(times(&world, "n1", "new"), 1);
    assert_eq!(times(&world, "n1", "old"), 2);
}

#[test]
fn a_node_that_restarts_in_the_same_second_is_heard() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(6);
        for number in 0..3 {
            say(&mut world, "n1", &format!("first life {number}"));
        }
        world.run(millis(300));
        // The clock shows the same second, or was set back: the incarnation is the same.
        let incarnation = world.node("n1").config().incarnation;
        world.restart_with("n1", |config| config.incarnation = incarnation);
        // Before it has joined it has no peers to send to.
        world.join("n1", "n0");
        world.run(millis(50));
        for number in 0..3 {
            say(&mut world, "n1", &format!("second life {number}"));
        }
        world.run(secs(10));
        for number in (0..6).filter(|number| *number != 1) {
            let mut all = heard(&world, &format!("n{number}"));
            all.sort();
            let expected = ["first", "second"]
                .map(|life| [0, 1, 2].map(|number| format!("{life} life {number}")));
            assert_eq!(all, expected.concat(), "n{number}, seed {seed}");
        }
    }
}

#[test]
fn what_a_node_that_restarts_again_and_again_says_is_delivered_once_and_comes_to_rest() {
    for seed in 0..3 {
        let mut world = World::new(seed);
        world.form(20);
        for life in 0..8 {
            say(&mut world, "n1", &format!("life {life}"));
            world.run(millis(700));
            world.restart_with("n1", |config| config.incarnation = Incarnation(1));
            world.join("n1", "n0");
            world.run(millis(100));
        }
        run_dry(&mut world, 30);
        for number in (0..20).filter(|number| *number != 1) {
            for life in 0..8 {
                let found = times(&world, &format!("n{number}"), &format!("life {life}"));
                assert_eq!(found, 1, "life {life} at n{number}, seed {seed}");
            }
        }
    }
}

#[test]
fn what_is_accepted_of_a_node_that_never_stops_talking_arrives_once() {
    let mut world = World::new(6);
    world.form(5);
    let (mut said, mut refused) = (0_usize, 0);
    for _ in 0..6000 {
        for _ in 0..20 {
            let text = format!("{said:05}: {}", "x".repeat(93));
            match world.request("n0", |node, now| node.broadcast(now, text.as_bytes())) {
                Ok(_) => said += 1,
                Err(CommandError::Busy { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        world.run(millis(50));
    }
    run_dry(&mut world, 600);
    world.expect_answered();
    assert!(refused > 1000, "the queue was full: {refused}");
    let mut missed = 0;
    for number in 1..5 {
        let mut all = heard(&world, &format!("n{number}"));
        let received = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), received, "each once at n{number}");
        missed += said - received;
    }
    println!("{said} broadcasts of 100 bytes in 300 s; {missed} of {} missed", said * 4);
    assert!(missed * 1000 <= said * 4, "{missed} of {}", said * 4);
}

#[test]
fn a_thousand_broadcasts_at_once_arrive_once() {
    for nodes in [2, 5, 9, 20] {
        let mut world = World::new(12);
        world.form(nodes);
        for number in 0..1000 {
            say(&mut world, "n0", &format!("broadcast {number}"));
        }
        run_dry(&mut world, 120);
        let mut missed = 0;
        for number in 1..nodes {
            let mut all = heard(&world, &format!("n{number}"));
            let received = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), received, "each once at n{number}");
            missed += 1000 - received;
        }
        println!("{nodes} nodes: {missed} of {} missed", 1000 * (nodes - 1));
        assert!(missed < nodes, "one in a thousand at most: {missed}");
    }
}

#[test]
fn every_broadcast_reaches_everybody_in_clusters_of_every_size() {
    let mut missed = 0;
    for nodes in [2, 3, 5, 7, 8, 9, 10, 25, 60, 99] {
        let mut world = World::new(nodes as u64);
        world.form(nodes);
        for number in 0..50 {
            say(&mut world, &format!("n{}", number % nodes), &format!("broadcast {number}"));
            world.run(secs(1));
        }
        run_dry(&mut world, 60);
        for receiver in 0..nodes {
            let own = (0..50).filter(|number| number % nodes == receiver).count();
            missed += 50 - own - heard(&world, &format!("n{receiver}")).len();
        }
        assert_eq!(missed, 0, "in a cluster of {nodes}");
    }
}

#[test]
fn more_waiting_broadcasts_than_receivers_tell_apart_cannot_be_configured() {
    let mut config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
    config.broadcast_queue_max = 1024;
    assert_eq!(config.validate(), Ok(()));
    config.broadcast_queue_max = 1025;
    assert!(matches!(config.validate(), Err(ConfigError::OutOfRange { .. })));
}

#[test]
fn of_one_origin_the_latest_1024_broadcasts_are_told_apart() {
    let mut world = World::new(7);
    world.form(2);
    let from = world.address("n1");
    let mut give = |sequence: u32| {
        let text = sequence.to_string();
        world.inject(from, "n0", datagram(&[broadcast_of("n9", sequence, text.as_bytes())]));
        world.run(millis(3));
        heard(&world, "n0").len()
    };
    assert_eq!(give(2000), 1);
    assert_eq!(give(2000 - 1023), 2, "the oldest that is told apart");
    assert_eq!(give(2000 - 1024), 2, "one further back counts as heard");
    assert_eq!(give(2000 - 1023), 2, "each once");
}

/// A cluster of eight that remember `origins_max` origins. Six of them broadcast at once.
fn six_speak(origins_max: usize) -> World {
    let mut world = WorldOptions::new(8)
        .configure(move |_, config| config.broadcast_origins_max = origins_max)
        .build();
    world.form(8);
    for number in 0..6 {
        say(&mut world, &format!("n{number}"), &format!("from n{number}"));
    }
    run_dry(&mut world, 60);
    world
}

#[test]
fn as_many_origins_are_told_apart_as_the_limit_says() {
    let world = six_speak(6);
    for receiver in 0..8 {
        for origin in (0..6).filter(|origin| *origin != receiver) {
            let found = times(&world, &format!("n{receiver}"), &format!("from n{origin}"));
            assert_eq!(found, 1, "n{origin} at n{receiver}");
        }
    }
}

#[test]
fn more_origins_than_the_limit_cause_neither_repetitions_nor_a_storm() {
    for origins_max in [1, 3, 4] {
        let world = six_speak(origins_max);
        let mut received = 0;
        for receiver in 0..8 {
            for origin in (0..6).filter(|origin| *origin != receiver) {
                let found = times(&world, &format!("n{receiver}"), &format!("from n{origin}"));
                assert!(found <= 1, "n{origin} at n{receiver}: {found} times");
                received += found;
            }
        }
        assert!(received >= origins_max * 7, "as many as can be told apart: {received}");
    }
}

#[test]
fn an_origin_that_fell_silent_makes_room_for_another() {
    let mut world =
        WorldOptions::new(9).configure(|_, config| config.broadcast_origins_max = 1).build();
    world.form(4);
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        say(&mut world, &format!("n{number}"), text);
        world.run(secs(60));
    }
    for (name, expected) in [
        ("n3", vec!["one", "two", "three"]),
        ("n0", vec!["two", "three"]),
        ("n2", vec!["one", "two"]),
    ] {
        assert_eq!(heard(&world, name), expected, "{name}");
    }
}

#[test]
fn what_a_node_says_itself_is_not_pushed_out_by_what_it_passes_on() {
    let mut world =
        WorldOptions::new(10).configure(|_, config| config.broadcast_queue_max = 8).build();
    world.form(6);
    let from = world.address("n1");
    let mut requests = Vec::new();
    for number in 0..4 {
        requests.push(say(&mut world, "n0", &format!("my own {number}")));
    }
    for sequence in 0..40 {
        let text = format!("foreign {sequence}");
        world.inject(from, "n0", datagram(&[broadcast_of("n9", sequence, text.as_bytes())]));
    }
    world.run(secs(20));
    for request in requests {
        assert_eq!(world.answer(request), Some(&Ok(Answer::Spread)));
    }
    for receiver in 1..6 {
        for number in 0..4 {
            let found = times(&world, &format!("n{receiver}"), &format!("my own {number}"));
            assert_eq!(found, 1, "{number} at n{receiver}");
        }
    }
    assert_eq!(heard(&world, "n0").len(), 40, "what is not passed on is delivered all the same");
    assert!(world.node("n0").stats().drops[DropReason::QueueFull] > 0);
}

#[test]
fn broadcasts_come_in_any_order() {
    // This is not a promise but the lack of one: see docs/reference/guarantees.md.
    let mut world = World::new(11);
    world.form(10);
    let mut out_of_order = 0;
    for number in 0..20 {
        say(&mut world, "n0", &format!("{number:02}"));
    }
    world.run(secs(10));
    for receiver in 1..10 {
        let all = heard(&world, &format!("n{receiver}"));
        assert_eq!(all.len(), 20);
        out_of_order += usize::from(!all.is_sorted());
    }
    println!("{out_of_order} of 9 nodes received them in another order than they were sent");
    assert!(world.node("n0").stats().sent[MessageKind::Broadcast] > 20);
}
