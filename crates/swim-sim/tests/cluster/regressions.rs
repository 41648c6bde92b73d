//! Failures that swarms of seeds found.
//!
//! Each test is named after a seed, describes the failure, and shows it without the swarm if
//! possible: the meaning of a seed may change with the simulator.

use core::net::SocketAddr;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Incarnation, State, Status, Versions};
use swim_sim::swarm::{self, Hostility, LastingFaults, Setup, Wires};
use swim_sim::{Stall, WorldOptions, millis, secs};

use crate::common::on_both_wires;

/// Runs a seed as it was when it failed, without hostile hosts and lasting faults.
fn settles(seed: u64) {
    let setup = Setup::default().hostile(Hostility::Never).lasting(LastingFaults::Never);
    let _ = swarm::run_on(setup, seed);
}

/// A departed node informs every node that pings it.
///
/// A node left, kept running, and was forgotten by all but one that had been cut off. A newcomer
/// joined through that one, and learned of the departed node as alive. Its pings were answered: the
/// departed node sent its leave message only to members that it knew, and it knew no newcomer. The
/// newcomer saw it as alive for minutes, until a push/pull with just that node; the other members
/// had forgotten it. (In seed 6005 the same took 92% of the bound.) A leave message is no longer
/// than a ping, so now every ping is answered with it.
#[test]
fn seed_9059_who_left_says_so_to_whoever_asks() {
    let mut missed = 0;
    for seed in 0..20 {
        let mut world = WorldOptions::new(seed).socket_buffer(0).build();
        world.form(12);
        world.stall("n2", Stall::Replay);
        world.leave("n1");
        world.run(secs(90));
        world.resume("n2");
        world.start("newcomer");
        world.join("newcomer", "n2");
        world.run(millis(20));
        // It would soon hear of the leave, and pass it on.
        world.crash("n2");
        if world.state("newcomer", "n1") != Some(State::Alive) {
            // It asked n1 before the newcomer came.
            continue;
        }
        missed += 1;
        // Every member comes up twice in two rounds of the probe ring.
        world.run(secs(26));
        if world.state("newcomer", "n1") == Some(State::Alive) {
            world.fail("n1 left, answers the newcomer, and says nothing of it", Some("n1"));
        }
    }
    assert!(missed >= 10, "in {missed} of 20 runs the newcomer is told that n1 is alive");
}

#[test]
fn seed_9059_settles() {
    settles(9059);
}

/// Failed members are looked for at once.
///
/// Loss and one-way cuts made three nodes declare each other failed. Then the faults ended, but no
/// node had news to gossip. Only lost members were looked for, `gossip_to_the_dead` after their
/// failure. Until then each node was alone, for 47 s, and the bound is 37 s. Now nodes look for a
/// failed member in every period from the beginning.
#[test]
fn seed_32783_nodes_that_declared_each_other_failed_look_for_each_other_at_once() {
    for seed in 0..10 {
        let mut world = WorldOptions::new(seed)
            .configure(|_, config| config.gossip_to_the_dead = secs(600))
            .build();
        world.form(3);
        for name in ["n0", "n1", "n2"] {
            world.isolate(name);
        }
        world.run(secs(120));
        world.expect_failed("n0");
        world.heal();
        // A period of a node at its worst health, and the time for news to spread.
        world.settle(secs(8 + 2));
    }
}

#[test]
fn seed_32783_settles() {
    settles(32783);
}

/// A late verdict does not replace a failure in the queue.
///
/// A probe of a stretched period ended after peers had declared its target failed. The verdict
/// replaced the failure in the queue, as a repeated suspicion. If the target was no longer listed
/// by then, and was forgotten because too many were lost, the queue still named its slot: a panic,
/// or an update about the slot's next member.
#[test]
fn seed_8533_a_verdict_that_comes_late_says_nothing_about_the_failed() {
    settles(8533);
}

/// The same, with the target forgotten by command.
#[test]
fn seed_9355_a_verdict_that_comes_late_says_nothing_about_the_forgotten() {
    settles(9355);
}

/// A leave without a live peer ends at once.
///
/// A node was leaving when the last member that could hear it was no longer listed. The leave
/// message counted as sent, and had no peers to spread to. So the leave was due at once, after
/// `handle_timeout` had done its work.
#[test]
fn seed_774_a_leave_ends_at_once_when_nobody_is_left_to_hear_it() {
    let options = WorldOptions::new(1).configure(|_, config| {
        config.gossip_interval = millis(500);
        config.retransmit_mult = 8;
        config.gossip_to_the_dead = config.probe_interval;
    });
    let mut world = options.build();
    world.start("n0");
    // A made-up member: it never answers, so nothing is gossiped to it.
    let nowhere = SocketAddr::from(([10, 9, 9, 9], 7946));
    let (name, incarnation) = ("ghost", Incarnation(1));
    let alive = Claim::Alive { address: nowhere, meta: b"", versions: Versions::DEFAULT };
    let tell = |world: &mut swim_sim::World, claim: Claim<'_>| {
        world.forge(nowhere, "n0", &Message::Update(Update { name, incarnation, claim }));
        world.run(millis(10));
    };
    tell(&mut world, alive);
    tell(&mut world, Claim::Suspect { accuser: "ghost" });
    world.run(world.node("n0").config().last_call_time());
    world.leave("n0");
    tell(&mut world, Claim::Failed { accuser: "ghost" });
    assert_eq!(world.node("n0").status(), Status::Leaving);
    // A world fails if a node spins.
    world.run(world.node("n0").config().gossip_to_the_dead);
    assert_eq!(world.node("n0").status(), Status::Left);
}

/// Seeds in which hostile hosts caused these failures:
///
/// - `s90_a_member_that_was_announced_elsewhere_far_above_is_back_at_home` (the first five),
/// - `a_node_that_restarted_after_days_and_left_unheard_is_seen_as_left`,
/// - the test above,
/// - `s89_a_member_that_pings_all_the_time_is_told_what_it_has_to_outrank` (2275).
#[test]
fn seeds_that_failed_under_hostile_hosts_settle() {
    for seed in [21, 63, 77, 85, 95, 219, 774, 2275] {
        let _ = swarm::run_on(Setup::from(Wires::Both).lasting(LastingFaults::Never), seed);
    }
}

/// Seeds that took longer than the swarm waited.
///
/// News that gossip missed on memberlist's wire waited for push/pull (5451, 23849). So did the
/// names of twins, in nodes that listed the dead one (20449), and a node that had forgotten all but
/// made-up members waited for a join (2582).
#[test]
fn seeds_that_settle_late_on_memberlists_wire_settle() {
    for seed in [2582, 5451, 20449, 23849] {
        let _ = swarm::run_on(Setup::from(Wires::Both).lasting(LastingFaults::Never), seed);
    }
}

/// A move is believed only after the known address was asked.
///
/// A forged move of one member led to the address of another. Nodes asked for the first there again
/// and again, without an answer. Meanwhile no other ping went to that address. So a forged move of
/// the member that has it was believed, without one question to it.
#[test]
fn seed_620_no_move_is_believed_before_the_known_address_was_asked() {
    on_both_wires(0..5, |options| {
        let mut world = options.build();
        world.form(4);
        let home = world.address("n1");
        let elsewhere = "198.18.0.9:7946".parse().expect("an address");
        for (name, address) in [("n2", home), ("n1", elsewhere)] {
            let incarnation = Incarnation(world.node(name).local().incarnation.0 + 1);
            let versions = world.node(name).local().versions;
            let claim = Claim::Alive { address, meta: b"", versions };
            let update = Update { name, incarnation, claim };
            world.forge(world.address("n3"), "n0", &Message::Update(update));
            world.run(millis(50));
        }
        for _ in 0..400 {
            world.run(millis(100));
            let believed = world.node("n0").member("n1").map(|it| it.address);
            if believed != Some(home) {
                world.fail(&format!("n1 is believed to be at {believed:?}"), Some("n1"));
            }
        }
    });
}

#[test]
fn seed_620_settles() {
    let _ = swarm::run_on(Setup::from(Wires::Both).lasting(LastingFaults::Never), 620);
}
