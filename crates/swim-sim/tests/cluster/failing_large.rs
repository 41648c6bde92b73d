//! A large part of a cluster fails at once while members come and go.
//!
//! `SWIM_SIM_LARGE=1` runs a cluster of 5,000, which takes minutes; `-- --nocapture` prints the
//! measurements.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::time::Duration;

use swim_core::{Config, Event, State};
use swim_sim::{Churn, World, WorldOptions, bounds, secs};

use crate::common::large;

/// The time until no node counts any of the members that failed at once as live.
///
/// `survivors` of `nodes` probe one member each per interval, so a failed one is not probed in an
/// interval with a probability of `exp(-survivors / nodes)`. The bound has so many intervals that
/// the probability of any of `gone` not being probed is 1 in 1000. Then its suspicion lasts its
/// time. Its failure waits in the queue of each node, with those of all other failed members, and
/// a packet takes so many.
fn found_out_within(config: &Config, nodes: usize, gone: usize) -> Duration {
    const UPDATES_PER_PACKET: f64 = 40.0;
    let [all, dead] = [nodes, gone].map(|count| f64::from(u32::try_from(count).unwrap()));
    let probes = (dead * 1000.0).ln() / ((all - dead) / all);
    let sendings = f64::from(config.transmissions(nodes));
    let ticks = dead * sendings / UPDATES_PER_PACKET / config.gossip_nodes as f64;
    config.probe_interval.mul_f64(probes)
        + bounds::suspicion_max(config, nodes)
        + config.gossip_interval.mul_f64(ticks)
        + bounds::spread(config, nodes)
}

fn any_counts(world: &World, gone: &[String]) -> bool {
    let counts = |observer: &str| {
        gone.iter().any(|name| world.state(observer, name).is_some_and(State::is_live))
    };
    world.running().any(counts)
}

fn fail_at_once(seed: u64, nodes: usize) {
    // Records of members that come back after they were gone.
    let kept = |event: &Event| matches!(event, Event::Joined { previous: Some(_), .. });
    let mut world = WorldOptions::new(seed).digest(false).records_of(kept).build();
    world.form(nodes);
    let config = world.node("n0").config().clone();
    let gone: Vec<String> =
        (0..nodes).filter(|number| number % 10 < 3).map(|number| format!("n{number}")).collect();
    let per_minute = u32::try_from(nodes / 100).unwrap();
    let mut churn =
        Churn::new(&world, per_minute, &gone.iter().map(String::as_str).collect::<Vec<_>>());
    churn.run(&mut world, secs(60));

    for name in &gone {
        match seed % 2 {
            0 => world.power_off(name),
            _ => world.crash(name),
        }
    }
    let began = world.now();
    let within = found_out_within(&config, nodes, gone.len());
    let mut looks = 0;
    let found_out = churn.run_until(&mut world, within, |world| {
        // A look at all views is expensive: once a second.
        looks += 1;
        looks % 100 == 0 && !any_counts(world, &gone)
    });
    println!(
        "{nodes} nodes, seed {seed}: found out after {:.1?} of {within:.1?}",
        world.now() - began
    );
    if !found_out {
        world.fail("somebody still counts one that failed", None);
    }
    // Ten minutes, until long after the failed members were forgotten.
    for _ in 0..60 {
        churn.run(&mut world, secs(10));
        assert!(!any_counts(&world, &gone), "seed {seed}: one that failed is back");
    }
    for observer in world.running() {
        let back = world.events(observer).iter().find_map(|record| match &record.event {
            Event::Joined { member, .. } => gone.iter().find(|name| member.name == name.as_str()),
            _ => None,
        });
        if let Some(back) = back {
            world.fail(&format!("{observer} took {back} in again"), Some(back));
        }
    }
    let missed: usize = world.running().map(|observer| world.events(observer).len()).sum();
    println!("   healthy members that were taken for failed, in all views: {missed}");
    // The last member of the churn may just have crashed.
    world.settle(within);
}

#[test]
fn s17_three_in_ten_fail_at_once_under_churn_and_none_of_them_comes_back() {
    for seed in 0..2 {
        fail_at_once(seed, 300);
    }
}

#[test]
fn s17_three_in_ten_of_5000_fail_at_once_under_churn_and_none_of_them_comes_back() {
    if large() {
        fail_at_once(0, 5000);
    }
}
