//! Clusters that send packets over links, because no datagram gets through.

use core::time::Duration;

use swim_core::{Event, Instant, State};
use swim_driver::Carrier;
use swim_sim::{World, WorldOptions, secs};

/// A cluster of drivers `n0`, `n1`, ... that join through the first one, with links to at most
/// `links_max` peers.
fn drivers(seed: u64, count: usize, carrier: Carrier, links_max: usize) -> World {
    let mut world = WorldOptions::new(seed).build();
    for number in 0..count {
        world.start_driver(&format!("n{number}"), |options| {
            options.transport = carrier;
            options.links_max = links_max;
            options.seeds = vec!["n0:7946".into()];
        });
    }
    world
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("n{number}")).collect()
}

/// The time until the condition holds.
fn time_until(world: &mut World, max: Duration, condition: impl FnMut(&World) -> bool) -> Duration {
    let since = world.now();
    assert!(world.run_until(max, condition), "it never came true");
    world.now() - since
}

fn failures(world: &World, count: usize, since: Instant) -> usize {
    let names = names(count);
    let records = names.iter().flat_map(|name| world.events(name));
    records.filter(|it| it.at >= since && matches!(it.event, Event::Failed { .. })).count()
}

/// The times until the cluster has formed, until n1 and until all know of a crash, and until all
/// know of a leave.
fn times(seed: u64, count: usize, carrier: Carrier) -> [Duration; 4] {
    let mut world = drivers(seed, count, carrier, 128);
    let forming = time_until(&mut world, secs(120), World::converged);
    world.run(secs(30));
    let crashed = world.now();
    assert_eq!(failures(&world, count, Instant::ORIGIN), 0);
    world.crash("n5");
    let knows = |world: &World| world.state("n1", "n5") == Some(State::Failed);
    let first = time_until(&mut world, secs(120), knows);
    time_until(&mut world, secs(120), |world| world.agreed("n5", State::Failed));
    let last = world.now() - crashed;
    let _leaving = world.ask("n7", async |cluster| cluster.leave(secs(10)).await);
    let leave = time_until(&mut world, secs(60), |world| world.agreed("n7", State::Left));
    [forming, first, last, leave]
}

/// The issue asks for at most 1.5 times as long, at 100 nodes. The same must hold at 16.
#[test]
fn forming_detection_and_leave_take_at_most_half_as_long_again_as_with_datagrams() {
    for count in [16, 100] {
        let total = |carrier| {
            let runs = (0..3).map(|seed| times(seed, count, carrier));
            runs.fold([Duration::ZERO; 4], |sums, times| {
                std::array::from_fn(|part| sums[part] + times[part])
            })
        };
        let (datagrams, streams) = (total(Carrier::Datagrams), total(Carrier::Streams));
        for (part, name) in ["forming", "first", "last", "leave"].into_iter().enumerate() {
            assert!(
                streams[part] * 2 <= datagrams[part] * 3,
                "{count} nodes, {name}: {:?} instead of {:?}",
                streams[part] / 3,
                datagrams[part] / 3
            );
        }
    }
}

#[test]
fn a_cluster_of_more_members_than_links_accuses_nobody_healthy_and_notices_a_crash() {
    for seed in 0..3 {
        let mut world = drivers(seed, 60, Carrier::Streams, 8);
        world.settle(secs(60));
        let since = world.now();
        world.run(secs(120));
        assert_eq!(failures(&world, 60, since), 0, "seed {seed}");
        world.crash("n9");
        assert!(world.run_until(secs(40), |world| world.agreed("n9", State::Failed)));
        // One for each link of either direction, and a few exchanges.
        assert!(world.streams_open() <= 60 * 8 + 60, "{}", world.streams_open());
    }
}

#[test]
fn a_peer_that_reads_nothing_delays_no_probe_of_others() {
    for seed in 0..3 {
        let mut world = drivers(seed, 12, Carrier::Streams, 128);
        world.settle(secs(30));
        world.run(secs(20));
        let since = world.now();
        // Its system accepts data until its buffers are full.
        world.pause("n3");
        world.run(secs(60));
        world.expect_failed("n3");
        assert_eq!(failures(&world, 12, since), 11, "seed {seed}: once at each, and nobody else");
        world.resume("n3");
        world.settle(secs(30));
    }
}

#[test]
fn halves_that_were_apart_for_long_meet_again_without_a_join() {
    for seed in 0..3 {
        let mut world = drivers(seed, 10, Carrier::Streams, 128);
        world.settle(secs(30));
        let names = names(10);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (one, other) = names.split_at(5);
        world.cut(one, other);
        world.run(secs(25));
        assert_eq!(world.state("n0", "n9"), Some(State::Failed));
        world.run(secs(65));
        world.heal();
        world.settle(secs(60));
    }
}

#[test]
fn lost_segments_delay_what_is_behind_them_and_kill_nobody() {
    for seed in 0..3 {
        let mut world = drivers(seed, 20, Carrier::Streams, 128);
        world.settle(secs(30));
        world.set_loss(0.05);
        let since = world.now();
        world.run(secs(120));
        assert_eq!(failures(&world, 20, since), 0, "seed {seed}");
    }
}
