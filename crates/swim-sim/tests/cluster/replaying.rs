//! A run is a pure function of its seed, its options and the calls.

use swim_sim::{Latency, World, WorldOptions, millis, secs, swarm};

fn run(mut world: World) -> u64 {
    world.form(6);
    world.crash("n1");
    world.set_loss(0.1);
    world.run(secs(20));
    world.restart("n1");
    world.join("n1", "n0");
    world.leave("n2");
    world.run(secs(20));
    world.digest()
}

#[test]
fn the_same_seed_gives_the_same_digest() {
    assert_eq!(run(World::new(1)), run(World::new(1)));
    assert_eq!(swarm::mixed(3), swarm::mixed(3));
}

#[test]
fn another_seed_gives_another_digest() {
    assert_ne!(run(World::new(1)), run(World::new(2)));
}

#[test]
fn another_option_or_setting_gives_another_digest() {
    let usual = run(World::new(1));
    let slower = WorldOptions::new(1).latency(Latency::Fixed(millis(1))).build();
    assert_ne!(run(slower), usual);
    let other = WorldOptions::new(1).configure(|_, config| config.gossip_nodes = 4).build();
    assert_ne!(run(other), usual);
}

#[test]
fn keeping_records_changes_nothing() {
    assert_eq!(run(WorldOptions::new(1).records(false).build()), run(World::new(1)));
}

#[test]
fn what_a_test_looks_at_changes_nothing() {
    let mut world = World::new(1);
    world.form(6);
    let mut other = World::new(1);
    other.form(6);
    world.run(secs(10));
    for _ in 0..10_000 {
        other.run(millis(1));
        let _ = (other.converged(), other.node("n3").stats(), other.report(None));
    }
    assert_eq!(world.digest(), other.digest());
}

#[test]
fn a_report_names_the_seed_and_what_each_node_believes() {
    let mut world = WorldOptions::new(77).replay("try this").build();
    world.form(3);
    world.crash("n2");
    world.run(secs(60));
    let report = world.report(Some("n2"));
    for expected in ["seed: 77", "try this", "crash n2", "n0 at 10.0.0.1:7946", "Failed n2"] {
        assert!(report.contains(expected), "{expected:?} is missing in\n{report}");
    }
}
