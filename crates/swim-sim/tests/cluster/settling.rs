//! A node whose view of the cluster has settled says it, and one whose view has not does not.

use core::time::Duration;

use swim_core::Wire;
use swim_driver::Options;
use swim_sim::{World, WorldOptions, secs};

/// The longest wait for the view of a few members to settle: three probes after all have joined.
const SETTLED_WITHIN: Duration = secs(30);

fn start(world: &mut World, name: &str, seeds: &[&str], wire: Wire) {
    world.start_driver(name, |options: &mut Options| {
        options.seeds = seeds.iter().map(|seed| format!("{seed}:7946")).collect();
        if wire == Wire::Memberlist {
            options.config = options.config.clone().memberlist();
        }
    });
}

fn settled(world: &World, name: &str) -> bool {
    world.cluster(name).settled()
}

/// Runs until it holds, second by second.
fn run_until(world: &mut World, time_max: Duration, what: &str, holds: impl Fn(&World) -> bool) {
    let end = world.now() + time_max;
    while !holds(world) {
        assert!(world.now() < end, "never: {what}");
        world.run(secs(1));
    }
}

#[test]
fn a_node_alone_has_settled_only_if_it_expects_nobody() {
    let mut world = WorldOptions::new(1).build();
    start(&mut world, "first", &[], Wire::Swim);
    // Its list of seeds is that of all members.
    start(&mut world, "shared", &["shared"], Wire::Swim);
    start(&mut world, "waits", &["absent"], Wire::Swim);
    for name in ["first", "shared"] {
        assert!(!settled(&world, name), "{name} has just started");
    }
    run_until(&mut world, SETTLED_WITHIN, "first", |world| settled(world, "first"));
    run_until(&mut world, SETTLED_WITHIN, "shared", |world| settled(world, "shared"));
    for _ in 0..60 {
        world.run(secs(1));
        assert!(!settled(&world, "waits"));
        assert!(settled(&world, "first"));
    }
}

#[test]
fn a_view_settles_once_peers_share_it_and_not_while_the_node_is_cut_off() {
    for wire in [Wire::Swim, Wire::Memberlist] {
        let mut world = WorldOptions::new(2).build();
        let names: Vec<String> = (0..12).map(|number| format!("n{number}")).collect();
        for name in &names {
            start(&mut world, name, &["n0", "n1"], wire);
        }
        let all = |world: &World| names.iter().all(|name| settled(world, name));
        run_until(&mut world, SETTLED_WITHIN, "all settled", all);
        world.expect_converged();
        for _ in 0..60 {
            world.run(secs(1));
            assert!(all(&world), "{wire:?}: nothing happens");
        }

        world.isolate("n5");
        run_until(&mut world, secs(120), "n5 is cut off", |world| !settled(world, "n5"));
        world.run(secs(60));
        assert!(!settled(&world, "n5"), "{wire:?}");
        assert!(settled(&world, "n0"), "{wire:?}: the view without n5 has settled, too");
        world.heal();
        run_until(&mut world, secs(120), "all settled again", all);
        world.expect_converged();
    }
}

#[test]
fn a_newcomer_settles_only_after_it_has_joined_and_agrees() {
    let mut world = WorldOptions::new(3).build();
    for name in ["n0", "n1", "n2", "n3"] {
        start(&mut world, name, &["n0"], Wire::Swim);
    }
    world.settle(secs(30));
    start(&mut world, "late", &["n0"], Wire::Swim);
    for _ in 0..200 {
        if settled(&world, "late") {
            break;
        }
        world.run(swim_sim::millis(100));
    }
    assert!(settled(&world, "late"));
    assert_eq!(world.cluster("late").peer_count(), 4);
}
