//! Hosts whose process is a whole driver: turns, names, dialling, commands, and slow consumers.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use swim_core::State;
use swim_sim::{World, bounds, millis, secs};

/// Two bare nodes and three drivers that have found each other.
fn mixed(seed: u64) -> World {
    let mut world = World::new(seed);
    for name in ["a", "b"] {
        world.start(name);
    }
    world.join("b", "a");
    for name in ["c", "d", "e"] {
        world.start_driver(name, |options| options.seeds = vec!["seed.example:7946".into()]);
    }
    world.set_name_to("seed.example", &["a", "b"]);
    world.settle(secs(40));
    world
}

#[test]
fn drivers_and_bare_nodes_form_one_cluster_and_notice_who_is_gone() {
    for seed in 0..5 {
        let mut world = mixed(seed);
        world.crash("d");
        world.power_off("b");
        let bound = bounds::detection(world.node("a").config(), 5);
        assert!(world.run_until(bound, |world| world.agreed("d", State::Failed)));
        assert_eq!(world.cluster("c").member("d").map(|member| member.state), Some(State::Failed));
        world.run(bound);
        world.expect_failed("b");
        world.restart("d");
        world.settle(secs(5));
        assert_eq!(world.cluster("d").members().len(), 4);
    }
}

#[test]
fn a_run_with_drivers_is_a_function_of_its_seed() {
    let run = |seed| {
        let mut world = mixed(seed);
        world.set_loss(0.1);
        world.poll_driver_every("c", millis(100), millis(10));
        let sent = world.ask("d", async |cluster| {
            cluster.send_reliable("a", vec![7; 300_000]).await?;
            cluster.broadcast("hello").await
        });
        world.run(secs(5));
        world.pause("e");
        world.run(secs(20));
        world.resume("e");
        world.clock_back("d", secs(3600));
        world.crash("c");
        world.run(secs(60));
        assert_eq!(sent.take(), Some(Ok(())));
        (world.digest(), world.traffic())
    };
    for seed in 0..3 {
        assert_eq!(run(seed), run(seed));
    }
    assert_ne!(run(0).0, run(1).0);
}
