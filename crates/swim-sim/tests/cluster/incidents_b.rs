//! Incidents from the field: too much metadata, and names that come back.

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Claim, Message, Update};
use swim_core::{
    CommandError, Config, ConfigError, DropReason, Event, Incarnation, Instant, Node, State,
    Versions,
};
use swim_sim::{World, WorldOptions, millis, secs};

/// A datagram in which a member announces this metadata.
fn announcing(name: &str, incarnation: Incarnation, world: &World, meta: &[u8]) -> Bytes {
    let claim = Claim::Alive { address: world.address("n1"), meta, versions: Versions::DEFAULT };
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    Message::Update(Update { name, incarnation, claim }).encode(&mut packet);
    packet.freeze()
}

#[test]
fn s41_metadata_of_513_bytes_is_an_error_at_the_api() {
    let mut world = World::new(1);
    world.form(3);
    let refused = world.request("n0", |node, now| node.set_meta(now, vec![1; 513].into()));
    assert_eq!(refused, Err(CommandError::TooLarge { size: 513, max: 512 }));
    world.request("n0", |node, now| node.set_meta(now, vec![1; 512].into())).expect("it fits");
    world.settle(secs(5));
    assert_eq!(world.node("n2").member("n0").expect("a member").meta, [1; 512]);

    let address = "10.0.0.1:7946".parse().expect("an address");
    let mut config = Config::lan("a".parse().expect("a name"), address);
    config.meta = vec![1; 513].into();
    let refused = Node::new(config.clone(), [0; 32], Instant::ORIGIN);
    assert_eq!(refused.err(), Some(ConfigError::MetaTooLarge { size: 513, max: 512 }));
    config.meta = vec![1; 512].into();
    assert!(Node::new(config, [0; 32], Instant::ORIGIN).is_ok());
}

#[test]
fn s41_metadata_of_513_bytes_from_others_is_dropped_and_counted() {
    let mut world = World::new(2);
    world.form(3);
    let from = world.address("n1");
    let known = world.node("n0").member("n1").expect("a member").incarnation;
    for (name, incarnation) in [("stranger", Incarnation(1)), ("n1", known.next())] {
        let before = world.node("n0").stats().drops[DropReason::MetaTooLarge];
        let packet = announcing(name, incarnation, &world, &[1; 513]);
        world.inject(from, "n0", packet);
        world.run(millis(5));
        assert_eq!(world.node("n0").stats().drops[DropReason::MetaTooLarge], before + 1);
    }
    assert_eq!(world.state("n0", "n1"), Some(State::Alive), "what was known of it stays");
    assert_eq!(world.node("n0").member("n1").expect("a member").meta, b"");
    assert!(world.node("n0").member("stranger").is_none());
    let told = world.events("n0").iter().filter(|record| {
        matches!(record.event, Event::BadInput { reason: DropReason::MetaTooLarge, .. })
    });
    assert_eq!(told.count(), 1, "said once");
    let packet = announcing("n1", known.next().next(), &world, &[1; 512]);
    world.inject(from, "n0", packet);
    world.run(millis(5));
    assert_eq!(world.node("n0").member("n1").expect("a member").meta, [1; 512]);
}

#[test]
fn s41_a_member_that_may_announce_more_than_the_others_is_refused_and_the_rest_goes_on() {
    let mut world = WorldOptions::new(3)
        .configure(|number, config| {
            if number == 4 {
                config.meta_size_max = 513;
                config.meta = vec![1; 513].into();
            }
        })
        .build();
    world.gather(5);
    world.run(secs(90));
    for observer in ["n0", "n1", "n2", "n3"] {
        assert_eq!(world.state(observer, "n4"), None);
        assert_eq!(world.node(observer).members_live(), 4);
        assert!(world.node(observer).stats().drops[DropReason::MetaTooLarge] > 0);
    }
}

/// Lets a node leave, stay away for so long, and come back.
fn come_back(seed: u64, away_secs: u64, back: impl FnOnce(&mut World)) {
    let mut world = World::new(seed);
    world.form(6);
    let request = world.leave("n3");
    assert!(world.run_until(secs(30), |world| world.answer(request).is_some()));
    world.run(secs(away_secs));
    world.expect_left("n3");
    back(&mut world);
    world.join("n3", "n1");
    world.settle(secs(10));
    world.expect_alive_everywhere("n3");
    // It stays: no old leave message follows it.
    world.run(secs(120));
    world.expect_alive_everywhere("n3");
    world.expect_converged();
    world.expect_never_failed("n3");
}

#[test]
fn s47_a_node_that_left_and_comes_back_is_alive_everywhere() {
    for seed in 0..5 {
        for away_secs in [0, 1, 20, 600] {
            come_back(seed, away_secs, |_| {});
        }
    }
}

#[test]
fn s47_a_process_that_left_and_is_started_again_is_alive_everywhere() {
    for seed in 0..5 {
        for away_secs in [0, 1, 20, 600] {
            come_back(seed, away_secs, |world| world.restart("n3"));
            // Its clock was set back, or it has none.
            come_back(seed, away_secs, |world| {
                world.restart_with("n3", |config| config.incarnation = Incarnation(1));
            });
        }
    }
}

#[test]
fn s47_a_name_that_leaves_and_comes_back_again_and_again_is_alive_everywhere() {
    let mut world = World::new(9);
    world.form(6);
    for round in 0..10 {
        let request = world.leave("n3");
        assert!(world.run_until(secs(30), |world| world.answer(request).is_some()));
        if round % 2 == 0 {
            world.restart_with("n3", |config| config.incarnation = Incarnation(1));
        }
        world.join("n3", "n0");
        world.settle(secs(10));
    }
    world.run(secs(120));
    world.expect_alive_everywhere("n3");
    world.expect_never_failed("n3");
}
