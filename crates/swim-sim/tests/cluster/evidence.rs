//! Evidence against a member: it reaches the accused, it is never older than the known evidence,
//! and it never creates members.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::net::SocketAddr;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Event, Incarnation, State, Versions};
use swim_sim::{World, WorldOptions, bounds, secs};

use crate::common::outside;

fn about<'a>(name: &'a str, incarnation: u32, claim: Claim<'a>) -> Message<'a> {
    Message::Update(Update { name, incarnation: Incarnation(incarnation), claim })
}

fn suspect(name: &str, incarnation: u32) -> Message<'_> {
    about(name, incarnation, Claim::Suspect { accuser: "somebody" })
}

fn failed(name: &str, incarnation: u32) -> Message<'_> {
    about(name, incarnation, Claim::Failed { accuser: "somebody" })
}

fn alive(name: &str, incarnation: u32, address: SocketAddr) -> Message<'_> {
    about(name, incarnation, Claim::Alive { address, meta: b"", versions: Versions::DEFAULT })
}

fn was_accused(world: &World, name: &str) -> bool {
    world.events(name).iter().any(|record| matches!(record.event, Event::Accused { .. }))
}

#[test]
fn s02_an_accusation_reaches_the_accused_by_way_of_nodes_that_do_not_know_it() {
    for nodes in [10, 40, 100] {
        for make in [suspect as fn(&str, u32) -> Message<'_>, failed] {
            // Every second node has no room left, and never learns of the last one.
            let mut world = WorldOptions::new(1)
                .configure(move |number, config| {
                    if number % 2 == 1 {
                        config.members_max = nodes;
                    }
                })
                .build();
            world.form(nodes);
            world.start("x");
            world.join("x", "n0");
            world.run(secs(30));
            for number in 0..nodes {
                let known = world.state(&format!("n{number}"), "x").is_some();
                assert_eq!(known, number % 2 == 0, "n{number}");
            }
            let incarnation = world.node("x").local().incarnation;
            world.forge(outside(), "n1", &make("x", incarnation.0));
            let within = bounds::spread(world.node("n0").config(), nodes);
            let asked_at = world.now();
            if !world.run_until(within, |world| was_accused(world, "x")) {
                world.fail("the accused never heard of it", Some("x"));
            }
            println!("{nodes} nodes: accused after {:?} of {within:?}", world.now() - asked_at);
            assert!(world.run_until(within, |world| {
                (0..nodes).step_by(2).all(|number| {
                    let observer = format!("n{number}");
                    world.state(&observer, "x") == Some(State::Alive)
                        && world.node(&observer).member("x").unwrap().incarnation > incarnation
                })
            }));
        }
    }
}

#[test]
fn s03_a_node_that_comes_back_with_a_low_incarnation_learns_what_is_held_against_it() {
    for nodes in [2, 5, 50] {
        let mut world = WorldOptions::new(2)
            .configure(|_, config| config.incarnation = Incarnation(100))
            .build();
        world.form(nodes);
        world.crash("n1");
        let within = bounds::detection(world.node("n0").config(), nodes);
        assert!(world.run_until(within, |world| world.agreed("n1", State::Failed)));
        world.restart_with("n1", |config| config.incarnation = Incarnation(1));
        world.join("n1", "n0");
        world.settle(bounds::spread(world.node("n0").config(), nodes) * 2);
        assert!(world.node("n1").local().incarnation >= Incarnation(101));
    }
}

#[test]
fn s03_also_when_it_only_answers_and_joins_nobody() {
    let mut world =
        WorldOptions::new(3).configure(|_, config| config.incarnation = Incarnation(100)).build();
    world.form(5);
    world.crash("n1");
    // It is lost by now, and looked for.
    world.run(secs(120));
    world.restart_with("n1", |config| config.incarnation = Incarnation(1));
    world.settle(secs(15));
    assert!(world.node("n1").local().incarnation >= Incarnation(101));
}

#[test]
fn s04_a_delayed_alive_does_not_bring_back_what_failed_at_a_higher_incarnation() {
    let mut world = World::new(4);
    world.form(5);
    let address = SocketAddr::from(([192, 0, 2, 9], 7946));
    for message in [alive("x", 1, address), failed("x", 1), failed("x", 10), alive("x", 2, address)]
    {
        world.forge(outside(), "n0", &message);
        // A verdict about a member that is seen as alive is a suspicion first.
        world.run(secs(5));
    }
    for late in [2, 9, 10] {
        for observer in ["n0", "n1", "n2", "n3", "n4"] {
            world.forge(outside(), observer, &alive("x", late, address));
        }
        world.run(secs(1));
        for observer in ["n0", "n1", "n2", "n3", "n4"] {
            assert_eq!(world.node(observer).member("x").unwrap().state, State::Failed);
        }
    }
    // The same holds once it is no longer listed.
    world.run(secs(300));
    for observer in ["n0", "n1", "n2", "n3", "n4"] {
        world.forge(outside(), observer, &alive("x", 10, address));
        world.run(secs(1));
        assert_eq!(world.node(observer).member("x"), None);
    }
}

#[test]
fn s09_what_one_node_gave_up_is_not_taken_back_from_another_that_still_lists_it() {
    for (seed, keep) in [(5, 3600), (6, 0)] {
        // The even nodes list failed members for 10 seconds, the odd ones for 10 minutes. In the
        // second run, the even ones keep no other evidence.
        let mut world = WorldOptions::new(seed)
            .configure(move |number, config| {
                let even = number % 2 == 0;
                config.gossip_to_the_dead = secs(if even { 10 } else { 600 });
                if even {
                    config.lost_members_keep = secs(keep);
                }
            })
            .build();
        world.form(8);
        world.crash("n3");
        world.leave("n5");
        world.run(secs(10));
        world.crash("n5");
        world.run(secs(900));
        for observer in ["n0", "n1", "n2", "n4", "n6", "n7"] {
            for gone in ["n3", "n5"] {
                let joined = world
                    .events(observer)
                    .iter()
                    .filter(|record| {
                        matches!(&record.event, Event::Joined { member, .. }
                            if member.name == *gone)
                    })
                    .count();
                if joined != 1 {
                    world.fail(&format!("{observer} took {gone} in {joined} times"), Some(gone));
                }
                assert_eq!(world.state(observer, gone), None);
            }
        }
        world.expect_converged();
    }
}

#[test]
fn s10_only_an_alive_brings_a_member_into_being() {
    let mut world = World::new(7);
    world.form(6);
    let names: Vec<String> = (0..6).map(|number| format!("n{number}")).collect();
    for name in &names {
        world.forge(outside(), name, &suspect("ghost", 5));
        world.forge(outside(), name, &failed("ghoul", u32::MAX - 1));
        world.forge(outside(), name, &about("spook", 5, Claim::Left));
    }
    for _ in 0..60 {
        world.run(secs(1));
        for (observer, ghost) in
            names.iter().flat_map(|name| ["ghost", "ghoul", "spook"].map(|ghost| (name, ghost)))
        {
            assert_eq!(world.node(observer).member(ghost), None);
            assert!(world.command(observer, |node, now| node.forget(now, ghost)).is_err());
        }
    }
    world.expect_converged();
}

#[test]
fn an_accusation_older_than_what_is_known_changes_nothing() {
    let mut world = World::new(8);
    world.form(10);
    let incarnation = world.node("n3").local().incarnation.0;
    for name in (0..10).map(|number| format!("n{number}")) {
        world.forge(outside(), &name, &suspect("n3", incarnation - 1));
        world.forge(outside(), &name, &failed("n3", incarnation - 1));
        world.forge(outside(), &name, &about("n3", incarnation - 1, Claim::Left));
    }
    world.run(secs(60));
    world.expect_never_suspected("n3");
    world.expect_never_failed("n3");
    assert_eq!(world.node("n3").local().incarnation.0, incarnation);
    world.expect_converged();
}

#[test]
fn a_confirming_suspicion_at_a_higher_incarnation_raises_what_is_known() {
    let mut world = World::new(9);
    world.form(6);
    let incarnation = world.node("n3").local().incarnation.0;
    // While paused, it cannot refute in between.
    world.pause("n3");
    world.forge(outside(), "n0", &suspect("n3", incarnation));
    world.run(secs(1));
    world.expect_state("n0", "n3", State::Suspect);
    world.forge(outside(), "n0", &suspect("n3", incarnation + 7));
    world.run(secs(2));
    for observer in ["n0", "n1", "n2", "n4", "n5"] {
        assert_eq!(world.node(observer).member("n3").unwrap().incarnation.0, incarnation + 7);
    }
    // A refutation of the first suspicion does not refute the second.
    let address = world.address("n3");
    world.forge(outside(), "n0", &alive("n3", incarnation + 3, address));
    world.run(secs(1));
    world.expect_state("n0", "n3", State::Suspect);
    world.resume("n3");
    world.settle(secs(10));
    assert!(world.node("n3").local().incarnation.0 > incarnation + 7);
    world.expect_never_failed("n3");
}

#[test]
fn what_is_held_against_the_failed_and_the_left_is_raised_too() {
    let mut world = World::new(10);
    world.form(6);
    let incarnation = world.node("n3").local().incarnation.0;
    let addresses = ["n3", "n4"].map(|name| world.address(name));
    world.crash("n3");
    world.leave("n4");
    world.run(secs(40));
    world.crash("n4");
    // Each one is sent the claim, as news of unlisted members is not passed on.
    for (gone, observer) in
        ["n0", "n1", "n2", "n5"].iter().flat_map(|one| [("n3", one), ("n4", one)])
    {
        world.forge(outside(), observer, &suspect(gone, incarnation + 20));
    }
    world.run(secs(2));
    for _ in 0..3 {
        for (gone, address) in ["n3", "n4"].into_iter().zip(addresses) {
            for observer in ["n0", "n1", "n2", "n5"] {
                world.forge(outside(), observer, &alive(gone, incarnation + 20, address));
            }
            world.run(secs(1));
            for observer in ["n0", "n1", "n2", "n5"] {
                assert!(!world.state(observer, gone).is_some_and(State::is_live), "{observer}");
            }
        }
        // Repeated when they are no longer listed, and again much later.
        world.run(secs(1200));
    }
}

#[test]
fn a_node_that_was_paused_for_an_hour_brings_nobody_back() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        world.form(8);
        world.pause("n7");
        world.run(secs(60));
        world.crash("n3");
        world.leave("n4");
        world.run(secs(20));
        world.crash("n4");
        world.run(secs(3600));
        world.resume("n7");
        world.run(secs(300));
        for observer in ["n0", "n1", "n2", "n5", "n6"] {
            for gone in ["n3", "n4"] {
                let again = world.events(observer).iter().any(|record| {
                    matches!(&record.event, Event::Joined { member, previous: Some(_), .. }
                        if member.name == *gone)
                });
                if again {
                    world.fail(&format!("{gone} rose from the dead at {observer}"), Some(gone));
                }
            }
        }
        // It has noticed, too, and the other members have it back.
        world.expect_converged();
    }
}

#[test]
fn a_process_started_again_after_an_hour_at_a_low_incarnation_is_back_at_once() {
    // The evidence against it outlived its place in the member list. It is informed, and refutes.
    let mut world = World::new(11);
    world.form(6);
    let before = world.node("n3").local().incarnation;
    world.crash("n3");
    world.run(secs(3600));
    world.restart_with("n3", |config| config.incarnation = Incarnation(1));
    world.join("n3", "n0");
    world.settle(bounds::spread(world.node("n0").config(), 6) * 2);
    assert!(world.node("n3").local().incarnation > before);
}
