//! A node that hears no peer reports it, and declares its peers failed in time. It harms no member
//! when it hears them again.
//!
//! `-- --nocapture` prints the measurements.

use core::time::Duration;

use swim_core::{Event, Instant};
use swim_sim::{World, WorldOptions, secs};

use crate::doubts::count;

const NODES: usize = 40;
const LONE: &str = "n7";

fn options(seed: u64, memberlist: bool) -> WorldOptions {
    WorldOptions::new(seed).configure(move |_, config| {
        if memberlist {
            *config = config.clone().memberlist();
        }
    })
}

/// The longest suspicion in a cluster of `nodes`.
fn longest(world: &World, nodes: usize) -> Duration {
    world.node("n0").config().suspicion_timeouts(nodes).max
}

fn told(world: &World, observer: &str, since: Instant, of: fn(&Event) -> bool) -> Vec<Duration> {
    let records = world.events(observer).iter();
    let later = records.filter(|record| record.at >= since && of(&record.event));
    later.map(|record| record.at - since).collect()
}

fn isolated(event: &Event) -> bool {
    matches!(event, Event::Isolated { .. })
}

fn heard_again(event: &Event) -> bool {
    matches!(event, Event::HeardAgain { .. })
}

#[test]
fn s79_a_lone_node_lists_all_others_as_failed_within_twice_the_longest_suspicion() {
    for (seed, memberlist) in (0..20).map(|seed| (seed, seed % 2 == 1)) {
        let mut world = options(seed, memberlist).build();
        world.form(NODES);
        let (longest, cut) = (longest(&world, NODES), world.now());
        world.isolate(LONE);
        let alone = world.run_until(longest * 2, |world| world.node(LONE).members_live() == 1);
        let needed = world.now() - cut;
        println!("seed {seed}: {needed:?} of {:?}", longest * 2);
        assert!(alone, "seed {seed}: {} live", world.node(LONE).members_live());
        // No suspicion was shorter than an unconfirmed one.
        for record in world.events(LONE) {
            if let Event::Failed { suspected_for, .. } = &record.event {
                assert!(*suspected_for >= longest, "{:?}", record.event);
            }
        }
        assert_eq!(told(&world, LONE, cut, isolated).len(), 1, "seed {seed}");
        assert_eq!(told(&world, LONE, cut, heard_again).len(), 0, "seed {seed}");
    }
}

#[test]
fn s79_a_node_whose_local_health_is_bad_already_is_not_slower() {
    let mut world = options(1, false).build();
    world.form(NODES);
    // It receives a tenth of its datagrams, and takes itself for slow.
    world.set_loss_to(LONE, 0.9);
    let slow =
        |world: &World| world.node(LONE).health() == world.node(LONE).config().awareness_max - 1;
    assert!(world.run_until(secs(120), slow), "{}", world.report(Some(LONE)));
    world.isolate(LONE);
    let within = longest(&world, NODES) * 2;
    assert!(world.run_until(within, |world| world.node(LONE).members_live() == 1));
}

#[test]
fn s79_after_the_heal_nobody_else_is_declared_failed() {
    for (seed, memberlist) in (0..24).map(|seed| (seed, seed % 2 == 1)) {
        let mut world = options(seed, memberlist).build();
        world.form(NODES);
        let cut = world.now();
        world.isolate(LONE);
        world.run(secs(20 + 3 * seed));
        world.heal();
        let healed = world.now();
        world.run(secs(60));
        let failures = count(
            &world,
            healed,
            |_, event| matches!(event, Event::Failed { member, .. } if member.name != LONE),
        );
        assert_eq!(failures, 0, "seed {seed}: {}", world.report(Some(LONE)));
        world.expect_converged();
        let isolated_at = told(&world, LONE, cut, isolated);
        let again = told(&world, LONE, cut, heard_again);
        assert_eq!(again.len(), isolated_at.len(), "seed {seed}: {isolated_at:?}, {again:?}");
    }
}

#[test]
fn s79_whom_a_lone_node_suspects_it_asks_as_soon_as_it_hears_somebody() {
    for (seed, memberlist) in (0..24).map(|seed| (seed, seed % 2 == 1)) {
        let mut world = options(seed, memberlist).build();
        world.form(NODES);
        world.isolate(LONE);
        // In a short cut it is not yet isolated, and suspects some members all the same.
        world.run(secs(8 + seed));
        world.heal();
        let healed = world.now();
        let whole = world.run_until(secs(60), World::converged);
        println!("seed {seed}: {:?}", world.now() - healed);
        assert!(whole && world.now() - healed < secs(10), "{}", world.report(Some(LONE)));
    }
}

#[test]
fn s79_a_node_that_hears_somebody_is_not_isolated() {
    let mut world = options(3, false).loss(0.3).build();
    world.form(10);
    world.run(secs(600));
    assert_eq!(count(&world, Instant::ORIGIN, |_, event| isolated(event)), 0);
}
