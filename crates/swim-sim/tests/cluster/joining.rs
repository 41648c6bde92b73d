//! Joins: through many addresses, wrong ones, and unused ones.

use core::net::SocketAddr;
use core::time::Duration;

use swim_core::{Answer, ConnectionError, Failure, State};
use swim_sim::{World, millis, secs};

/// Unused addresses, where nothing answers.
fn black_holes(count: u8) -> Vec<SocketAddr> {
    (1..=count).map(|last| SocketAddr::from(([192, 0, 2, last], 7946))).collect()
}

fn is_joined(world: &World, request: swim_sim::Request) -> bool {
    matches!(world.answer(request), Some(Ok(Answer::Joined { .. })))
}

#[test]
fn a_join_is_held_up_by_no_other_whose_address_is_a_black_hole() {
    let mut world = World::new(1);
    world.form(3);
    world.start("late");
    let mut addresses = black_holes(30);
    addresses.extend(["n0", "n1", "n2"].map(|name| world.address(name)));
    let requests = addresses.into_iter().map(|address| world.join_address("late", address));
    let requests: Vec<_> = requests.collect();
    assert!(world.run_until(secs(1), |world| requests.iter().any(|it| is_joined(world, *it))));
    world.settle(secs(5));
}

#[test]
fn a_join_that_reaches_nobody_says_why() {
    let mut world = World::new(2);
    world.start("gone");
    world.crash("gone");
    world.start("a");
    let mut addresses = black_holes(2);
    addresses.push(world.address("gone"));
    let requests = addresses.into_iter().map(|address| world.join_address("a", address));
    let requests: Vec<_> = requests.collect();
    world.run(secs(60));
    let expected =
        [Failure::Timeout, Failure::Timeout, Failure::Connection(ConnectionError::Refused)];
    for (request, expected) in requests.into_iter().zip(expected) {
        assert_eq!(world.answer(request), Some(&Err(expected)));
    }
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn a_join_to_a_dead_process_fails_at_once() {
    let mut world = World::new(3);
    world.form(2);
    world.crash("n1");
    world.start("a");
    let request = world.join("a", "n1");
    world.run(secs(1));
    assert_eq!(world.answer(request), Some(&Err(Failure::Connection(ConnectionError::Refused))));
}

#[test]
fn a_join_behind_a_cut_fails_by_its_deadline() {
    let mut world = World::new(4);
    world.form(2);
    world.start("a");
    world.cut(&["a"], &["n0", "n1"]);
    let requests = world.join_each("a", &["n0", "n1"]);
    world.run(secs(5));
    assert!(requests.iter().all(|request| world.answer(*request).is_none()));
    world.run(secs(30));
    for request in requests {
        assert_eq!(world.answer(request), Some(&Err(Failure::Timeout)));
    }
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn a_cut_in_the_middle_of_a_join_ends_it_by_its_deadline() {
    let mut world = World::new(5);
    world.start("a");
    world.start("b");
    let request = world.join("b", "a");
    assert!(world.run_until(secs(1), |world| world.traffic().streams_opened == 1));
    world.cut(&["a"], &["b"]);
    world.run(secs(60));
    assert!(world.answer(request).is_some());
    world.expect_answered();
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn a_crash_of_the_contact_in_the_middle_of_a_join_is_no_hang() {
    let mut world = World::new(6);
    world.start("a");
    world.start("b");
    let request = world.join("b", "a");
    assert!(world.run_until(secs(1), |world| world.traffic().streams_opened == 1));
    world.crash("a");
    world.run(secs(1));
    assert!(world.answer(request).is_some());
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn a_join_to_another_cluster_is_refused() {
    let mut world = World::new(7);
    world.start_with("a", |config| config.label = "one".into());
    world.start_with("b", |config| config.label = "other".into());
    let request = world.join("b", "a");
    world.run(secs(30));
    // It is refused while its data may still be on its way.
    let refused = [Failure::Refused, Failure::Connection(ConnectionError::Reset)].map(Err);
    assert!(world.answer(request).is_some_and(|answer| refused.contains(answer)));
    assert_eq!(world.state("a", "b"), None);
    assert_eq!(world.state("b", "a"), None);
}

#[test]
fn a_join_to_a_paused_node_succeeds_when_it_goes_on() {
    let mut world = World::new(8);
    world.start("a");
    world.start("b");
    world.pause("a");
    let request = world.join("b", "a");
    world.run(secs(5));
    assert_eq!(world.answer(request), None);
    world.resume("a");
    world.run(secs(1));
    assert!(is_joined(&world, request));
    world.settle(secs(1));
}

#[test]
fn joins_under_way_end_when_the_node_leaves() {
    let mut world = World::new(12);
    world.start("a");
    let joins = black_holes(2).into_iter().map(|address| world.join_address("a", address));
    let joins: Vec<_> = joins.collect();
    world.run(millis(100));
    assert_eq!(world.streams_open(), 2);
    world.leave("a");
    for join in joins {
        assert_eq!(world.answer(join), Some(&Err(Failure::Stopped)));
    }
    world.expect_answered();
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn who_leaves_before_its_join_is_answered_is_seen_as_left() {
    let mut world = World::new(13);
    world.start("a");
    world.start("b");
    world.join("b", "a");
    while world.node("a").member("b").is_none() {
        world.run(Duration::from_micros(10));
    }
    assert_eq!(world.node("b").members_live(), 1, "the answer is still on its way");
    let leave = world.leave("b");
    assert_eq!(world.answer(leave), None);
    world.run(secs(5));
    assert_eq!(world.answer(leave), Some(&Ok(Answer::Left)));
    assert_eq!(world.node("a").member("b").map(|b| b.state), Some(State::Left));
}

#[test]
fn a_join_to_the_own_address_says_so_at_once() {
    let mut world = World::new(9);
    world.start("a");
    let request = world.join("a", "a");
    assert_eq!(world.answer(request), Some(&Err(Failure::OwnAddress)));
    assert_eq!(world.streams_open(), 0);
}

#[test]
fn joining_what_one_is_a_member_of_already_changes_nothing() {
    let mut world = World::new(10);
    world.form(5);
    for _ in 0..5 {
        let request = world.join("n1", "n2");
        world.run(secs(2));
        assert!(is_joined(&world, request));
    }
    world.expect_converged();
}

#[test]
fn every_answer_leaves_no_stream_behind() {
    let mut world = World::new(11);
    world.form(20);
    assert!(world.run_until(secs(30), |world| world.streams_open() == 0));
    world.expect_answered();
}

#[test]
fn hundreds_that_join_within_a_second_know_each_other_soon_and_then_say_no_more_of_it() {
    const FOUNDERS: usize = 24;
    const NEWCOMERS: usize = 400;
    let mut world = World::new(17);
    world.assemble(FOUNDERS);
    let before = world.traffic();
    for number in 0..NEWCOMERS {
        let name = format!("new{number}");
        world.start(&name);
        world.join(&name, &format!("n{}", number % FOUNDERS));
        world.run(secs(1) / 400);
    }
    // Gossip alone, with its twelve transmissions of each update, would take about twice as long
    // and twice as many bytes.
    let all = FOUNDERS + NEWCOMERS;
    let knows_all = |world: &World, name: &str| world.node(name).members_live() == all;
    let mut waited = secs(0);
    while !world.running().all(|name| knows_all(&world, name)) {
        world.run(millis(100));
        waited += millis(100);
    }
    assert!(waited <= secs(4), "{waited:?} after the last one came");
    world.run(secs(30));
    let after = world.traffic();
    let bytes = after.packet_bytes + after.stream_bytes - before.packet_bytes - before.stream_bytes;
    let per_node = bytes / (FOUNDERS + NEWCOMERS) as u64;
    assert!(per_node < 80_000, "{per_node} bytes a node");
}
