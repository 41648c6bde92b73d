//! Names: a member that moved, a restarted process, two nodes with one name, and a stranger at a
//! former member's address.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{DropReason, Event, Incarnation, Member, State, Versions};
use swim_sim::{World, bounds, secs};

/// A node's view of a member, which need not be the node after which its host is named.
fn believed(world: &World, observer: &str, member: &str) -> Option<(State, SocketAddr)> {
    let member = world.node(observer).member(member)?;
    Some((member.state, member.address))
}

/// Whether every node that takes part sees the member alive at this address.
fn lives_at(world: &World, member: &str, address: SocketAddr) -> bool {
    world
        .running()
        .filter(|observer| world.node(observer).local().name != member)
        .all(|observer| believed(world, observer, member) == Some((State::Alive, address)))
}

/// Starts another host whose node has a present or former name.
fn start_as(world: &mut World, label: &str, name: &str, incarnation: Incarnation) {
    world.start_with(label, |config| {
        config.name = name.parse().unwrap();
        config.incarnation = incarnation;
    });
}

/// The addresses under which a node listed a member, in order.
fn addresses_in_turn(world: &World, observer: &str, name: &str) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for record in world.events(observer) {
        if let Some(member) = announced(&record.event).filter(|member| member.name == name)
            && addresses.last() != Some(&member.address)
        {
            addresses.push(member.address);
        }
    }
    addresses
}

fn announced(event: &Event) -> Option<&Member> {
    match event {
        Event::Joined { member, .. }
        | Event::Updated { member, .. }
        | Event::Refuted { member, .. } => Some(member),
        _ => None,
    }
}

fn was_told_of_a_namesake(world: &World, label: &str) -> bool {
    world.events(label).iter().any(|record| matches!(record.event, Event::NameTaken { .. }))
}

/// The time until a member that came back at another address is listed there.
///
/// The known address is silent for two probe intervals when the member asks, and for two when its
/// peers do. Then the news spreads.
fn moved_within(world: &World, nodes: usize) -> Duration {
    let config = world.node("n0").config();
    config.probe_interval * 4 + bounds::spread(config, nodes) * 2
}

/// The time until a node that waits for a free name has it: it asks once per probe interval.
fn inherited_within(world: &World, nodes: usize) -> Duration {
    moved_within(world, nodes) + world.node("n0").config().probe_interval
}

#[test]
fn s27_a_node_killed_and_started_elsewhere_is_taken_in_soon() {
    for nodes in [3, 5, 20] {
        for (seed, rise) in [(1, 1), (2, 3600), (3, 0)] {
            let mut world = World::new(seed);
            world.form(nodes);
            let before = world.node("n2").local().incarnation;
            world.crash("n2");
            world.run(secs(1));
            // At an equal incarnation the higher address decides, and hosts started later have it.
            start_as(&mut world, "moved", "n2", Incarnation(before.0 + rise));
            world.join("moved", "n0");
            world.settle(moved_within(&world, nodes));
            world.run(secs(60));
            world.expect_converged();
        }
    }
}

#[test]
fn s27_a_node_started_elsewhere_with_a_lower_incarnation_is_taken_in_as_soon() {
    for nodes in [3, 5, 20] {
        for (seed, off) in [(1, false), (2, true)] {
            let mut world = World::new(seed);
            world.form(nodes);
            if off {
                world.power_off("n2");
            } else {
                world.crash("n2");
            }
            world.run(secs(1));
            start_as(&mut world, "moved", "n2", Incarnation(1));
            world.join("moved", "n0");
            world.settle(moved_within(&world, nodes));
            world.run(secs(60));
            world.expect_converged();
        }
    }
}

#[test]
fn s27_a_node_started_at_a_lower_address_with_an_equal_incarnation_is_taken_in() {
    let mut world = World::new(4);
    world.form(5);
    let before = world.node("n2").local().incarnation;
    world.crash("n2");
    world.start_with("moved", |config| {
        config.name = "n2".parse().unwrap();
        config.incarnation = before;
        config.address = "9.0.0.1:7946".parse().unwrap();
    });
    world.join("moved", "n0");
    world.settle(moved_within(&world, 5));
    world.run(secs(60));
    world.expect_converged();
}

#[test]
fn s27_a_node_that_left_is_taken_in_elsewhere_at_once() {
    for incarnation in [Incarnation(1), Incarnation(u32::MAX - 1)] {
        let mut world = World::new(5);
        world.form(5);
        world.leave("n2");
        world.run(secs(5));
        world.crash("n2");
        start_as(&mut world, "moved", "n2", incarnation);
        world.join("moved", "n0");
        world.settle(bounds::spread(world.node("n0").config(), 5) * 2);
    }
}

#[test]
fn s27_a_node_that_moves_again_and_again_is_always_found() {
    let mut world = World::new(6);
    world.form(8);
    let mut last = "n2".to_owned();
    for turn in 0..6 {
        world.crash(&last);
        last = format!("home{turn}");
        world.run(secs(2));
        let incarnation = if turn % 2 == 0 { Incarnation(1) } else { Incarnation(1_800_000_000) };
        start_as(&mut world, &last, "n2", incarnation);
        world.join(&last, "n0");
        world.settle(moved_within(&world, 8));
    }
}

/// Two nodes of one name in a cluster of ten, which join through different seeds.
struct Twins {
    world: World,
    winner: &'static str,
    loser: &'static str,
}

const NAME: &str = "twin";

impl Twins {
    /// Starts both, with `apart` between the starts.
    ///
    /// `rises` is how far their incarnations are above the usual one, which decides nothing. If
    /// both start together, both claim the name, and the higher address keeps it. Otherwise the
    /// second one waits.
    fn new(seed: u64, rises: [u32; 2], apart: Duration) -> Self {
        let mut world = World::new(seed);
        world.form(10);
        let base = world.node("n0").local().incarnation.0;
        start_as(&mut world, "one", NAME, Incarnation(base + rises[0]));
        world.join("one", "n0");
        world.run(apart);
        start_as(&mut world, "two", NAME, Incarnation(base + rises[1]));
        world.join("two", "n5");
        let (winner, loser) = if apart.is_zero() { ("two", "one") } else { ("one", "two") };
        Twins { world, winner, loser }
    }

    fn check(mut self) -> Self {
        let observers: Vec<String> = (0..10).map(|number| format!("n{number}")).collect();
        let (winner, loser) = (self.winner, self.loser);
        self.world.run(secs(60));
        let won = self.world.address(winner);
        if !observers
            .iter()
            .all(|one| believed(&self.world, one, NAME) == Some((State::Alive, won)))
        {
            let held: BTreeSet<_> =
                observers.iter().map(|one| believed(&self.world, one, NAME)).collect();
            self.world.fail(&format!("{winner} at {won} should have the name: {held:?}"), None);
        }
        for label in [winner, loser] {
            if !was_told_of_a_namesake(&self.world, label) {
                self.world.fail(&format!("{label} does not know of its namesake"), Some(label));
            }
        }
        let settled: Vec<usize> = observers
            .iter()
            .map(|observer| addresses_in_turn(&self.world, observer, NAME).len())
            .collect();
        assert!(settled.iter().all(|&changes| changes <= 2), "{settled:?}");
        self.world.run(secs(600));
        for (observer, before) in observers.iter().zip(settled) {
            let turns = addresses_in_turn(&self.world, observer, NAME);
            assert_eq!(turns.len(), before, "{observer} changes its mind: {turns:?}");
        }
        assert!(lives_at(&self.world, NAME, won));
        for label in ["one", "n3"] {
            self.world.expect_never_failed(label);
        }
        self
    }
}

#[test]
fn s28_one_of_two_live_nodes_with_one_name_wins_everywhere_and_both_hear_of_it() {
    for seed in 0..10 {
        Twins::new(seed, [0, 0], Duration::ZERO).check();
        Twins::new(seed, [1, 0], Duration::ZERO).check();
        Twins::new(seed, [0, 1], Duration::ZERO).check();
    }
}

#[test]
fn s28_a_namesake_that_comes_later_waits_whatever_its_incarnation() {
    for seed in 0..5 {
        Twins::new(seed, [0, 30], secs(30)).check();
        Twins::new(seed, [60, 30], secs(30)).check();
        Twins::new(seed, [0, 0], secs(30)).check();
    }
}

#[test]
fn s28_the_loser_takes_the_name_when_the_winner_crashes() {
    for (seed, rises) in [(1, [0, 0]), (2, [1, 0]), (3, [0, 1])] {
        let Twins { mut world, winner, loser } = Twins::new(seed, rises, Duration::ZERO).check();
        world.crash(winner);
        let within = inherited_within(&world, 11);
        let heir = world.address(loser);
        if !world.run_until(within, |world| lives_at(world, NAME, heir)) {
            world.fail("the name is free and is not given to the one that has it", Some(loser));
        }
        world.run(secs(300));
        world.expect_converged();
    }
}

#[test]
fn s28_the_loser_takes_the_name_when_the_winner_leaves() {
    let Twins { mut world, winner, loser } = Twins::new(4, [0, 0], Duration::ZERO).check();
    world.leave(winner);
    world.run(secs(10));
    world.crash(winner);
    let heir = world.address(loser);
    if !world.run_until(secs(60), |world| lives_at(world, NAME, heir)) {
        world.fail("the name is free and is not given to the one that has it", Some(loser));
    }
}

#[test]
fn s28_the_winner_does_not_notice_that_the_loser_crashes() {
    let Twins { mut world, winner, loser } = Twins::new(5, [0, 0], Duration::ZERO).check();
    world.crash(loser);
    world.run(secs(300));
    let won = world.address(winner);
    assert!(lives_at(&world, NAME, won));
    world.expect_never_failed(winner);
    world.expect_converged();
}

#[test]
fn s06_a_node_restarted_at_an_equal_incarnation_is_believed_what_it_announces_now() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(20);
        world.restart_with("n7", |config| {
            config.meta = "second life".into();
        });
        world.join("n7", "n1");
        // In the same second, so only their announcements distinguish the two lives.
        assert_eq!(world.node("n7").local().incarnation, world.node("n1").local().incarnation);
        world.settle(secs(10));
        world.run(secs(60));
        for observer in (0..20).map(|number| format!("n{number}")) {
            assert_eq!(world.node(&observer).member("n7").unwrap().meta, b"second life");
        }
        world.expect_never_failed("n7");
    }
}

#[test]
fn a_node_restarted_after_its_clock_was_set_back_is_never_missed() {
    for back in [1, 3600, 1_699_999_999] {
        let mut world = World::new(7);
        world.form(10);
        let before = world.node("n3").local().incarnation;
        world.restart_with("n3", |config| {
            config.incarnation = Incarnation(before.0 - back);
            config.meta = "second life".into();
        });
        world.join("n3", "n1");
        world.settle(secs(5));
        assert!(world.node("n3").local().incarnation > before);
        assert_eq!(world.node("n9").member("n3").unwrap().meta, b"second life");
        world.run(secs(60));
        world.expect_never_failed("n3");
    }
}

#[test]
fn a_node_restarted_elsewhere_after_its_clock_was_set_back_is_taken_in() {
    let mut world = World::new(8);
    world.form(10);
    let before = world.node("n3").local().incarnation;
    world.crash("n3");
    start_as(&mut world, "moved", "n3", Incarnation(before.0 - 3600));
    world.join("moved", "n1");
    world.settle(moved_within(&world, 10));
    assert!(world.node("moved").local().incarnation > before);
}

#[test]
fn a_stranger_at_the_address_of_a_crashed_member_is_neither_taken_for_it_nor_harmed() {
    for (seed, joins) in [(1, true), (2, false), (3, true)] {
        let mut world = World::new(seed);
        world.form(6);
        world.restart_with("n2", |config| config.name = "stranger".parse().unwrap());
        if joins {
            world.join("n2", "n0");
        }
        let others = ["n0", "n1", "n3", "n4", "n5"];
        let within = bounds::detection(world.node("n0").config(), 6);
        let declared = world.run_until(within, |world| {
            others.iter().all(|one| {
                believed(world, one, "n2").is_some_and(|(state, _)| state == State::Failed)
            })
        });
        if !declared {
            world.fail("the member whose address has a stranger is gone", None);
        }
        assert!(world.node("n2").stats().drops[DropReason::WrongName] > 0);
        world.run(secs(300));
        if joins {
            world.expect_converged();
            world.expect_never_suspected("n2");
        }
        for one in others {
            assert_eq!(believed(&world, one, "n2"), None);
            world.expect_never_failed(one);
        }

        // The former holder of the name comes back, at another address.
        start_as(&mut world, "moved", "n2", Incarnation(1));
        world.join("moved", "n1");
        let home = world.address("moved");
        assert!(world.run_until(secs(30), |world| lives_at_for(world, &others, "n2", home)));
        world.run(secs(120));
        if joins {
            world.expect_converged();
        }
    }
}

fn lives_at_for(world: &World, observers: &[&str], member: &str, address: SocketAddr) -> bool {
    observers.iter().all(|one| believed(world, one, member) == Some((State::Alive, address)))
}

#[test]
fn a_stranger_at_the_address_of_a_live_member_does_not_answer_for_it() {
    // The member has the address of a host that restarts under another name, and never announced
    // another one: two machines had the address in turn.
    let mut world = World::new(9);
    world.form(4);
    world.crash("n3");
    world.restart_with("n3", |config| config.name = "stranger".parse().unwrap());
    let pinged = world.request("n0", |node, now| node.ping(now, "n3")).unwrap();
    world.run(secs(2));
    assert!(matches!(world.answer(pinged), Some(Err(swim_core::Failure::Timeout))));
}

#[test]
fn an_announcement_of_its_name_from_where_nobody_is_silences_no_node() {
    // The announcement is forged, or late news of an earlier life whose clock was ahead. It reaches
    // a peer, or the node.
    for (seed, told) in [(10, "n0"), (11, "n3")] {
        let mut world = World::new(seed);
        world.form(6);
        let own = world.node("n3").local().incarnation;
        let address = "192.0.2.1:7946".parse().unwrap();
        let claim = Claim::Alive { address, meta: b"", versions: Versions::DEFAULT };
        let update = Update { name: "n3", incarnation: Incarnation(own.0 + 1000), claim };
        world.forge(address, told, &Message::Update(update));
        world.run(secs(30));

        // It still announces changes ...
        world.set_meta("n3", "not silenced");
        world.run(secs(5));
        world.expect_converged();
        // ... and answers an accusation.
        let claim = Claim::Suspect { accuser: "n1" };
        let update =
            Update { name: "n3", incarnation: world.node("n3").local().incarnation, claim };
        world.forge(address, "n2", &Message::Update(update));
        world.run(secs(60));
        world.expect_never_failed("n3");
        world.expect_converged();
    }
}
