//! A hostile host without the cluster's keys, on the path and off it: its effects, and its own
//! random numbers. `checkers_bite.rs` shows that the checkers detect its effects if nodes break
//! their rules.

use swim_core::wire::Wire;
use swim_core::{Config, Event, Key, Keyring};
use swim_sim::checkers::{Deliveries, Sent};
use swim_sim::swarm::{self, Hostility, Setup, Wires};
use swim_sim::{Hostile, Trick, World, WorldOptions, bounds, millis, secs};

const WIRES: [Wire; 2] = [Wire::Swim, Wire::Memberlist];

fn cluster(seed: u64, wire: Wire, keyed: bool) -> World {
    let configure = move |_, config: &mut Config| {
        if wire == Wire::Memberlist {
            *config = config.clone().memberlist();
        }
        if keyed {
            config.keyring = Keyring::new(Key::aes(&[7; 16]).expect("16 bytes are a key"));
        }
    };
    let options = WorldOptions::new(seed).configure(configure).checked();
    let mut world = options.check(Deliveries::of_all_sent()).build();
    world.form(5);
    world
}

/// Lets members send something once in each of `seconds`.
fn talk(world: &mut World, seconds: u32) {
    for number in 0..seconds {
        let text = format!("{number} {}", world.now().as_nanos());
        let payload = text.as_bytes();
        let (from, to) = (format!("n{}", number % 5), format!("n{}", (number + 2) % 5));
        world.tell_sent(&from, Sent::Broadcast { payload });
        world.tell_sent(&from, Sent::Message { to: &to, payload });
        world.command(&from, |node, now| {
            node.broadcast(now, payload).expect("there is room");
            node.send(now, &to, payload).expect("a member");
        });
        world.tell_sent(&to, Sent::State { state: payload });
        world
            .command(&to, |node, now| node.set_user_state(now, text.clone().into()))
            .expect("it is short");
        world.tell_sent(&from, Sent::Reliable { to: &to, payload });
        let sent = world.request(&from, |node, now| node.send_reliable(now, &to, payload));
        sent.expect("a member");
        world.run(secs(1));
    }
}

/// Everything holds that holds without a hostile host. All checkers watch, and the world is
/// declared calm while the attack goes on.
#[test]
fn with_keys_a_hostile_host_on_the_path_changes_no_view_and_has_nothing_delivered_twice() {
    for wire in WIRES {
        let mut world = cluster(1, wire, true);
        let hostile = Hostile::on_path().sees_percent(100).pause_max(millis(100));
        world.set_hostile(Some(hostile));
        talk(&mut world, 60);
        world.calm();
        world.run(bounds::settling(world.node("n0").config(), 5) + secs(5));
        for name in ["n0", "n1", "n2", "n3", "n4"] {
            world.expect_never_failed(name);
        }
        world.expect_converged();
        for trick in Trick::ALL {
            assert!(world.deeds(trick) > 0, "{wire:?}: {trick}");
        }
    }
}

#[test]
fn with_keys_what_was_said_before_members_started_again_is_for_none_of_them() {
    let mut world = cluster(2, Wire::Swim, true);
    let tricks = [Trick::Repeat, Trick::Redirect, Trick::Reflect, Trick::RepeatStream];
    let hostile = Hostile::on_path().sees_percent(100).tricks(&tricks).pause_max(millis(50));
    world.set_hostile(Some(hostile.clone()));
    talk(&mut world, 30);
    // The hostile host is gone while they restart, and comes back with its recordings.
    world.set_hostile(None);
    for name in ["n1", "n2"] {
        world.restart(name);
        world.join(name, "n0");
    }
    world.run(secs(2));
    world.set_hostile(Some(hostile));
    talk(&mut world, 30);
}

/// The members' events, except those about datagrams that no key opens.
fn deeds(world: &World) -> Vec<(u64, Event)> {
    let of = |name: &str| -> Vec<(u64, Event)> {
        let told = world.events(name).iter().filter(|record| {
            !matches!(record.event, Event::BadInput { .. } | Event::StreamsShort { .. })
        });
        told.map(|record| (record.at.as_nanos(), record.event.clone())).collect()
    };
    ["n0", "n1", "n2", "n3", "n4"].into_iter().flat_map(of).collect()
}

#[test]
fn with_keys_members_do_what_they_do_without_a_stranger_to_the_nanosecond() {
    for wire in WIRES {
        let run = |hostile: Option<Hostile>| {
            let mut world = cluster(3, wire, true);
            world.set_hostile(hostile);
            world.set_loss(0.1);
            world.set_reordering(0.2, millis(300));
            talk(&mut world, 60);
            world
        };
        let stranger = run(Some(Hostile::off_path().pause_max(millis(50))));
        assert!(stranger.traffic().packets_hostile > 1000);
        assert!(stranger.traffic().streams_hostile > 100);
        let alone = run(None);
        let differing = deeds(&stranger).into_iter().zip(deeds(&alone)).find(|(a, b)| a != b);
        assert_eq!(differing, None, "{wire:?}");
        let sent = |world: &World| (world.traffic().packets, world.traffic().packet_bytes);
        assert_eq!(sent(&stranger), sent(&alone), "{wire:?}");
    }
}

#[test]
fn without_keys_a_cluster_recovers_once_a_hostile_host_is_gone() {
    for wire in WIRES {
        for hostile in [Hostile::on_path(), Hostile::off_path()] {
            let mut world = cluster(4, wire, false);
            world.set_hostile(Some(hostile.pause_max(millis(500))));
            world.run(secs(60));
            let harmed = |record: &swim_sim::Record| matches!(record.event, Event::Joined { .. });
            let known = world.events("n0").iter().filter(|record| harmed(record)).count();
            assert!(known > 4, "{wire:?}: nobody believes in members that were made up");
            world.set_hostile(None);
            world.settle(bounds::settling(world.node("n0").config(), 5 + 6) * 2);
        }
    }
}

#[test]
fn a_run_with_a_hostile_host_is_the_same_each_time() {
    let run = || {
        let mut world = cluster(5, Wire::Swim, false);
        world.set_hostile(Some(Hostile::on_path().pause_max(millis(200))));
        world.run(secs(30));
        (world.digest(), world.traffic())
    };
    assert_eq!(run(), run());
}

/// The random numbers of a hostile host do not shift those of the faults. A run without one is the
/// same whether it may have one or not.
#[test]
fn runs_of_a_swarm_in_which_no_hostile_host_acts_are_as_if_there_were_none() {
    let (mut acts, mut alike) = (0, 0);
    for seed in 0..24 {
        let run = |hostile| swarm::run_on(Setup::from(Wires::Both).hostile(hostile), seed);
        let (drawn, never) = (run(Hostility::Drawn), run(Hostility::Never));
        if drawn.seen.count("hostile hosts") == 0 {
            assert_eq!(drawn, never, "seed {seed}");
            alike += 1;
        } else {
            assert_ne!(drawn.digest, never.digest, "seed {seed}");
            acts += 1;
        }
    }
    assert!(acts >= 4 && alike >= 8, "{acts} runs have one, {alike} have none");
}
