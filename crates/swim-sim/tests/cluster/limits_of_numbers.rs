//! Limits: the highest incarnations, a full or expired table of lost members, and a day of names
//! that never come back.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::time::Duration;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{CommandError, Event, Incarnation, Instant, State, Versions};
use swim_sim::{World, WorldOptions, bounds, millis, secs};

use crate::common::{names, outside};

fn about<'a>(name: &'a str, incarnation: u32, claim: Claim<'a>) -> Message<'a> {
    Message::Update(Update { name, incarnation: Incarnation(incarnation), claim })
}

/// Sends every node every accusation of n3 at this incarnation.
fn accuse_everywhere(world: &mut World, nodes: usize, incarnation: u32) {
    for name in names(nodes) {
        for claim in [
            Claim::Suspect { accuser: "somebody" },
            Claim::Failed { accuser: "somebody" },
            Claim::Left,
        ] {
            world.forge(outside(), &name, &about("n3", incarnation, claim));
        }
    }
}

/// A cluster in which n3 has the highest incarnation: it was announced just below that.
fn saturated(seed: u64, nodes: usize) -> World {
    let mut world = World::new(seed);
    world.form(nodes);
    let (address, versions) = (world.address("n3"), Versions::DEFAULT);
    let alive = Claim::Alive { address, meta: b"", versions };
    for name in names(nodes) {
        world.forge(outside(), &name, &about("n3", u32::MAX - 1, alive));
    }
    world.run(secs(1));
    world.settle(secs(10));
    assert_eq!(world.node("n3").local().incarnation, Incarnation::MAX);
    world
}

#[test]
fn s07_accusations_at_the_highest_incarnations_harm_nobody() {
    for nodes in [5, 30] {
        let mut world = World::new(1);
        world.form(nodes);
        accuse_everywhere(&mut world, nodes, u32::MAX);
        world.run(secs(60));
        world.expect_never_suspected("n3");
        world.expect_converged();

        let mut world = saturated(2, nodes);
        accuse_everywhere(&mut world, nodes, u32::MAX);
        accuse_everywhere(&mut world, nodes, u32::MAX - 1);
        world.run(secs(60));
        world.expect_converged();
    }
}

#[test]
fn s07_a_saturated_node_that_crashes_is_found_out_by_everybodys_own_probes() {
    for nodes in [5, 20] {
        let mut world = saturated(3, nodes);
        world.crash("n3");
        // Each node finds out by itself, as nodes ignore each other's accusations.
        let within = bounds::detection(world.node("n0").config(), nodes);
        assert!(
            world.run_until(within, |world| world.agreed("n3", State::Failed)),
            "{}",
            world.report(Some("n3"))
        );
        world.run(secs(300));
        world.expect_converged();
    }
}

#[test]
fn s07_a_saturated_node_that_was_declared_failed_comes_back() {
    for (seed, pause) in [(4, 15), (5, 60), (6, 600)] {
        let mut world = saturated(seed, 6);
        world.pause("n3");
        world.run(secs(pause));
        world.resume("n3");
        world.settle(secs(60));
        world.run(secs(60));
        world.expect_converged();
    }
}

#[test]
fn s07_a_saturated_node_that_restarts_comes_back() {
    for (seed, after) in [(7, 0), (8, 25), (9, 60), (10, 3600)] {
        let mut world = saturated(seed, 6);
        world.crash("n3");
        world.run(secs(after));
        world.restart("n3");
        world.join("n3", "n0");
        world.settle(secs(60));
        world.run(secs(60));
        world.expect_converged();
    }
}

#[test]
fn s07_a_saturated_node_that_restarts_elsewhere_comes_back() {
    for (seed, after) in [(11, 1), (12, 60), (13, 3600)] {
        let mut world = saturated(seed, 6);
        world.crash("n3");
        world.run(secs(after));
        world.start_with("moved", |config| config.name = "n3".parse().unwrap());
        world.join("moved", "n0");
        world.settle(bounds::detection(world.node("n0").config(), 6) + secs(60));
        world.run(secs(60));
        world.expect_converged();
    }
}

#[test]
fn s07_an_alive_at_the_highest_incarnation_takes_no_name_away() {
    // Forged in the name of a living node, with its address and with another one.
    let mut world = World::new(14);
    world.form(6);
    let own = world.address("n3");
    let alive = |address| {
        let claim = Claim::Alive { address, meta: b"", versions: Versions::DEFAULT };
        about("n3", u32::MAX, claim)
    };
    world.forge(outside(), "n0", &alive(own));
    world.run(secs(60));
    world.expect_never_failed("n3");
    world.expect_converged();
    let mut world = World::new(15);
    world.form(6);
    world.forge(outside(), "n0", &alive(outside()));
    world.run(secs(120));
    world.expect_never_failed("n3");
    world.expect_converged();
}

/// Members that crashed, one per minute, seen by nodes that remember three lost ones.
fn many_lost(lost: usize) -> World {
    let mut world =
        WorldOptions::new(16).configure(|_, config| config.lost_members_max = 3).build();
    world.form(4 + lost);
    for number in (4..4 + lost).rev() {
        world.crash(&format!("n{number}"));
        world.run(secs(60));
    }
    world.run(secs(120));
    world
}

fn remembers(world: &mut World, observer: &str, name: &str) -> bool {
    match world.command(observer, |node, now| node.forget(now, name)) {
        Ok(()) => true,
        Err(CommandError::UnknownMember) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn as_many_lost_members_are_remembered_as_configured_and_the_longest_gone_make_room() {
    let mut world = many_lost(3);
    for name in ["n4", "n5", "n6"] {
        assert!(remembers(&mut world, "n0", name), "{name}");
    }
    let mut world = many_lost(4);
    for (name, kept) in [("n4", true), ("n5", true), ("n6", true), ("n7", false)] {
        assert_eq!(remembers(&mut world, "n0", name), kept, "{name}");
    }
    world.expect_converged();
}

#[test]
fn with_room_for_no_lost_member_none_is_remembered() {
    let mut world =
        WorldOptions::new(17).configure(|_, config| config.lost_members_max = 0).build();
    world.form(5);
    world.crash("n4");
    world.run(secs(120));
    assert!(!remembers(&mut world, "n0", "n4"));
    world.restart("n4");
    world.join("n4", "n0");
    world.settle(secs(5));
}

/// When a node declared the member failed.
fn failed_at(world: &World, observer: &str, name: &str) -> Instant {
    let record = world.events(observer).iter().find(
        |record| matches!(&record.event, Event::Failed { member, .. } if member.name == *name),
    );
    record.unwrap().at
}

#[test]
fn a_lost_member_is_remembered_for_as_long_as_configured_and_no_longer() {
    let mut world =
        WorldOptions::new(18).configure(|_, config| config.lost_members_keep = secs(100)).build();
    world.form(5);
    world.crash("n4");
    world.run(secs(60));
    let mut ends: Vec<(Instant, String)> = ["n0", "n1", "n2", "n3"]
        .map(|name| (failed_at(&world, name, "n4") + secs(30 + 100), name.to_owned()))
        .into();
    ends.sort();
    let lost = |world: &World, name: &str| world.node(name).stats().members_lost;
    world.run(ends[0].0 - world.now() - millis(1));
    for (_, observer) in &ends {
        assert_eq!(lost(&world, observer), 1, "{observer}");
    }
    for (end, observer) in ends {
        world.run(end + millis(1) - world.now());
        assert_eq!(lost(&world, &observer), 0, "{observer}");
    }
}

#[test]
fn nobody_dials_or_pings_a_member_that_was_forgotten_on_purpose() {
    let mut world = World::new(19);
    world.form(6);
    world.crash("n5");
    world.power_off("n4");
    world.run(secs(60));
    let lookups = |world: &mut World, span: Duration| {
        let before = world.traffic();
        world.run(span);
        let after = world.traffic();
        (
            after.packets_to_nobody - before.packets_to_nobody,
            (after.streams - after.streams_opened) - (before.streams - before.streams_opened),
        )
    };
    world.run(secs(60));
    assert!(lookups(&mut world, secs(60)).0 > 0, "the lost are looked for");
    for observer in ["n0", "n1", "n2", "n3"] {
        for gone in ["n4", "n5"] {
            world.command(observer, |node, now| node.forget(now, gone)).unwrap();
        }
    }
    // A stream that was already open may fail.
    world.run(secs(30));
    assert_eq!(lookups(&mut world, secs(3600)), (0, 0));
    world.expect_converged();
}

#[test]
fn a_member_forgotten_while_it_is_listed_is_not_dialled_either() {
    let mut world = World::new(20);
    world.form(4);
    world.crash("n3");
    let within = bounds::detection(world.node("n0").config(), 4);
    assert!(world.run_until(within, |world| world.agreed("n3", State::Failed)));
    for observer in ["n0", "n1", "n2"] {
        world.command(observer, |node, now| node.forget(now, "n3")).unwrap();
        assert!(world.events(observer).iter().any(|record| {
            matches!(&record.event, Event::Unlisted { member, .. } if member.name == *"n3")
        }));
    }
    world.run(secs(5));
    let before = world.traffic();
    world.run(secs(600));
    assert_eq!(world.traffic().packets_to_nobody, before.packets_to_nobody);
    world.expect_converged();
}

/// Replaces a member every minute, by turns with and without a leave, by one with a new name.
/// Returns the datagrams per second in the first and in the last ten minutes.
fn churn(seed: u64, minutes: u32, lost_members_max: usize) -> (World, [u64; 2]) {
    const NODES: usize = 20;
    let mut world = WorldOptions::new(seed)
        .digest(false)
        .records(false)
        .configure(move |_, config| config.lost_members_max = lost_members_max)
        .build();
    world.form(NODES);
    let mut present = names(NODES);
    let mut rates = [0; 2];
    for minute in 0..minutes {
        let before = world.traffic().packets;
        // Never the first one, which keeps its view from beginning to end.
        let gone = present.remove(1 + minute as usize * 7 % (NODES - 1));
        if minute % 2 == 0 {
            world.leave(&gone);
            world.run(secs(10));
        }
        world.crash(&gone);
        let name = format!("m{minute}");
        world.start(&name);
        world.join(&name, &present[minute as usize * 3 % present.len()]);
        present.push(name);
        world.run(secs(if minute % 2 == 0 { 50 } else { 60 }));
        for name in &present {
            let stats = world.node(name).stats();
            assert!(stats.updates_queued <= 200, "{name}: {stats:?}");
            assert!(stats.members_live <= NODES + 2, "{name}: {stats:?}");
        }
        if minute < 10 {
            rates[0] += world.traffic().packets - before;
        } else if minute + 10 >= minutes {
            rates[1] += world.traffic().packets - before;
        }
    }
    world.run(secs(120));
    world.expect_converged();
    for name in &present {
        assert_eq!(world.node(name).members().count(), NODES, "{name} lists a ghost");
    }
    (world, rates.map(|packets| packets / 600))
}

/// How many of the gone members a node remembers. It forgets them.
fn lost(world: &mut World, minutes: u32) -> usize {
    let gone = names(20).into_iter().chain((0..minutes).map(|minute| format!("m{minute}")));
    gone.filter(|name| world.command("n0", |node, now| node.forget(now, name)).is_ok()).count()
}

fn expect_bounded(minutes: u32, lost_members_max: usize) {
    let (mut world, rates) = churn(21, minutes, lost_members_max);
    println!("{minutes} minutes: {rates:?} datagrams a second");
    // Each node sends one ping per period for all lost members together.
    assert!(rates[1] <= rates[0] + 20, "{rates:?}");
    let (remembered, gone) = (lost(&mut world, minutes), lost_members_max.min(minutes as usize));
    // The first ones of a day have expired.
    assert!((gone - 3..=gone).contains(&remembered), "{remembered} of {gone}");
}

#[test]
fn a_day_of_new_names_leaves_no_ghosts_and_costs_no_more_at_the_end() {
    expect_bounded(24 * 60, 1 << 14);
}

#[test]
fn new_names_beyond_what_is_remembered_leave_no_ghosts_either() {
    expect_bounded(120, 50);
}
