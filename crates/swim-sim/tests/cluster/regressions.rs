//! What swarms of seeds found. Each test is named after a seed, says what went wrong in it, and
//! shows it without the swarm where that can be done: what a seed means may change with the
//! simulator.

use core::net::SocketAddr;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Incarnation, State, Status, Versions};
use swim_sim::swarm::{self, Hostility, LastingFaults, Setup, Wires};
use swim_sim::{Stall, WorldOptions, millis, secs};

use crate::common::on_both_wires;

/// Runs a seed as it was when it failed: there were no hostile hosts then, nor faults that last.
fn settles(seed: u64) {
    let setup = Setup::default().hostile(Hostility::Never).lasting(LastingFaults::Never);
    let _ = swarm::run_on(setup, seed);
}

/// A node left, went on to run, and was forgotten by all but one that had been cut off. A newcomer
/// joined at that one, and learned of the leaver as alive. It pinged it, and had answers: the
/// leaver told of its goodbye only whom it knew, and knew no newcomer. So the newcomer held it for
/// alive for minutes, until it happened to exchange everything with just that node; the others had
/// nothing to say about somebody whom they had forgotten. (In seed 6005 the same took 92% of the
/// bound.) A goodbye is no longer than the ping that it answers: now whoever asks hears it.
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

/// Loss and one-way cuts had three nodes declare each other failed, all of them; then everything
/// was well again, and nobody had any news to gossip. Only members that were lost were looked for,
/// which is `gossip_to_the_dead` after they failed: until then everybody sat alone, for 47 s where
/// the bound is 37 s. Now one of those that failed is looked for in every period from the
/// beginning.
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
        // A period of the sickest node, and the time for a word to spread.
        world.settle(secs(8 + 2));
    }
}

#[test]
fn seed_32783_settles() {
    settles(32783);
}

/// A probe of a stretched period ended after its target had been declared failed by others. The
/// verdict took the place of the failure in the queue, as a suspicion that is said once more; and
/// where the target was no longer listed by then, and was forgotten because too many were lost, the
/// queue went on to name its slot: a panic, or an update about whoever got that slot.
#[test]
fn seed_8533_a_verdict_that_comes_late_says_nothing_about_the_failed() {
    settles(8533);
}

/// The same, with the target forgotten by command.
#[test]
fn seed_9355_a_verdict_that_comes_late_says_nothing_about_the_forgotten() {
    settles(9355);
}

/// A node was leaving when the last member that could hear its goodbye was no longer listed. The
/// goodbye counted as sent, and had no time to spread among nobody: the leave was due at once,
/// after `handle_timeout` had done what was due.
#[test]
fn seed_774_a_leave_ends_at_once_when_nobody_is_left_to_hear_it() {
    let options = WorldOptions::new(1).configure(|_, config| {
        config.gossip_interval = millis(500);
        config.retransmit_mult = 8;
        config.gossip_to_the_dead = config.probe_interval;
    });
    let mut world = options.build();
    world.start("n0");
    // Somebody made it up: it never answers, so nothing is gossiped to it.
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
    // No world lets a node spin.
    world.run(world.node("n0").config().gossip_to_the_dead);
    assert_eq!(world.node("n0").status(), Status::Left);
}

/// Seeds in which hostile hosts brought about what is shown by
/// `s90_a_member_that_was_announced_elsewhere_far_above_is_back_at_home` (the first five),
/// `a_node_that_restarted_after_days_and_left_unheard_is_seen_as_left`, the test above, and
/// `s89_a_member_that_pings_all_the_time_is_told_what_it_has_to_outrank` (2275).
#[test]
fn seeds_that_failed_under_hostile_hosts_settle() {
    for seed in [21, 63, 77, 85, 95, 219, 774, 2275] {
        let _ = swarm::run_on(Setup::from(Wires::Both).lasting(LastingFaults::Never), seed);
    }
}

/// What gossip missed on memberlist's wire waited for push/pull for longer than the swarm did
/// (5451, 23849), as did the names of twins that had died for those who held the dead one (20449),
/// and a node that had forgotten all but made-up members for somebody to join it (2582).
#[test]
fn seeds_that_settle_late_on_memberlists_wire_settle() {
    for seed in [2582, 5451, 20449, 23849] {
        let _ = swarm::run_on(Setup::from(Wires::Both).lasting(LastingFaults::Never), seed);
    }
}

/// A forged move of one member led to the address of another. It was asked for there again and
/// again, in vain, as nobody there has that name. Meanwhile no other ping went there, so that a
/// forged move of the member that is there was believed, without a single question to it.
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
