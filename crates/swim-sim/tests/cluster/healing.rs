//! A divided cluster becomes one again: after a partition, and after a power failure.
//!
//! `SWIM_SIM_LARGE=1` also cuts a cluster of a thousand in two, which takes minutes.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::time::Duration;

use swim_core::{Answer, Config};
use swim_sim::{Request, World, WorldOptions, bounds, secs};

use crate::common::large;

/// The time until the parts of a healed partition have one view again.
///
/// A node at its worst health takes two periods until it has pinged a lost member and has its
/// answer. After the exchange, each member learns of the evidence against it (50 a second, see
/// swim-core's `evidence`), and its refutation spreads.
fn healed_within(config: &Config, nodes: usize) -> Duration {
    let count = u32::try_from(nodes).unwrap();
    config.probe_interval * u32::from(config.awareness_max) * 2
        + Duration::from_millis(20) * count
        + bounds::spread(config, nodes) * 3
}

/// A cluster in parts, for ten times as long as nodes gossip to failed members.
fn partitioned(seed: u64, parts: &[usize]) -> World {
    let nodes: usize = parts.iter().sum();
    // Records of a thousand nodes take memory and time.
    let small = nodes <= 100;
    let mut world = WorldOptions::new(seed).digest(small).records(small).build();
    world.form(nodes);
    let names: Vec<String> = (0..nodes).map(|number| format!("n{number}")).collect();
    let mut rest = names.iter().map(String::as_str);
    let groups: Vec<Vec<&str>> =
        parts.iter().map(|&size| rest.by_ref().take(size).collect()).collect();
    for (number, one) in groups.iter().enumerate() {
        for other in &groups[number + 1..] {
            world.cut(one, other);
        }
    }
    world.run(world.node("n0").config().gossip_to_the_dead * 10);
    // A small part that misses many members takes itself for slow, and probes eight times less
    // often.
    let apart = |world: &World| {
        groups
            .iter()
            .all(|group| group.iter().all(|name| world.node(name).members_live() == group.len()))
    };
    if !world.run_until(secs(300), apart) {
        world.fail("each part should have declared the others failed", None);
    }
    world
}

fn heals(seed: u64, parts: &[usize]) {
    let mut world = partitioned(seed, parts);
    world.heal();
    let nodes = parts.iter().sum();
    let within = healed_within(world.node("n0").config(), nodes);
    let healed_at = world.now();
    world.settle(within);
    println!("{parts:?}: one view after {:?} of {within:?}", world.now() - healed_at);
    world.run(secs(120));
    world.expect_converged();
}

#[test]
fn s22_two_halves_are_one_cluster_again() {
    for seed in 0..5 {
        heals(seed, &[5, 5]);
    }
    heals(5, &[20, 20]);
    heals(6, &[50, 50]);
}

#[test]
fn s22_halves_of_500_are_one_cluster_again() {
    if large() {
        heals(1, &[500, 500]);
    }
}

#[test]
fn s22_a_small_part_finds_back_to_a_large_one() {
    for seed in 0..5 {
        heals(seed, &[1, 9]);
    }
    heals(5, &[4, 36]);
    heals(6, &[10, 90]);
}

#[test]
fn s22_three_parts_are_one_cluster_again() {
    for seed in 0..5 {
        heals(seed, &[3, 3, 4]);
    }
    heals(5, &[33, 33, 34]);
}

#[test]
fn s22_single_nodes_find_each_other_again() {
    for seed in 0..5 {
        heals(seed, &[1, 1]);
        heals(seed, &[1; 6]);
    }
}

#[test]
fn s22_a_partition_heals_when_most_of_the_lost_are_gone_for_good() {
    let mut world = partitioned(7, &[5, 15]);
    // Of the members that the small part remembers, one in fifteen is left.
    for number in 6..20 {
        world.power_off(&format!("n{number}"));
    }
    world.run(secs(120));
    world.heal();
    // Six nodes ping one of fifteen each per period. After 60 periods the one has been tried with a
    // probability of 1 - (14/15)^300.
    world.settle(secs(120));
}

#[test]
fn s22_metadata_changed_during_a_partition_is_known_everywhere_after_it() {
    let mut world = partitioned(8, &[5, 5]);
    world.set_meta("n1", "changed here");
    world.set_meta("n8", "changed there");
    world.run(secs(30));
    world.heal();
    world.settle(healed_within(world.node("n0").config(), 10));
}

#[test]
fn s22_a_partition_that_comes_and_goes_leaves_one_view() {
    let mut world = World::new(9);
    world.form(12);
    let names: Vec<String> = (0..12).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (turn, span) in [20, 35, 50, 90, 300].into_iter().enumerate() {
        world.cut(&names[..4 + turn], &names[4 + turn..]);
        world.run(secs(span));
        world.heal();
        world.run(secs(10));
    }
    world.settle(healed_within(world.node("n0").config(), 12) + secs(30));
}

/// Joins like an operator's unit file or a driver: again after a while, until it works.
struct Joining {
    name: String,
    requests: Vec<Request>,
}

fn all_joined(world: &mut World, joining: &mut Vec<Joining>, contacts: &[&str]) {
    joining.retain_mut(|one| {
        let answers = one.requests.iter().map(|request| world.answer(*request));
        let answers: Vec<_> = answers.collect();
        if answers.iter().any(|answer| matches!(answer, Some(Ok(Answer::Joined { .. })))) {
            return false;
        }
        if answers.iter().all(Option::is_some) {
            one.requests = world.join_each(&one.name, contacts);
        }
        true
    });
}

#[test]
fn s24_a_cluster_whose_power_comes_back_in_part_and_late_is_one_again() {
    let mut world = World::new(10);
    world.form(10);
    let names: Vec<String> = (0..10).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names {
        world.power_off(name);
    }
    world.run(secs(600));

    // One comes back alone and finds no peer, two more a minute later, and the rest in ten minutes.
    let mut joining = Vec::new();
    for (at, started) in [(0, &names[4..5]), (60, &names[7..9]), (600, &names[..])] {
        world.run(secs(at));
        for name in started {
            if !world.running().any(|running| running == *name) {
                world.restart(name);
                let requests = world.join_each(name, &names);
                joining.push(Joining { name: (*name).to_owned(), requests });
            }
        }
        for _ in 0..6 {
            world.run(secs(10));
            all_joined(&mut world, &mut joining, &names);
        }
        if started.len() > 1 {
            assert!(joining.is_empty(), "{}", world.report(None));
            world.expect_converged();
        }
    }
    assert_eq!(world.running().count(), 10);
}

#[test]
fn s24_nodes_that_come_back_without_joining_are_found_by_those_that_remember_them() {
    for (seed, after) in [(1, 10), (2, 120), (3, 3600)] {
        let mut world = World::new(seed);
        world.form(10);
        for number in 5..10 {
            world.power_off(&format!("n{number}"));
        }
        world.run(secs(after));
        for number in 5..10 {
            // Their clocks were not set, and they have no seeds.
            world.restart_with(&format!("n{number}"), |config| {
                config.incarnation = swim_core::Incarnation(1);
            });
        }
        world.settle(secs(90));
    }
}

#[test]
fn s24_the_last_one_with_power_finds_all_the_others() {
    let mut world = World::new(11);
    world.form(6);
    for number in 1..6 {
        world.power_off(&format!("n{number}"));
    }
    world.run(secs(3600));
    assert_eq!(world.node("n0").members_live(), 1);
    for number in 1..6 {
        world.restart(&format!("n{number}"));
        world.run(secs(20));
    }
    world.settle(secs(60));
}
