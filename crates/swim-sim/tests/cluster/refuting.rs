//! A running member that is suspected or declared failed refutes it, and is believed.

use swim_core::{Event, State, Via};
use swim_sim::{World, WorldOptions, secs};

use crate::goodbyes;

#[test]
fn a_pause_shorter_than_the_suspicion_is_refuted_in_time() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.form(5);
        world.pause("n2");
        world.run(secs(4));
        world.resume("n2");
        world.settle(secs(10));
        for number in 0..5 {
            world.expect_never_failed(&format!("n{number}"));
        }
    }
}

#[test]
fn a_node_declared_failed_during_its_pause_is_back_without_a_restart() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.form(5);
        world.pause("n2");
        world.run(secs(30));
        world.expect_failed("n2");
        world.resume("n2");
        world.settle(secs(10));
        for number in [0, 1, 3, 4] {
            world.expect_never_failed(&format!("n{number}"));
        }
        assert!(world.events("n2").iter().any(|record| {
            matches!(&record.event, Event::Accused { refuted_with, incarnation, .. }
                if refuted_with > incarnation)
        }));
        assert!(world.events("n0").iter().any(|record| {
            matches!(&record.event, Event::Joined { member, previous: Some(State::Failed), .. }
                if member.name == "n2")
        }));
    }
}

#[test]
fn a_refuted_suspicion_is_reported_as_such() {
    let mut refuted = 0;
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.form(5);
        world.pause("n2");
        world.run(secs(3));
        world.resume("n2");
        world.run(secs(5));
        for observer in ["n0", "n1", "n3", "n4"] {
            let events = world.events(observer);
            let suspected = events.iter().any(|record| {
                matches!(&record.event, Event::Suspected { member, .. } if member.name == "n2")
            });
            let refutation = events.iter().any(|record| {
                matches!(&record.event, Event::Refuted { member, .. } if member.name == "n2")
            });
            assert_eq!(suspected, refutation, "{}", world.report(Some("n2")));
            refuted += u32::from(refutation);
        }
    }
    assert!(refuted > 20, "a pause of three seconds is noticed often, not {refuted} times");
}

/// Two nodes. One of them is paused while nothing waits for it, and hears of its suspicion only by
/// pings.
fn suspect_told_by_pings_alone(buddy: bool) -> World {
    let mut world = WorldOptions::new(3)
        .socket_buffer(0)
        .configure(move |_, config| {
            config.lifeguard_buddy = buddy;
            config.last_call = false;
            config.stream_ping = false;
            config.gossip_interval = secs(3600);
            config.push_pull_interval = secs(0);
            config.retransmit_mult = 1;
            config.suspicion_mult = 40;
        })
        .build();
    world.form(2);
    world.run(secs(5));
    world.pause("n1");
    world.run(secs(15));
    world.expect_state("n0", "n1", State::Suspect);
    world.resume("n1");
    world
}

#[test]
fn a_buddy_tells_the_suspect_in_its_next_ping() {
    let mut world = suspect_told_by_pings_alone(true);
    world.run(secs(10));
    world.expect_state("n0", "n1", State::Alive);
}

#[test]
fn without_the_buddy_the_suspect_does_not_hear_of_it() {
    let mut world = suspect_told_by_pings_alone(false);
    world.run(secs(10));
    world.expect_state("n0", "n1", State::Suspect);
}

#[test]
fn only_those_whose_own_probe_failed_confirm_a_suspicion() {
    for seed in 0..10 {
        let mut world = WorldOptions::new(seed)
            .configure(|_, config| config.push_pull_interval = secs(1))
            .build();
        world.form(8);
        world.pause("n2");
        world.run(secs(20));
        for observer in (0..8).filter(|number| *number != 2).map(|number| format!("n{number}")) {
            for record in world.events(&observer) {
                let Event::Confirmed { name, accuser, .. } = &record.event else {
                    continue;
                };
                let probed = world.events(accuser.as_str()).iter().any(|own| {
                    own.at <= record.at
                        && match &own.event {
                            Event::Suspected { member, via: Via::Own, .. } => member.name == *name,
                            Event::Confirmed { name: suspect, via: Via::Own, .. } => {
                                suspect == name
                            }
                            _ => false,
                        }
                });
                // A node that has all confirmations that count reports no further ones, but passes
                // on that its own probe failed, too.
                let confirmed = world.events(accuser.as_str()).iter().filter(|own| {
                    let of_it = matches!(&own.event, Event::Confirmed { name: n, .. } if n == name);
                    of_it && own.at <= record.at
                });
                let node = world.node(accuser.as_str());
                let enough = node.config().suspicion_timeouts(8).confirmations_max as usize;
                let silent = confirmed.count() >= enough && node.stats().probes_failed > 0;
                if !probed && !silent {
                    let text = format!("{observer} counts {accuser}, which only heard of it");
                    world.fail(&text, Some("n2"));
                }
            }
        }
    }
}

fn options(seed: u64, memberlist: bool) -> WorldOptions {
    WorldOptions::new(seed).configure(move |_, config| {
        if memberlist {
            *config = config.clone().memberlist();
        }
    })
}

/// Checks that three nodes list each other again within 20 s. On memberlist's wire, news that
/// gossip missed waits for a push/pull.
fn together(mut world: World, memberlist: bool) {
    assert!(world.run_until(secs(20), goodbyes::all_listed), "{}", world.report(None));
    world.settle(secs(if memberlist { 90 } else { 20 }));
}

#[test]
fn s72_the_refutation_of_a_goodbye_reaches_the_one_that_told_it() {
    for memberlist in [false, true] {
        let mut tried = 0;
        for mut world in (0..20).filter_map(|seed| goodbyes::crossed(options(seed, memberlist))) {
            goodbyes::hear_of_it_late(&mut world);
            together(world, memberlist);
            tried += 1;
        }
        assert!(tried >= 5, "memberlist's wire {memberlist}: {tried} clusters were apart");
    }
}

#[test]
fn s72_a_node_that_is_held_for_left_joins_through_a_seed() {
    for memberlist in [false, true] {
        let mut tried = 0;
        for mut world in (0..20).filter_map(|seed| goodbyes::crossed(options(seed, memberlist))) {
            world.join("n2", "n0");
            together(world, memberlist);
            tried += 1;
        }
        assert!(tried >= 5, "memberlist's wire {memberlist}: {tried} clusters were apart");
    }
}
