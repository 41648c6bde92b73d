//! Incidents from the field that concern whole clusters: a mass restart, and the effects of one
//! accusation.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use swim_core::Incarnation;
use swim_core::wire::{Claim, Message, Update};
use swim_sim::{World, WorldOptions, secs};

use crate::common::outside;

fn failed(name: &str, incarnation: u32) -> Message<'_> {
    let claim = Claim::Failed { accuser: "somebody" };
    Message::Update(Update { name, incarnation: Incarnation(incarnation), claim })
}

fn suspect(name: &str, incarnation: u32) -> Message<'_> {
    let claim = Claim::Suspect { accuser: "somebody" };
    Message::Update(Update { name, incarnation: Incarnation(incarnation), claim })
}

fn log2(nodes: usize) -> f64 {
    f64::from(u32::try_from(nodes).unwrap()).log2()
}

/// Restarts every node within ten seconds, without its former incarnation, while all nodes hear
/// that it failed at that one.
fn mass_restart(seed: u64, nodes: usize) {
    let mut world = WorldOptions::new(seed)
        .configure(|_, config| config.incarnation = Incarnation(100))
        .digest(false)
        .records(false)
        .build();
    world.form(nodes);
    let count = u32::try_from(nodes).unwrap();
    // In an order in which contacts restart before and after the nodes that join them.
    for step in 0..nodes {
        let number = (step * 7919 + 1) % nodes;
        let name = format!("n{number}");
        for witness in [1, nodes / 2] {
            let witness = format!("n{}", (number + witness) % nodes);
            world.forge(outside(), &witness, &failed(&name, 100));
        }
        world.restart_with(&name, |config| config.incarnation = Incarnation(1));
        let second = format!("n{}", number / 2);
        let contacts = if number < 2 { vec!["n0", "n3"] } else { vec!["n0", second.as_str()] };
        world.join_each(&name, &contacts);
        world.run(secs(10) / count);
    }
    for number in (0..nodes).step_by(10) {
        let subject = format!("n{number}");
        world.forge(outside(), &format!("n{}", (number * 3 + 1) % nodes), &failed(&subject, 100));
    }
    let period = world.node("n0").config().push_pull_interval_at(nodes);
    let began = world.now();
    world.settle(period * 2);
    println!("{nodes} nodes: one view after {:?} of {:?}", world.now() - began, period * 2);
}

#[test]
fn s01_after_a_mass_restart_every_view_has_every_node_alive() {
    assert_eq!(7919 % 10, 9, "the order visits every node once");
    mass_restart(1, 10);
    mass_restart(2, 50);
    mass_restart(3, 300);
}

#[test]
#[ignore = "takes minutes; run it by name"]
fn s01_after_a_mass_restart_of_a_thousand_every_view_has_every_node_alive() {
    mass_restart(4, 1000);
}

/// The datagrams that all nodes send while `act` is done to a calm cluster and in the minute after
/// it, and the world.
fn minute(nodes: usize, act: impl Fn(&mut World)) -> (f64, World) {
    let mut world = WorldOptions::new(9).digest(false).build();
    world.form(nodes);
    world.run(secs(30));
    let before = world.traffic().packets;
    act(&mut world);
    world.run(secs(60));
    world.expect_converged();
    let packets = world.traffic().packets - before;
    (f64::from(u32::try_from(packets).unwrap()), world)
}

/// The datagrams that one accusation may cause, per node and per doubling of the cluster.
///
/// Each of `n` nodes sends an update `retransmit_mult * ceil(log10(n + 1))` times, which is 2.4 to
/// 1.3 for each doubling. The accusation and its refutation are two updates.
const PACKETS_PER_NODE_AND_DOUBLING: f64 = 5.0;

fn expect_at_most(c: f64, nodes: usize, what: &str, packets: f64) {
    let count = f64::from(u32::try_from(nodes).unwrap());
    let unit = count * log2(nodes);
    println!("{nodes} nodes, {what}: {packets} datagrams, {:.2} N log2 N", packets / unit);
    assert!(packets <= c * unit, "{what}: {packets} datagrams among {nodes} nodes");
}

type Make = fn(&str, u32) -> Message<'_>;
/// Each with its distance above the accused's own incarnation.
const ACCUSATIONS: [(&str, Make, u32); 2] = [("suspect", suspect, 0), ("failed", failed, 1000)];

#[test]
fn s15_an_accusation_causes_no_storm_whether_the_accused_is_known_or_not() {
    for nodes in [10, 100, 300] {
        let (calm, _) = minute(nodes, |_| {});
        for (what, accusation, ahead) in ACCUSATIONS {
            let (packets, world) = minute(nodes, |world| {
                let now = world.node("n3").local().incarnation;
                world.forge(outside(), "n1", &accusation("n3", now.0 + ahead));
            });
            let told = format!("{what} of a member, {ahead} ahead");
            expect_at_most(PACKETS_PER_NODE_AND_DOUBLING, nodes, &told, packets - calm);
            world.expect_alive_everywhere("n3");
            let (packets, world) = minute(nodes, |world| {
                world.forge(outside(), "n1", &accusation("ghost", 7));
            });
            let what = format!("{what} of an unknown name");
            expect_at_most(PACKETS_PER_NODE_AND_DOUBLING, nodes, &what, packets - calm);
            for number in 0..nodes {
                assert!(world.node(&format!("n{number}")).member("ghost").is_none());
            }
        }
    }
}

#[test]
fn s15_accusations_of_a_hundred_unknown_names_cost_hardly_more_than_one() {
    for nodes in [10, 100, 300] {
        let (calm, _) = minute(nodes, |_| {});
        let (packets, _) = minute(nodes, |world| {
            for number in 0..100 {
                world.forge(outside(), "n1", &failed(&format!("ghost{number}"), 7));
            }
        });
        // They share packets, but ten nodes fill more than one at a time. A hundred datagrams are
        // forged.
        expect_at_most(
            PACKETS_PER_NODE_AND_DOUBLING,
            nodes,
            "a hundred names",
            packets - calm - 100.0,
        );
    }
}

#[test]
fn s15_the_same_accusation_again_and_again_is_passed_on_twice_in_a_minute_at_most() {
    for nodes in [10, 100] {
        let (calm, _) = minute(nodes, |world| world.run(secs(59)));
        let (packets, _) = minute(nodes, |world| {
            for _ in 0..200 {
                world.forge(outside(), "n1", &failed("ghost", 7));
                world.run(secs(59) / 200);
            }
        });
        // It is news again after `gossip_to_the_dead`, half a minute. 200 datagrams are forged.
        let caused = packets - calm - 200.0;
        expect_at_most(PACKETS_PER_NODE_AND_DOUBLING, nodes, "200 times one name", caused);
    }
}
