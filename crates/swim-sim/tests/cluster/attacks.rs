//! What attackers do, for tests that show that a rule holds and that without it the attack
//! succeeds. Each answers whether the cluster came through.

use core::net::SocketAddr;

use swim_core::wire::{Ack, Claim, Message, Update, Wire};
use swim_core::{Config, Incarnation, State, Versions};
use swim_sim::{Options, World, bounds, millis, secs};

/// How the nodes of an attacked cluster are set up.
pub(crate) type Configure = fn(&mut Config);

fn world(wire: Wire, seed: u64, configure: Configure) -> World {
    Options::new(seed)
        .configure(move |_, config| {
            if wire == Wire::Memberlist {
                *config = config.clone().memberlist();
            }
            configure(config);
        })
        .build()
}

/// S88: a member is killed, and somebody who sees no packet sends 1,000 guessed acks a second in
/// its name, from its address and from another one. Whether the failure is found in time.
pub(crate) fn guessed_acks(wire: Wire, from_home: bool, configure: Configure) -> bool {
    let mut world = world(wire, 88, configure);
    world.form(5);
    world.crash("n3");
    let home = world.address("n3");
    let from = if from_home { home } else { SocketAddr::from(([10, 9, 9, 9], 9)) };
    let bound = bounds::detection(world.node("n0").config(), 5);
    let rounds = bound.as_millis();
    for round in 0..rounds {
        let sequence = u32::try_from(round % 128).expect("below 128");
        let ack = Message::Ack(Ack { sequence, payload: &[], view: 0 });
        for to in ["n0", "n1", "n2", "n4"] {
            world.forge(from, to, &ack);
        }
        world.run(millis(1));
        if world.agreed("n3", State::Failed) {
            return true;
        }
    }
    false
}

/// S85: somebody announces all members at the address of a third party, again and again. How many
/// datagrams reach the third party for each that the attacker sends.
pub(crate) fn forged_moves(wire: Wire, configure: Configure) -> f64 {
    const MEMBERS: u32 = 10;
    const ROUNDS: u32 = 400;
    let mut world = world(wire, 85, configure);
    world.form(10);
    let third = SocketAddr::from(([10, 9, 9, 9], 7946));
    let before = world.traffic().packets_to_nobody;
    for round in 0..ROUNDS {
        let member = format!("n{}", round % MEMBERS);
        let known = world.node("n0").member(&member).map_or(1, |member| member.incarnation.0);
        forge_alive(&mut world, wire, (&member, third, known + 1 + round), round + 1);
        world.run(millis(50));
    }
    f64::from(u32::try_from(world.traffic().packets_to_nobody - before).expect("few packets"))
        / f64::from(ROUNDS)
}

fn forge_alive(
    world: &mut World,
    wire: Wire,
    (name, address, incarnation): (&str, SocketAddr, u32),
    to: u32,
) {
    let versions = match wire {
        Wire::Swim => Versions::DEFAULT,
        Wire::Memberlist => Versions::MEMBERLIST,
    };
    let claim = Claim::Alive { address, meta: b"", versions };
    let update = Update { name, incarnation: Incarnation(incarnation), claim };
    let stranger = SocketAddr::from(([10, 8, 8, 8], 8));
    world.forge(stranger, &format!("n{}", to % 10), &Message::Update(update));
}

/// S89: everybody is told that a member is suspect just below the highest incarnation. Whether
/// nobody follows, and it can still change its metadata and leave as left in the view of all.
pub(crate) fn exhausting_suspicion(wire: Wire, configure: Configure) -> bool {
    let mut world = world(wire, 89, configure);
    world.form(5);
    // What is said of an earlier life is followed only at first.
    world.run(secs(61));
    let before = world.node("n2").local().incarnation;
    let stranger = SocketAddr::from(([10, 8, 8, 8], 8));
    for _ in 0..3 {
        for to in ["n0", "n1", "n2", "n3", "n4"] {
            let claim = Claim::Suspect { accuser: "n4" };
            let update = Update { name: "n2", incarnation: Incarnation(u32::MAX - 1), claim };
            world.forge(stranger, to, &Message::Update(update));
        }
        world.run(secs(2));
    }
    let after = world.node("n2").local().incarnation;
    let is_low = after.0 - before.0 < 100;
    world.set_meta("n2", "changed");
    world.run(secs(10));
    let seen = ["n0", "n1", "n3", "n4"].iter().all(|observer| {
        world.node(observer).member("n2").is_some_and(|member| member.meta == b"changed")
    });
    world.leave("n2");
    world.run(secs(20));
    is_low && seen && world.agreed("n2", State::Left)
}
