//! Incidents from the field that concern the driver: starved processes, names, dials, power, and
//! applications that do not read.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::net::SocketAddr;
use core::time::Duration;

use swim_core::{Event, Instant};
use swim_driver::Notice;
use swim_sim::{Lookup, Reader, World, WorldOptions, millis, secs};

/// The longest wait between two attempts to reach a seed, for a node that knows no peers.
const REFRESH: Duration = secs(30);

/// Sets the named seed of the drivers in these tests.
fn by_name(options: &mut swim_driver::Options) {
    options.seeds = vec!["seed.example:7946".into()];
}

/// The number of members that a driver shows its application.
fn known(world: &World, name: &str) -> usize {
    world.cluster(name).members().len()
}

/// A cluster of drivers `n0`, `n1`, ... in which the first three are the seeds of all.
fn drivers(seed: u64, count: usize) -> World {
    let mut world = WorldOptions::new(seed).build();
    for number in 0..count {
        world.start_driver(&format!("n{number}"), |options| {
            options.seeds = (0..3).map(|seed| format!("n{seed}:7946")).collect();
        });
    }
    world.settle(secs(120));
    world
}

fn deaths(world: &World, names: &[String], since: Instant) -> usize {
    let records = names.iter().flat_map(|name| world.events(name));
    let failed = |event: &Event| matches!(event, Event::Failed { .. });
    records.filter(|record| record.at >= since && failed(&record.event)).count()
}

#[test]
fn s21_drivers_polled_only_40_ms_in_every_100_ms_declare_nobody_dead() {
    for seed in 0..2 {
        let mut world = drivers(seed, 200);
        let names: Vec<String> = (0..200).map(|number| format!("n{number}")).collect();
        for name in &names {
            world.poll_driver_every(name, millis(100), millis(40));
        }
        let since = world.now();
        world.run(secs(120));
        assert_eq!(deaths(&world, &names, since), 0);
        world.expect_converged();
    }
}

#[test]
fn s21_nor_do_drivers_that_take_their_turns_once_in_every_100_ms() {
    let mut world = World::new(7);
    let names: Vec<String> = (0..50).map(|number| format!("n{number}")).collect();
    for name in &names {
        world.start_driver(name, |options| options.seeds = vec!["n0:7946".into()]);
        // From the beginning, so that the cluster also forms like this.
        world.poll_driver_every(name, millis(100), Duration::ZERO);
    }
    world.settle(secs(30));
    world.run(secs(120));
    assert_eq!(deaths(&world, &names, Instant::ORIGIN), 0);
    world.expect_converged();
}

#[test]
fn s21_a_few_that_hardly_run_at_all_cost_no_healthy_driver_its_life() {
    for (running, period) in [(millis(40), secs(3)), (millis(100), secs(10))] {
        let mut world = drivers(1, 60);
        let names: Vec<String> = (0..60).map(|number| format!("n{number}")).collect();
        let (slow, healthy) = names.split_at(8);
        for name in slow {
            world.poll_driver_every(name, period, running);
        }
        world.run(secs(180));
        for name in healthy {
            world.expect_never_failed(name);
        }
        let accused = |event: &Event| matches!(event, Event::Suspected { .. });
        let suspicions = world.events("n9").iter().filter(|record| accused(&record.event)).count();
        assert!(suspicions > 100, "{suspicions} suspicions: nothing was the matter");
    }
}

/// How often a driver has dialled an address since a time.
fn dials_of(world: &World, name: &str, to: SocketAddr, since: Instant) -> usize {
    world.dials(name).iter().filter(|(at, dialled)| *at >= since && *dialled == to).count()
}

#[test]
fn s24_after_a_power_loss_those_who_are_back_ask_seeds_and_remembered_peers_until_joined() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        let names = ["a", "b", "c", "d", "e"];
        for name in names {
            world.start_driver(name, by_name);
        }
        world.set_name_to("seed.example", &["a", "b"]);
        world.settle(secs(60));
        let remembered = world.address("c");
        for name in names {
            world.power_off(name);
        }
        world.run(secs(600));

        // Two are back without the seeds, and the name server has no power either.
        world.set_name("seed.example", Lookup::Never);
        let back = world.now();
        for name in ["d", "e"] {
            world.restart_driver_with(name, |options| options.seeds.push(remembered.to_string()));
        }
        world.run(secs(600));
        for name in ["d", "e"] {
            let dials = dials_of(&world, name, remembered, back);
            assert!(dials >= 14, "{name}: {dials} dials, each waits 10 s for an answer");
            let lookups = world.lookups(name).iter().filter(|(at, _)| *at >= back).count();
            assert!(lookups >= 14, "{name}: {lookups} lookups");
            assert_eq!(known(&world, name), 1);
        }

        // Then the name server is back, and so is one of the seeds.
        world.set_name_to("seed.example", &["a", "b"]);
        world.restart("a");
        let stream_timeout = world.node("a").config().stream_timeout;
        world.settle(REFRESH + stream_timeout + secs(2));
        for name in ["b", "c"] {
            world.restart(name);
        }
        world.settle(REFRESH + stream_timeout + secs(2));
        assert_eq!(known(&world, "d"), 5);
    }
}

#[test]
fn s31_a_name_that_leads_to_nothing_then_to_stale_addresses_then_right_is_joined_by() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        for name in ["a", "b", "gone", "down"] {
            world.start(name);
        }
        world.join("b", "a");
        world.power_off("gone");
        world.crash("down");
        world.set_name("seed.example", Lookup::Fails);
        world.start_driver("c", by_name);
        world.run(secs(100));
        world.set_name("seed.example", Lookup::Nothing);
        world.run(secs(100));
        world.set_name_to("seed.example", &["gone", "down"]);
        world.run(secs(100));
        assert_eq!(known(&world, "c"), 1);

        world.set_name_to("seed.example", &["a", "b"]);
        // A dial in progress may still wait for the stale address.
        let stream_timeout = world.node("a").config().stream_timeout;
        let joined = |world: &World| known(world, "c") > 1;
        assert!(world.run_until(REFRESH + stream_timeout + secs(1), joined), "seed {seed}");
        world.settle(secs(10));
    }
}

#[test]
fn s32_33_seeds_of_which_30_are_black_holes_are_joined_in_under_two_dial_timeouts() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        for name in ["a", "b", "c"] {
            world.start(name);
        }
        world.join("b", "a");
        world.join("c", "a");
        world.settle(secs(10));
        // The reachable ones come last.
        let black_holes = (1..=30).map(|host| format!("192.0.2.{host}:7946"));
        let right = ["a", "b", "c"].map(|name| world.address(name).to_string());
        let seeds: Vec<String> = black_holes.chain(right).collect();
        let dial_timeout = world.node("a").config().stream_timeout;

        // As the seeds that it starts with, ...
        let own = seeds.clone();
        world.start_driver("d", move |options| options.seeds = own);
        let joined = |world: &World| known(world, "d") == 4;
        assert!(world.run_until(dial_timeout * 2, joined), "seed {seed}");

        // ... as the argument of a join, ...
        world.start_driver("e", |_| {});
        let reply = world.ask("e", async |cluster| cluster.join(seeds).await);
        assert!(world.run_until(dial_timeout * 2, |_| reply.is_ready()), "seed {seed}");
        assert!(reply.take().unwrap().is_ok());

        // ... and as the addresses of one name.
        let mut addresses: Vec<_> = (1..=13).map(|host| [192, 0, 2, host].into()).collect();
        addresses.extend(["a", "b", "c"].map(|name| world.address(name).ip()));
        world.set_name("seed.example", Lookup::Addresses(addresses));
        world.start_driver("f", by_name);
        let joined = |world: &World| known(world, "f") == 6;
        assert!(world.run_until(dial_timeout * 2, joined), "seed {seed}");
    }
}

/// A cluster with many events in two minutes, as seen by a driver with `readers` subscribers that
/// never read.
///
/// Returns its digest, and the notices that wait for the first subscriber.
fn unread(seed: u64, readers: usize) -> (u64, Vec<Notice>) {
    let mut world = World::new(seed);
    world.start("a");
    world.start_driver("b", |options| {
        options.seeds = vec!["a:7946".into()];
        options.events_max = 32;
        options.events_bytes_max = 10_000;
    });
    world.settle(secs(10));
    let mut unread: Vec<_> = (0..readers).map(|_| world.cluster("b").subscribe().1).collect();
    for round in 0..120_u32 {
        for _ in 0..10 {
            let payload = [7; 700];
            world.command("a", |node, now| node.send(now, "b", &payload)).unwrap();
        }
        world.command("a", |node, now| node.broadcast(now, &round.to_le_bytes())).unwrap();
        world.run(secs(1));
    }
    let notices =
        unread.first_mut().map(|events| core::iter::from_fn(|| events.try_next()).collect());
    (world.digest(), notices.unwrap_or_default())
}

#[test]
fn s48_a_consumer_that_never_reads_its_events_changes_nothing_and_is_told_once_what_it_missed() {
    for seed in 0..4 {
        let (digest, notices) = unread(seed, 1);
        assert_eq!(unread(seed, 0).0, digest, "the same to the bit: nobody waited for it");
        let (events, missed): (Vec<_>, Vec<_>) =
            notices.iter().partition(|notice| matches!(notice, Notice::Event(_)));
        assert!(events.len() <= 32, "{} events were kept", events.len());
        let bytes: usize = events.iter().map(|notice| payload(notice)).sum();
        assert!(bytes <= 10_000, "{bytes} bytes were kept");
        let [Notice::Missed { events, .. }] = missed[..] else { panic!("{missed:?}") };
        assert!(*events >= 1000, "{events} events were missed");
    }
}

fn payload(notice: &Notice) -> usize {
    match notice {
        Notice::Event(Event::Message { payload, .. } | Event::Broadcast { payload, .. }) => {
            payload.len()
        }
        _ => 0,
    }
}

#[test]
fn s48_a_slow_consumer_is_told_of_each_gap_in_its_place() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        world.start("a");
        world.start_driver("b", |options| {
            options.seeds = vec!["a:7946".into()];
            options.events_max = 8;
        });
        world.settle(secs(10));
        let mut reader = Reader::new(&world, "b", secs(10), 5);
        let mut sent = 0_u32;
        for _ in 0..60 {
            for _ in 0..2 {
                world.command("a", |node, now| node.send(now, "b", &sent.to_le_bytes())).unwrap();
                // One after the other, so that they arrive in order.
                reader.run(&mut world, millis(500));
                sent += 1;
            }
        }
        // Each message was read or is counted as missed: none is lost silently.
        let mut next = 0;
        for (_, notice) in reader.notices() {
            match notice {
                Notice::Event(Event::Message { payload, .. }) => {
                    let number = u32::from_le_bytes(payload[..].try_into().unwrap());
                    assert_eq!(u64::from(number), next, "after a gap that was told");
                    next += 1;
                }
                Notice::Missed { events, .. } => next += events,
                _ => {}
            }
        }
        assert!(next > 30, "{next} of {sent}");
    }
}

#[test]
fn a_removed_seed_is_neither_looked_up_nor_dialled_again() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        for name in ["a", "down"] {
            world.start(name);
        }
        world.crash("down");
        world.set_name("other.example", Lookup::Nothing.after(millis(700)));
        let seeds = ["down:7946", "192.0.2.1:7946", "other.example:7946"];
        world.start_driver("b", |options| {
            options.seeds = seeds.map(str::to_owned).to_vec();
        });
        world.run(secs(20 + seed));
        assert!(world.dials("b").len() >= 4 && world.lookups("b").len() >= 4);
        let removed = world.wait_for("b", secs(1), async move |cluster| {
            let mut removed = Vec::new();
            for seed in seeds {
                removed.push(cluster.remove_seed(seed).await);
            }
            removed
        });
        assert_eq!(removed, [Ok(true), Ok(true), Ok(true)]);
        let before = (world.dials("b").len(), world.lookups("b").len());
        world.run(secs(600));
        assert_eq!((world.dials("b").len(), world.lookups("b").len()), before);

        let added = world.wait_for("b", secs(1), async |cluster| cluster.add_seed("a:7946").await);
        assert_eq!(added, Ok(true));
        world.settle(secs(5));
    }
}
