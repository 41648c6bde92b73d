//! Hosts that run a whole driver: turns, names, dials, commands, and slow consumers.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::time::Duration;

use swim_core::wire::Message;
use swim_core::{Event, State};
use swim_driver::{Error, INPUTS_PER_TURN_MAX};
use swim_sim::{Latency, Lookup, Stall, World, WorldOptions, bounds, millis, secs};

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

/// The result of a join of `contact`, and the time that it takes.
fn join(world: &mut World, contact: &str) -> (Result<usize, Error>, Duration) {
    let contact = contact.to_owned();
    let since = world.now();
    let joined = world.ask("driver", async move |cluster| cluster.join([contact]).await);
    assert!(world.run_until(secs(60), |_| joined.is_ready()));
    (joined.take().unwrap().map(|joined| joined.members), world.now() - since)
}

#[test]
fn a_dial_is_answered_refused_or_times_out() {
    let mut world = World::new(1);
    for name in ["up", "down", "off", "cut"] {
        world.start(name);
    }
    world.crash("down");
    world.power_off("off");
    world.start_driver("driver", |_| {});
    world.cut(&["cut"], &["driver"]);
    let timeout = world.node("up").config().stream_timeout;

    for (contact, times_out) in
        [("down:7946", false), ("off:7946", true), ("cut:7946", true), ("192.0.2.1:7946", true)]
    {
        let (result, after) = join(&mut world, contact);
        let Err(Error::NoneJoined { attempts }) = result else { panic!("{contact}: {result:?}") };
        assert_eq!(attempts.len(), 1, "{contact}");
        let expected = if times_out { timeout } else { Duration::ZERO };
        assert!((expected..=expected + millis(50)).contains(&after), "{contact}: after {after:?}");
    }
    let (result, after) = join(&mut world, "up:7946");
    assert_eq!(result, Ok(2));
    assert!(after <= millis(50), "after {after:?}");
}

#[test]
fn a_lookup_takes_its_time_and_is_given_up() {
    let mut world = World::new(1);
    world.start("a");
    world.start_driver("driver", |_| {});
    let addresses = Lookup::Addresses(vec![world.address("a").ip()]);
    for (lookup, is_joined, earliest, latest) in [
        (addresses.clone(), true, 0, 100),
        (addresses.clone().after(secs(5)), true, 5000, 5100),
        (addresses.after(secs(11)), false, 10_000, 10_100),
        (Lookup::Never, false, 10_000, 10_100),
        (Lookup::Nothing, false, 0, 100),
        (Lookup::Fails.after(secs(1)), false, 1000, 1100),
    ] {
        world.set_name("seed.example", lookup.clone());
        let (result, after) = join(&mut world, "seed.example:7946");
        assert!(after >= millis(earliest) && after <= millis(latest), "{lookup:?}: {after:?}");
        match result {
            Ok(_) => assert!(is_joined, "{lookup:?}"),
            Err(Error::NotResolved { names, .. }) => {
                assert_eq!((names.len(), is_joined), (1, false))
            }
            Err(error) => panic!("{lookup:?}: {error}"),
        }
    }
}

#[test]
fn what_waits_in_the_socket_of_a_driver_is_bounded() {
    for (buffer, floods) in [(64, 64), (2000, 1500)] {
        let mut world = WorldOptions::new(1).socket_buffer(buffer).build();
        world.start_driver("driver", |_| {});
        world.run(secs(1));
        world.pause("driver");
        let outside = "192.0.2.1:7946".parse().unwrap();
        for number in 0..1500 {
            world.forge(outside, "driver", &Message::Nack { sequence: number });
        }
        world.run(secs(1));
        world.resume("driver");
        world.run(Duration::ZERO);
        assert_eq!(world.traffic().packets_delivered, floods, "at once, in several turns");
        assert_eq!(world.traffic().packets_overflowed, 1500 - floods);
        assert!(floods < 1000 || floods > INPUTS_PER_TURN_MAX as u64 * 2);
    }
}

/// How often a node suspects a healthy peer when it is repeatedly stopped for longer than a probe
/// takes.
///
/// The core's own remedy is off: only the order in which the node catches up matters.
fn suspicions(stall: Stall, is_driver: bool) -> usize {
    let mut world = WorldOptions::new(1)
        .configure(|_, config| config.lateness = false)
        .latency(Latency::Uniform(millis(50), millis(150)))
        .build();
    world.start("a");
    match is_driver {
        true => world.start_driver("b", |_| {}),
        false => world.start("b"),
    }
    world.join("a", "b");
    world.settle(secs(5));
    for _ in 0..100 {
        world.run(millis(1017));
        world.stall("b", stall);
        world.run(millis(1500));
        world.resume("b");
    }
    let suspected = |event: &Event| matches!(event, Event::Suspected { .. });
    world.events("b").iter().filter(|record| suspected(&record.event)).count()
}

#[test]
fn an_ack_that_waited_in_the_socket_of_a_driver_is_heard_before_its_timer() {
    assert_eq!(suspicions(Stall::Replay, true), 0);
    let timers_first = suspicions(Stall::TimersFirst, false);
    assert!(timers_first > 10, "{timers_first} suspicions: the line above proves nothing");
}

#[test]
fn a_driver_writes_no_faster_than_its_peer_reads() {
    let mut world = WorldOptions::new(1).stream_buffer(10_000).build();
    for name in ["a", "b"] {
        world.start_driver(name, |options| options.seeds = vec!["a:7946".into()]);
    }
    world.settle(secs(10));
    world.pause("b");
    let before = world.traffic().stream_bytes;
    let sent = world.ask("a", async |cluster| cluster.send_reliable("b", vec![7; 1_500_000]).await);
    world.run(secs(2));
    let written = world.traffic().stream_bytes - before;
    assert!((10_000..1_000_000).contains(&written), "{written} bytes were written");
    assert!(!sent.is_ready());
    world.resume("b");
    world.run(secs(2));
    assert_eq!(sent.take(), Some(Ok(())));
}

#[test]
fn who_waits_for_a_driver_that_crashes_is_told() {
    let mut world = World::new(1);
    world.start_driver("a", |_| {});
    let joined = world.ask("a", async |cluster| cluster.join(["192.0.2.1:7946"]).await);
    let unheard = world.ask("a", async |cluster| {
        let (_, mut events) = cluster.subscribe();
        while events.next().await.is_some() {}
        cluster.stats().await.map(drop)
    });
    world.run(secs(1));
    assert!(!joined.is_ready());
    world.crash("a");
    assert_eq!(joined.take(), Some(Err(Error::Stopped)));
    assert_eq!(unheard.take(), Some(Err(Error::Stopped)));
}

#[test]
fn an_application_asks_one_thing_after_the_other() {
    let mut world = World::new(1);
    world.start("a");
    world.start_driver("b", |options| options.commands_max = 1);
    let steps = world.wait_for("b", secs(60), async |cluster| {
        let joined = cluster.join(["a:7946"]).await?;
        cluster.set_meta("role=test").await?;
        let pong = cluster.ping("a").await?;
        cluster.send_reliable("a", "hello").await?;
        cluster.leave(secs(10)).await?;
        Ok::<_, Error>((joined.members, pong.round_trip < millis(10)))
    });
    assert_eq!(steps, Ok((2, true)));
    world.expect_state("a", "b", State::Left);
}

#[test]
fn a_driver_that_runs_for_an_instant_in_every_second_answers_in_the_next_one() {
    let mut world = World::new(1);
    world.start("a");
    world.start_driver("b", |options| options.seeds = vec!["a:7946".into()]);
    world.settle(secs(5));
    world.poll_driver_every("b", secs(1), Duration::ZERO);
    let since = world.now();
    let pong = world.wait_for("b", secs(5), async |cluster| cluster.stats().await);
    assert!(pong.is_ok() && world.now() - since <= secs(1) + millis(10));
    world.poll_driver_always("b");
    let since = world.now();
    assert!(world.wait_for("b", secs(1), async |cluster| cluster.stats().await).is_ok());
    assert!(world.now() - since <= millis(10));
}

#[test]
#[should_panic(expected = "b is a driver")]
fn a_driver_takes_no_commands_meant_for_a_bare_node() {
    let mut world = World::new(1);
    world.start("a");
    world.start_driver("b", |_| {});
    world.join("b", "a");
}
