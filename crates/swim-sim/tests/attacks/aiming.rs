//! Attacks that make nodes send a third party more than the attacker sends.

use core::net::SocketAddr;

use bytes::Bytes;
use swim_core::wire::{Claim, Message, Ping, Update};
use swim_core::{Config, Incarnation, Wire};
use swim_sim::{World, millis, secs};

use crate::{Overheard, Rule, datagram, options, outside};

const WIRES: [Wire; 2] = [Wire::Swim, Wire::Memberlist];

/// A cluster of three nodes that know each other, and whose acks carry 200 bytes.
fn cluster(wire: Wire, rule: Rule) -> (World, Overheard) {
    let (options, overheard) = options(91, rule, move |config: &mut Config| {
        if wire == Wire::Memberlist {
            *config = config.clone().memberlist();
        }
    });
    let mut world = options.build();
    world.form(3);
    for number in 0..3 {
        let (name, payload) = (format!("n{number}"), Bytes::from(vec![1; 200]));
        world.command(&name, |node, now| node.set_ack_payload(now, payload)).unwrap();
    }
    world.run(secs(20));
    overheard.take();
    (world, overheard)
}

/// The bytes sent to the third party for each byte that the attacker spent.
fn per_byte(overheard: &Overheard, third: SocketAddr, spent: usize) -> f64 {
    let sent = overheard.take();
    let drawn: usize = sent.iter().filter(|sent| sent.to == third).map(|sent| sent.len()).sum();
    let float = |bytes: usize| f64::from(u32::try_from(bytes).unwrap());
    float(drawn) / float(spent)
}

/// Pings in the name of a third party, which is no member, or with it as the address for the
/// answer.
fn drawn_by_pings(wire: Wire, reply_to: bool, rule: Rule) -> f64 {
    let (mut world, overheard) = cluster(wire, rule);
    let (config, third, mut spent) = (world.node("n0").config().clone(), outside(77), 0);
    for sequence in 0..200 {
        let (source, reply_to) = ("m", reply_to.then_some(third));
        let ping = Message::Ping(Ping { sequence, target: "n0", source, reply_to });
        let packet = datagram(&config, &[ping]);
        spent += packet.len();
        let from = if reply_to.is_some() { outside(66) } else { third };
        world.inject(from, "n0", packet);
        world.run(millis(10));
    }
    per_byte(&overheard, third, spent)
}

/// Made-up members at the address of a third party, and a ping in the name of each.
fn drawn_by_made_up_members(wire: Wire, rule: Rule) -> f64 {
    let (mut world, overheard) = cluster(wire, rule);
    let (config, third, mut spent) = (world.node("n0").config().clone(), outside(77), 0);
    for sequence in 0..160 {
        let name = format!("x{sequence}");
        let claim = Claim::Alive { address: third, meta: b"", versions: config.versions };
        let alive = Message::Update(Update { name: &name, incarnation: Incarnation(1), claim });
        for victim in ["n0", "n1", "n2"] {
            let ping = Ping { sequence, target: victim, source: &name, reply_to: None };
            for (from, message) in [(outside(66), alive), (third, Message::Ping(ping))] {
                let packet = datagram(&config, &[message]);
                spent += packet.len();
                world.inject(from, victim, packet);
            }
        }
        world.run(millis(50));
    }
    per_byte(&overheard, third, spent)
}

#[test]
fn s91_spoofed_pings_draw_no_more_bytes_to_a_third_party_than_they_have() {
    for wire in WIRES {
        for reply_to in [false, true] {
            let drawn = drawn_by_pings(wire, reply_to, Rule::Kept);
            assert!(drawn <= 1.0, "{wire:?}, reply_to {reply_to}: {drawn} times as many");
        }
    }
}

#[test]
fn s91_made_up_members_draw_no_more_bytes_to_a_third_party_than_they_take() {
    for wire in WIRES {
        let drawn = drawn_by_made_up_members(wire, Rule::Kept);
        assert!(drawn <= 1.0, "{wire:?}: {drawn} times as many");
    }
}

#[cfg(feature = "sabotage")]
mod without {
    use swim_core::Sabotage;

    use super::*;

    #[test]
    fn s91_answers_of_any_length_multiply_spoofed_pings() {
        for wire in WIRES {
            let drawn = drawn_by_pings(wire, false, Rule::Broken(Sabotage::AnswersAtLength));
            assert!(drawn > 2.0, "{wire:?}: {drawn} times as many");
        }
    }

    #[test]
    fn s91_gossip_to_strangers_multiplies_made_up_members() {
        for wire in WIRES {
            let rule = Rule::Broken(Sabotage::GossipsToStrangers);
            let drawn = drawn_by_made_up_members(wire, rule);
            assert!(drawn > 1.0, "{wire:?}: {drawn} times as many");
        }
    }
}
