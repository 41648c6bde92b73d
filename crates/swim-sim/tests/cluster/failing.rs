//! A crashed member is declared failed by all nodes, in time, and with a reason.

use swim_core::{Config, Event};
use swim_sim::{Record, World, WorldOptions, bounds, secs};

/// The record of a node's report that another one failed.
fn failure<'a>(world: &'a World, observer: &str, subject: &str) -> Option<&'a Record> {
    world.events(observer).iter().find(
        |record| matches!(&record.event, Event::Failed { member, .. } if member.name == *subject),
    )
}

#[test]
fn a_crashed_node_is_declared_failed_by_all_within_the_bound() {
    for nodes in [2, 3, 5, 10, 20] {
        for seed in 0..10 {
            let mut world = World::new(seed);
            world.form(nodes);
            world.crash("n1");
            let bound = bounds::detection(world.node("n0").config(), nodes);
            world.run(bound);
            world.expect_failed("n1");
            world.expect_converged();
        }
    }
}

#[test]
fn every_profile_keeps_its_bound() {
    for profile in [Config::lan, Config::wan, Config::local] {
        let mut world = WorldOptions::new(7).profile(profile).build();
        world.form(5);
        world.crash("n2");
        let bound = bounds::detection(world.node("n0").config(), 5);
        world.run(bound);
        world.expect_failed("n2");
    }
}

#[test]
fn everybody_names_an_accuser() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(8);
        world.crash("n3");
        world.run(secs(60));
        for observer in ["n0", "n1", "n2", "n4", "n5", "n6", "n7"] {
            let Some(Record { event: Event::Failed { accusers, declared_by, .. }, .. }) =
                failure(&world, observer, "n3")
            else {
                world.fail(&format!("{observer} did not report the failure"), Some("n3"));
            };
            assert!(!accusers.is_empty(), "{}", world.report(Some("n3")));
            assert!(accusers.iter().all(|accuser| *accuser != "n3"));
            assert!(*declared_by != "n3");
        }
    }
}

#[test]
fn a_failure_is_reported_once_by_each() {
    let mut world = World::new(9);
    world.form(10);
    world.crash("n4");
    world.run(secs(300));
    for observer in (0..10).filter(|number| *number != 4) {
        let failures = world.events(&format!("n{observer}")).iter().filter(
            |record| matches!(&record.event, Event::Failed { member, .. } if member.name == "n4"),
        );
        assert_eq!(failures.count(), 1, "n{observer}");
    }
}

#[test]
fn a_host_without_power_is_found_out_like_a_crashed_process() {
    let mut world = World::new(11);
    world.form(6);
    world.power_off("n5");
    world.run(bounds::detection(world.node("n0").config(), 6));
    world.expect_failed("n5");
    world.expect_converged();
}

#[test]
fn failed_members_are_forgotten_after_a_while() {
    let mut world = World::new(12);
    world.form(4);
    world.crash("n3");
    world.run(secs(120));
    world.expect_failed("n3");
    assert_eq!(world.state("n0", "n3"), None);
    assert!(world.events("n0").iter().any(|record| {
        matches!(&record.event, Event::Unlisted { member, .. } if member.name == "n3")
    }));
}

#[test]
fn half_of_a_cluster_can_fail_at_once() {
    let mut world = World::new(13);
    world.form(20);
    for number in 10..20 {
        world.crash(&format!("n{number}"));
    }
    world.run(bounds::detection(world.node("n0").config(), 20) * 2);
    for number in 10..20 {
        world.expect_failed(&format!("n{number}"));
    }
    world.expect_converged();
}

#[test]
fn the_last_one_of_a_pair_notices_too() {
    let mut world = World::new(14);
    world.form(2);
    world.crash("n1");
    world.run(bounds::detection(world.node("n0").config(), 2));
    world.expect_failed("n1");
    assert_eq!(world.node("n0").members_live(), 1);
}

#[test]
fn failures_are_found_with_each_part_of_lifeguard_switched_off() {
    for off in 0..4 {
        let mut world = WorldOptions::new(15)
            .configure(move |_, config| {
                config.lifeguard_health = off != 0;
                config.lifeguard_suspicion = off != 1;
                config.lifeguard_buddy = off != 2;
                config.stream_ping = off != 3;
            })
            .build();
        world.form(7);
        world.crash("n6");
        world.run(bounds::detection(world.node("n0").config(), 7));
        world.expect_failed("n6");
        world.expect_converged();
    }
}
