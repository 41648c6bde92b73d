//! Made-up broadcasts that are to keep those of others from being heard.

use swim_core::Event;
use swim_core::wire::{Broadcast, Message};
use swim_sim::{World, bounds, millis, secs};

use crate::{Rule, datagram, options, outside};

fn say(world: &mut World, name: &str, text: &str) {
    world.request(name, |node, now| node.broadcast(now, text.as_bytes())).unwrap();
}

/// How many nodes received this broadcast.
fn heard_by(world: &World, text: &str) -> usize {
    let heard = |name: &&str| {
        world.events(name).iter().any(|record| {
            matches!(&record.event, Event::Broadcast { payload, .. } if payload == text.as_bytes())
        })
    };
    world.running().filter(heard).count()
}

/// Of 7 nodes, how many hear a member of which somebody forged the highest broadcast.
fn heard_after_the_highest(rule: Rule) -> usize {
    let (options, overheard) = options(1, rule, |_| {});
    let mut world = options.build();
    world.form(8);
    overheard.take();
    say(&mut world, "n1", "before");
    world.run(secs(3));
    let mut life = 0;
    for sent in overheard.take() {
        sent.has(|message| match message {
            Message::Broadcast(broadcast) => {
                life = broadcast.life;
                true
            }
            _ => false,
        });
    }
    let forged = Broadcast {
        origin: "n1",
        life,
        sequence: u32::MAX,
        key: b"",
        payload: b"made up",
        known: swim_core::Incarnation(0),
    };
    world.forge(outside(1), "n0", &Message::Broadcast(forged));
    world.run(bounds::spread(world.node("n0").config(), 8));
    assert_eq!(heard_by(&world, "made up"), 7, "but for the one in whose name it was");
    say(&mut world, "n1", "after");
    world.run(secs(5));
    heard_by(&world, "after")
}

/// Of 7 nodes, how many hear a new member and one with made-up lives, after everybody was sent
/// 4,096 lives of each of two kinds.
fn heard_after_many_lives(rule: Rule) -> [usize; 2] {
    let (options, _) = options(2, rule, |_| {});
    let mut world = options.build();
    world.form(8);
    let config = world.node("n0").config().clone();
    for first in (0..4096).step_by(16) {
        let names: Vec<String> =
            (first..first + 16).map(|number| format!("stranger {number}")).collect();
        let mut messages = Vec::new();
        for (life, name) in (first..).zip(&names) {
            for origin in [name.as_str(), "n2"] {
                let made_up = Broadcast {
                    origin,
                    life,
                    sequence: 0,
                    key: b"",
                    payload: b"",
                    known: swim_core::Incarnation(0),
                };
                messages.push(Message::Broadcast(made_up));
            }
        }
        let packet = datagram(&config, &messages);
        for number in 0..8 {
            world.inject(outside(1), &format!("n{number}"), packet.clone());
        }
        world.run(millis(5));
    }
    // What waits to be passed on leaves no room for what a node says itself.
    let is_dry =
        |world: &World| ["n1", "n2"].iter().all(|n| world.node(n).stats().broadcasts_queued == 0);
    assert!(world.run_until(secs(25), is_dry));
    say(&mut world, "n1", "after 1");
    say(&mut world, "n2", "after 2");
    world.run(secs(5));
    [heard_by(&world, "after 1"), heard_by(&world, "after 2")]
}

#[test]
fn s87_a_forged_broadcast_with_the_highest_sequence_silences_nobody_for_long() {
    assert_eq!(heard_after_the_highest(Rule::Kept), 7);
}

#[test]
fn s87_four_thousand_made_up_lives_silence_nobody() {
    assert_eq!(heard_after_many_lives(Rule::Kept), [7, 7]);
}

#[cfg(feature = "sabotage")]
mod without {
    use swim_core::Sabotage;

    use super::*;

    #[test]
    fn s87_a_member_that_keeps_its_life_is_silenced() {
        assert_eq!(heard_after_the_highest(Rule::Broken(Sabotage::KeepsItsLife)), 0);
    }

    #[test]
    fn s87_made_up_lives_with_the_room_of_members_silence_all() {
        let rule = Rule::Broken(Sabotage::TreatsOriginsAlike);
        assert_eq!(heard_after_many_lives(rule), [0, 0]);
    }
}
