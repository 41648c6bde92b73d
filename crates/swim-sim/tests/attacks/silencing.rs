//! Attacks that silence members: forged broadcasts, and old news that asks for answers.

use core::net::SocketAddr;

use swim_core::wire::{Broadcast, Claim, Message, Update};
use swim_core::{Event, Incarnation, State};
use swim_sim::{World, bounds, millis, secs};

use crate::{Rule, datagram, options, outside};

fn say(world: &mut World, name: &str, text: &str) {
    world.request(name, |node, now| node.broadcast(now, text.as_bytes())).unwrap();
}

/// The number of nodes that received this broadcast.
fn heard_by(world: &World, text: &str) -> usize {
    let heard = |name: &&str| {
        world.events(name).iter().any(|record| {
            matches!(&record.event, Event::Broadcast { payload, .. } if payload == text.as_bytes())
        })
    };
    world.running().filter(heard).count()
}

/// How many of 7 nodes hear a member whose highest broadcast was forged.
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
        known: Incarnation(0),
    };
    world.forge(outside(1), "n0", &Message::Broadcast(forged));
    world.run(bounds::spread(world.node("n0").config(), 8));
    assert_eq!(heard_by(&world, "made up"), 7, "but for the one in whose name it was");
    say(&mut world, "n1", "after");
    world.run(secs(5));
    heard_by(&world, "after")
}

/// How many of 7 nodes hear a new member, and one with made-up lives, after all nodes were sent
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
                    known: Incarnation(0),
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
    // Wait first, as broadcasts to be passed on leave no room for a node's own.
    let is_dry =
        |world: &World| ["n1", "n2"].iter().all(|n| world.node(n).stats().broadcasts_queued == 0);
    assert!(world.run_until(secs(25), is_dry));
    say(&mut world, "n1", "after 1");
    say(&mut world, "n2", "after 2");
    world.run(secs(5));
    [heard_by(&world, "after 1"), heard_by(&world, "after 2")]
}

/// How many of 40 accusations by an honest member are answered under an attack.
///
/// The accused is sent 50 packets of old news a second, each about members at unused addresses.
fn refuted_under_old_news(rule: Rule) -> usize {
    let (options, overheard) = options(92, rule, |_| {});
    let mut world = options.build();
    world.form(3);
    world.run(secs(20));
    let (config, honest) = (world.node("n0").config().clone(), world.address("n1"));
    let own = world.node("n0").local().incarnation;
    let old = Update {
        name: "n0",
        incarnation: Incarnation(own.0 - 1),
        claim: Claim::Suspect { accuser: "n1" },
    };
    let mut refuted = 0;
    for round in 0..40 {
        overheard.take();
        for part in 0..25 {
            let news: Vec<Message<'_>> = (0..3)
                .map(|number| {
                    let address = SocketAddr::from(([9, round, part, number], 9));
                    let claim = Claim::Alive { address, meta: b"", versions: config.versions };
                    Message::Update(Update { name: "n2", incarnation: Incarnation(0), claim })
                })
                .collect();
            world.inject(outside(1), "n0", datagram(&config, &news));
            if part == 12 {
                world.forge(honest, "n0", &Message::Update(old));
            }
            world.run(millis(20));
        }
        let is_refutation = |message: &Message<'_>| match message {
            Message::Update(update) => update.name == "n0" && update.state() == State::Alive,
            _ => false,
        };
        let sent = overheard.take();
        refuted += usize::from(sent.iter().any(|it| it.to == honest && it.has(is_refutation)));
    }
    refuted
}

#[test]
fn s92_old_news_takes_no_refutation_from_an_honest_accuser() {
    assert_eq!(refuted_under_old_news(Rule::Kept), 40);
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
    fn s92_telling_all_alike_leaves_accusers_without_an_answer() {
        let refuted = refuted_under_old_news(Rule::Broken(Sabotage::TellsAllAlike));
        assert!(refuted < 20, "{refuted} of 40");
    }

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
