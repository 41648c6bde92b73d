//! Duplicates, overtaking, bursts, long tails and slow links: a cluster survives them, and every
//! datagram is accounted for.

use swim_core::{Event, State};
use swim_sim::{
    Bandwidth, Latency, Loss, NetworkOptions, Reordering, Traffic, World, WorldOptions, millis,
    secs,
};

use crate::common::name;

const NODES: usize = 8;

fn expect_nobody_failed(world: &World) {
    for number in 0..NODES {
        world.expect_never_failed(&name(number));
    }
}

/// Checks that every datagram, and every copy of one, had exactly one end. (None is on its way
/// after a silence longer than the slowest takes.)
fn expect_balance(traffic: Traffic, under_way_max: u64) {
    let sent = traffic.packets + traffic.packets_duplicated;
    let ended = traffic.packets_delivered
        + traffic.packets_lost
        + traffic.packets_cut
        + traffic.packets_to_nobody
        + traffic.packets_overflowed
        + traffic.packets_throttled;
    assert!(sent - ended <= under_way_max, "{} of {sent} are nowhere: {traffic:?}", sent - ended);
}

#[test]
fn every_fifth_datagram_twice_and_out_of_order_leaves_the_cluster_converged() {
    for seed in 0..10 {
        let mut world = WorldOptions::new(seed)
            .duplication(0.2)
            .reordering(0.3, millis(200))
            .latency(Latency::Uniform(millis(1), millis(40)))
            .build();
        world.form(NODES);
        world.set_meta("n3", "changed");
        world.run(secs(120));
        world.expect_converged();
        expect_nobody_failed(&world);
        let traffic = world.traffic();
        let share = |count: u64| count * 100 / traffic.packets;
        assert!((17..23).contains(&share(traffic.packets_duplicated)), "{traffic:?}");
        assert!((27..33).contains(&share(traffic.packets_reordered)), "{traffic:?}");
        expect_balance(traffic, 100);
        world.crash("n5");
        world.run(secs(60));
        world.expect_failed("n5");
    }
}

#[test]
fn a_broadcast_is_told_once_though_its_datagrams_arrive_twice() {
    let mut world = WorldOptions::new(1).duplication(1.0).reordering(0.5, secs(2)).build();
    world.form(NODES);
    let request = world.request("n0", |node, now| node.broadcast(now, b"once"));
    assert!(request.is_ok());
    world.run(secs(30));
    for number in 1..NODES {
        let events = world.events(&name(number));
        let told = events.iter().filter(|record| matches!(record.event, Event::Broadcast { .. }));
        assert_eq!(told.count(), 1, "{}", name(number));
    }
}

#[test]
fn bursts_of_loss_fail_nobody_while_they_are_shorter_than_a_suspicion() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(NODES);
        world.set_loss(Loss::bursts(0.1, millis(800)));
        world.run(secs(180));
        expect_nobody_failed(&world);
        let traffic = world.traffic();
        assert!(traffic.packets_lost * 100 / traffic.packets >= 4, "{traffic:?}");
        world.set_loss(0.0);
        world.settle(secs(30));
    }
}

#[test]
fn a_long_tail_of_latency_fails_nobody() {
    for seed in 0..10 {
        // One probe of some fifty takes longer than the probe timeout of 500 ms.
        let latency = Latency::LogNormal { median: millis(20), p99: millis(300) };
        let mut world = WorldOptions::new(seed).latency(latency).build();
        world.form(NODES);
        world.run(secs(300));
        expect_nobody_failed(&world);
        world.expect_converged();
    }
}

#[test]
fn a_host_that_sends_too_slowly_drops_what_its_queue_does_not_hold() {
    let mut world = World::new(1);
    world.form(NODES);
    world.set_bandwidth_of("n2", Some(Bandwidth { bytes_per_second: 1000, queue_bytes: 3000 }));
    let payload = [7; 500];
    for _ in 0..20 {
        world.command("n2", |node, now| node.send(now, "n3", &payload)).expect("a member");
    }
    let sent = world.now();
    world.run(secs(10));
    let arrivals: Vec<_> = world
        .events("n3")
        .iter()
        .filter(|record| matches!(record.event, Event::Message { .. }))
        .map(|record| record.at - sent)
        .collect();
    // One is being sent, and the queue holds five more.
    assert!((5..=6).contains(&arrivals.len()), "{arrivals:?}");
    assert!(world.traffic().packets_throttled >= 14, "{:?}", world.traffic());
    for pair in arrivals.windows(2) {
        assert!(pair[1] - pair[0] >= millis(450), "half a second each: {arrivals:?}");
    }
    expect_balance(world.traffic(), 20);
    // Its own traffic, a few hundred bytes a second, fits.
    world.run(secs(60));
    expect_nobody_failed(&world);
    world.set_bandwidth_of("n2", None);
    world.run(secs(5));
    let before = world.traffic().packets_throttled;
    world.run(secs(60));
    assert_eq!(world.traffic().packets_throttled, before);
}

#[test]
fn a_stream_through_a_slow_host_takes_its_time_and_lets_datagrams_pass() {
    let bandwidth = Bandwidth { bytes_per_second: 20_000, queue_bytes: 20_000 };
    let mut world = WorldOptions::new(1)
        .bandwidth(bandwidth)
        .configure(|_, config| config.stream_timeout = secs(60))
        .build();
    world.form(2);
    let payload = vec![7; 200_000];
    let sent = world.now();
    let request = world.request("n0", |node, now| node.send_reliable(now, "n1", &payload));
    let request = request.expect("a member");
    world.run(secs(40));
    assert!(matches!(world.answer(request), Some(Ok(_))), "{:?}", world.answer(request));
    let arrived = world.events("n1").iter().find(|record| {
        matches!(&record.event, Event::Message { payload, .. } if payload.len() == 200_000)
    });
    let took = arrived.expect("it arrived").at - sent;
    assert!((secs(10)..secs(11)).contains(&took), "{took:?}");
    assert_eq!(world.traffic().packets_throttled, 0);
    world.expect_state("n0", "n1", State::Alive);
    world.expect_never_suspected("n0");
    world.expect_never_suspected("n1");
}

#[test]
fn the_whole_network_may_be_bad_at_once() {
    let bad = NetworkOptions {
        latency: Latency::LogNormal { median: millis(20), p99: millis(200) },
        loss: Loss::bursts(0.05, millis(500)),
        duplication: 0.1,
        reordering: Reordering { probability: 0.1, delay_max: millis(100) },
        bandwidth: Some(Bandwidth { bytes_per_second: 50_000, queue_bytes: 20_000 }),
    };
    let run = |seed| {
        let mut world = WorldOptions::new(seed).network(bad).build();
        world.gather(NODES);
        world.run(secs(180));
        world
    };
    for seed in 0..5 {
        let world = run(seed);
        expect_nobody_failed(&world);
        assert_eq!(world.node("n0").members_live(), NODES);
        expect_balance(world.traffic(), 100);
        assert_eq!(world.digest(), run(seed).digest(), "the same seed is the same run");
    }
}

#[test]
fn a_fault_that_never_strikes_changes_nothing() {
    let run = |options: WorldOptions| {
        let mut world = options.build();
        world.form(NODES);
        world.run(secs(60));
        world.digest()
    };
    let usual = run(WorldOptions::new(3));
    // Each kind of fault is enabled, but never occurs.
    let (bytes_per_second, queue_bytes) = (u64::MAX, u64::MAX);
    let rare = 1.0e-9;
    assert_eq!(run(WorldOptions::new(3).duplication(rare)), usual);
    assert_eq!(run(WorldOptions::new(3).reordering(rare, secs(1))), usual);
    assert_eq!(
        run(WorldOptions::new(3).bandwidth(Bandwidth { bytes_per_second, queue_bytes })),
        usual
    );
    let calm =
        Loss::Bursty { loss_good: 0.0, loss_bad: 0.0, mean_good: secs(1), mean_bad: secs(1) };
    assert_eq!(run(WorldOptions::new(3).loss(calm)), usual);
}
