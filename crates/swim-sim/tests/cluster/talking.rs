//! Messages between applications.

use bytes::Bytes;
use swim_core::{Answer, CommandError, ConnectionError, Event, Failure, Via};
use swim_sim::{Pieces, Request, World, WorldOptions, secs};

fn cluster(seed: u64, nodes: usize) -> World {
    let mut world = World::new(seed);
    world.form(nodes);
    world
}

/// How often a node received this broadcast.
fn heard(world: &World, name: &str, payload: &[u8]) -> usize {
    let is_it = |event: &Event| match event {
        Event::Broadcast { payload: found, .. } => found == payload,
        _ => false,
    };
    world.events(name).iter().filter(|record| is_it(&record.event)).count()
}

/// The messages that a node received, with whether they came reliably.
fn received(world: &World, name: &str) -> Vec<(String, Bytes, bool)> {
    let mut found = Vec::new();
    for record in world.events(name) {
        if let Event::Message { from, payload, reliable, .. } = &record.event {
            let from = from.as_ref().expect("the native wire says who sent a message");
            found.push((from.to_string(), payload.clone(), *reliable));
        }
    }
    found
}

fn ask_broadcast(world: &mut World, name: &str, payload: &[u8]) -> Request {
    world.request(name, |node, now| node.broadcast(now, payload)).expect("it fits")
}

#[test]
fn a_broadcast_reaches_everybody_else_exactly_once() {
    for nodes in [2, 3, 10, 40] {
        let mut world = cluster(nodes as u64, nodes);
        let request = ask_broadcast(&mut world, "n1", b"hello");
        world.run(secs(30));
        for number in (0..nodes).filter(|number| *number != 1) {
            assert_eq!(heard(&world, &format!("n{number}"), b"hello"), 1, "n{number}");
        }
        assert_eq!(heard(&world, "n1", b"hello"), 0, "the sender knows what it said");
        assert_eq!(world.answer(request), Some(&Ok(Answer::Spread)));
    }
}

#[test]
fn many_broadcasts_of_many_nodes_all_arrive_once() {
    let mut world = cluster(1, 10);
    for round in 0..10_u8 {
        for number in 0..10_u8 {
            ask_broadcast(&mut world, &format!("n{number}"), &[round, number, 0, 1, 2]);
        }
        world.run(secs(1));
    }
    world.run(secs(30));
    for receiver in 0..10 {
        for (round, number) in (0..10_u8).flat_map(|round| (0..10_u8).map(move |n| (round, n))) {
            let expected = usize::from(receiver != usize::from(number));
            let found = heard(&world, &format!("n{receiver}"), &[round, number, 0, 1, 2]);
            assert_eq!(found, expected, "n{receiver} on round {round} of n{number}");
        }
    }
    world.expect_answered();
}

#[test]
fn a_broadcast_reaches_everybody_at_twenty_percent_loss() {
    for seed in 0..5 {
        let mut world = WorldOptions::new(seed).loss(0.2).build();
        world.form(10);
        ask_broadcast(&mut world, "n0", b"hello");
        world.run(secs(30));
        for number in 1..10 {
            assert_eq!(heard(&world, &format!("n{number}"), b"hello"), 1, "n{number}");
        }
    }
}

#[test]
fn the_largest_broadcast_arrives_and_a_larger_one_is_an_error() {
    let mut world = cluster(2, 5);
    let max = world.node("n0").broadcast_size_max();
    ask_broadcast(&mut world, "n0", &vec![9; max]);
    world.run(secs(30));
    for number in 1..5 {
        assert_eq!(heard(&world, &format!("n{number}"), &vec![9; max]), 1, "n{number}");
    }
    let refused = world.request("n0", |node, now| node.broadcast(now, &vec![9; max + 1]));
    assert_eq!(refused, Err(CommandError::TooLarge { size: max + 1, max }));
}

#[test]
fn a_message_reaches_the_one_it_is_for() {
    let mut world = cluster(3, 4);
    world.command("n0", |node, now| node.send(now, "n2", b"psst")).expect("a member");
    world.run(secs(1));
    assert_eq!(received(&world, "n2"), [("n0".to_owned(), Bytes::from("psst"), false)]);
    assert_eq!(received(&world, "n1"), []);
}

#[test]
fn the_largest_message_arrives_and_a_larger_one_is_an_error() {
    let mut world = cluster(4, 3);
    let max = world.node("n0").message_size_max();
    world.command("n0", |node, now| node.send(now, "n2", &vec![1; max])).expect("it fits");
    world.run(secs(1));
    assert_eq!(received(&world, "n2").len(), 1);
    let refused = world.command("n0", |node, now| node.send(now, "n2", &vec![1; max + 1]));
    assert_eq!(refused, Err(CommandError::TooLarge { size: max + 1, max }));
}

#[test]
fn reliable_messages_of_every_size_arrive_in_pieces_of_any_size() {
    let sizes = [0, 1, 100, 5000, 65_535, 65_536, 1 << 20];
    for pieces in [Pieces::Whole, Pieces::Random(10), Pieces::Random(5000)] {
        let mut world = WorldOptions::new(5).pieces(pieces).build();
        world.form(3);
        for size in sizes {
            let payload: Vec<u8> = (0..=255).cycle().take(size).collect();
            let request = world
                .request("n0", |node, now| node.send_reliable(now, "n1", &payload))
                .expect("a member");
            world.run(secs(200));
            assert_eq!(world.answer(request), Some(&Ok(Answer::Delivered)), "{size} bytes");
            let messages = received(&world, "n1");
            let (from, last, reliable) = messages.last().expect("it was delivered");
            assert!(*reliable && from == "n0" && last[..] == payload[..], "{size} bytes");
        }
        assert_eq!(received(&world, "n1").len(), sizes.len(), "each once");
    }
}

#[test]
fn a_reliable_message_survives_loss() {
    let mut world = WorldOptions::new(6).loss(0.3).build();
    world.form(3);
    let request = world
        .request("n0", |node, now| node.send_reliable(now, "n1", &[5; 100_000]))
        .expect("a member");
    world.run(secs(30));
    assert_eq!(world.answer(request), Some(&Ok(Answer::Delivered)));
    assert_eq!(received(&world, "n1").len(), 1);
}

#[test]
fn a_reliable_message_to_a_dead_process_is_unreachable_and_to_a_dark_host_times_out() {
    let mut world = cluster(7, 4);
    world.crash("n1");
    world.power_off("n2");
    let mut ask = |to: &str| {
        world.request("n0", |node, now| node.send_reliable(now, to, b"hello")).expect("a member")
    };
    let (crashed, dark) = (ask("n1"), ask("n2"));
    world.run(secs(1));
    assert_eq!(world.answer(crashed), Some(&Err(Failure::Connection(ConnectionError::Refused))));
    assert_eq!(world.answer(dark), None);
    world.run(secs(20));
    assert_eq!(world.answer(dark), Some(&Err(Failure::Timeout)));
}

#[test]
fn what_cannot_be_sent_is_an_error_at_the_api() {
    let mut world = cluster(8, 2);
    let unknown = Err(CommandError::UnknownMember);
    let own = Err(CommandError::OwnName);
    assert_eq!(world.command("n0", |node, now| node.send(now, "nobody", b"x")), unknown);
    assert_eq!(world.command("n0", |node, now| node.send(now, "n0", b"x")), own);
    let mut reliably = |to: &str, size: usize| {
        world.request("n0", |node, now| node.send_reliable(now, to, &vec![0; size])).map(|_| ())
    };
    assert_eq!(reliably("nobody", 1), unknown);
    assert_eq!(reliably("n0", 1), own);
    let max = 20 << 20;
    assert_eq!(reliably("n1", max + 1), Err(CommandError::TooLarge { size: max + 1, max }));
    let mut ping = |to: &str| world.request("n0", |node, now| node.ping(now, to)).map(|_| ());
    assert_eq!(ping("nobody"), unknown);
    assert_eq!(ping("n0"), own);
    let meta = world.request("n0", |node, now| node.set_meta(now, vec![0; 513].into()));
    assert_eq!(meta, Err(CommandError::TooLarge { size: 513, max: 512 }));
}

#[test]
fn other_metadata_reaches_all() {
    for nodes in [2, 10, 40] {
        let mut world = cluster(nodes as u64, nodes);
        let request = world.set_meta("n1", "zone=b");
        world.run(secs(10));
        assert_eq!(world.answer(request), Some(&Ok(Answer::Spread)));
        world.expect_converged();
        assert_eq!(world.node("n0").member("n1").expect("a member").meta, b"zone=b");
        assert!(world.events("n0").iter().any(|record| {
            matches!(&record.event, Event::Updated { member, .. }
                if member.name == "n1" && member.meta[..] == b"zone=b"[..])
        }));
    }
}

#[test]
fn of_several_changes_of_metadata_the_last_one_stays() {
    let mut world = cluster(9, 10);
    let requests: Vec<_> =
        (0..20).map(|change| world.set_meta("n1", &format!("change {change}"))).collect();
    world.run(secs(10));
    world.expect_converged();
    assert_eq!(world.node("n0").member("n1").expect("a member").meta, b"change 19");
    for request in requests {
        assert_eq!(world.answer(request), Some(&Ok(Answer::Spread)));
    }
}

#[test]
fn whoever_is_left_alone_in_the_middle_of_it_gets_its_answers_too() {
    let mut world = cluster(15, 2);
    world.leave("n1");
    world.set_meta("n0", "zone=c");
    ask_broadcast(&mut world, "n0", b"anybody?");
    world.run(secs(60));
    world.expect_answered();
}

#[test]
fn a_join_exchanges_application_state_both_ways() {
    let mut world = World::new(10);
    for name in ["a", "b"] {
        world.start(name);
        let state = Bytes::from(format!("the state of {name}"));
        world.command(name, |node, now| node.set_user_state(now, state)).expect("it fits");
    }
    world.join("b", "a");
    world.run(secs(2));
    for (name, other) in [("a", "b"), ("b", "a")] {
        let expected = format!("the state of {other}");
        let found = world.events(name).iter().filter(|record| {
            matches!(&record.event, Event::UserState { join: true, state, .. }
                if *state == expected)
        });
        assert_eq!(found.count(), 1, "{}", world.report(None));
    }
}

#[test]
fn application_state_is_exchanged_again_and_again() {
    let mut world = cluster(11, 3);
    world.command("n0", |node, now| node.set_user_state(now, "news".into())).expect("it fits");
    world.run(secs(200));
    for name in ["n1", "n2"] {
        assert!(world.events(name).iter().any(|record| {
            matches!(&record.event, Event::UserState { join: false, state, .. } if state == "news")
        }));
    }
}

#[test]
fn a_ping_is_answered_with_the_round_trip_and_what_the_member_adds() {
    let mut world = cluster(12, 3);
    world.command("n1", |node, now| node.set_ack_payload(now, "load 3".into())).expect("it fits");
    let request = world.request("n0", |node, now| node.ping(now, "n1")).expect("a member");
    world.run(secs(1));
    match world.answer(request) {
        Some(Ok(Answer::Pong { round_trip, payload })) => {
            assert!((1000..=4000).contains(&round_trip.as_micros()), "{round_trip:?}");
            assert_eq!(payload, "load 3");
        }
        other => panic!("{other:?}"),
    }
    world.run(secs(10));
    assert!(world.events("n2").iter().any(|record| {
        matches!(&record.event, Event::AckPayload { name, payload, .. }
            if *name == "n1" && payload == "load 3")
    }));
}

#[test]
fn a_ping_to_a_member_that_is_gone_times_out() {
    let mut world = cluster(13, 3);
    world.crash("n1");
    let request = world.request("n0", |node, now| node.ping(now, "n1")).expect("a member");
    world.run(secs(5));
    assert_eq!(world.answer(request), Some(&Err(Failure::Timeout)));
}

#[test]
fn news_says_where_it_came_from() {
    let mut world = cluster(14, 3);
    for record in world.events("n1") {
        if let Event::Joined { via, .. } = &record.event {
            assert_ne!(*via, Via::Own);
        }
    }
    world.crash("n2");
    world.run(secs(60));
    let own = world.events("n0").iter().chain(world.events("n1")).any(|record| {
        matches!(&record.event, Event::Suspected { via: Via::Own, accuser, .. }
            if *accuser == "n0" || *accuser == "n1")
    });
    assert!(own, "somebody saw it itself");
}
