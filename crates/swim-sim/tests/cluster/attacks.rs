//! Attacks, for tests that show that a rule stops them, and that they succeed without it. Most
//! return whether the cluster withstood.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use swim_core::channel::Channel;
use swim_core::wire::{Ack, Claim, Message, Update, Wire};
use swim_core::{Config, Event, Failure, Incarnation, State, Versions};
use swim_sim::{Request, World, WorldOptions, bounds, millis, secs};

/// Sets up the nodes of an attacked cluster.
pub(crate) type Configure = fn(&mut Config);

fn world(wire: Wire, seed: u64, configure: Configure) -> World {
    WorldOptions::new(seed)
        .configure(move |_, config| {
            if wire == Wire::Memberlist {
                *config = config.clone().memberlist();
            }
            configure(config);
        })
        .build()
}

/// S88: a member is killed, and a blind attacker sends 1,000 guessed acks a second in its name,
/// from its address or from another one.
///
/// Returns whether the failure is found in time.
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

/// S85: an attacker announces all members at the address of a third party, again and again.
///
/// Returns how many datagrams reach the third party for each of the attacker's.
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
        let to = format!("n{}", (round + 1) % MEMBERS);
        forge_alive(&mut world, wire, (&member, third, known + 1 + round), &to);
        world.run(millis(50));
    }
    f64::from(u32::try_from(world.traffic().packets_to_nobody - before).expect("few packets"))
        / f64::from(ROUNDS)
}

/// S85: an attacker makes up members, and moves one between the addresses of two third parties at
/// every interval, for a minute.
///
/// Returns how many datagrams reach the third parties.
pub(crate) fn wandering_members(wire: Wire, every: Duration) -> u64 {
    let mut world = world(wire, 85, |_| {});
    world.form(20);
    let thirds = [8, 9].map(|host| SocketAddr::from(([10, 9, 9, host], 7946)));
    let (before, end) = (world.traffic().packets_to_nobody, world.now() + secs(60));
    for round in 0u32.. {
        if world.now() >= end {
            break;
        }
        let (member, to) = (format!("ghost{}", round % 3), format!("n{}", round % 20));
        let third = thirds[round as usize / 3 % 2];
        forge_alive(&mut world, wire, (&member, third, 1 + round), &to);
        world.run(every);
    }
    world.traffic().packets_to_nobody - before
}

/// S89: all nodes hear that a member is suspect just below the highest incarnation.
///
/// Returns whether no node follows. The member must still be able to change its metadata, and to
/// leave in all views.
///
/// `known` is how long the members have known each other: in their first minute they follow claims
/// about an earlier life, if they asked.
pub(crate) fn exhausting_suspicion(wire: Wire, known: Duration, configure: Configure) -> bool {
    let mut world = world(wire, 89, configure);
    world.form(5);
    world.run(known);
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

/// S93: a member is lost, and 20,000 made-up ones leave or fail and are lost after it.
///
/// Returns whether the member is found without a join once it is back.
pub(crate) fn made_up_goodbyes(wire: Wire, configure: Configure) -> bool {
    const MADE_UP: usize = 20_000;
    const BATCH: usize = 10;
    let mut world = world(wire, 93, configure);
    world.form(3);
    // By now, all members have asked each other.
    world.run(secs(10));
    world.crash("n2");
    let is_lost =
        |world: &World| ["n0", "n1"].iter().all(|name| world.node(name).stats().members_lost == 1);
    assert!(world.run_until(secs(120), is_lost), "n2 is lost");
    let third = SocketAddr::from(([10, 9, 9, 9], 7946));
    let config = world.node("n0").config().clone();
    let names: Vec<String> = (0..MADE_UP).map(|number| format!("x{number}")).collect();
    for names in names.chunks(BATCH) {
        let claims = |number: usize| {
            let alive = Claim::Alive { address: third, meta: b"", versions: config.versions };
            let gone = if number.is_multiple_of(2) {
                Claim::Left
            } else {
                Claim::Failed { accuser: "n1" }
            };
            [alive, gone]
        };
        let messages: Vec<Message<'_>> = (0..)
            .zip(names)
            .flat_map(|(number, name)| {
                let update = |claim| Update { name, incarnation: Incarnation(1), claim };
                claims(number).map(|claim| Message::Update(update(claim)))
            })
            .collect();
        for to in ["n0", "n1"] {
            world.inject(third, to, datagram(&config, &messages));
        }
        world.run(millis(1));
    }
    let all_lost = |world: &World| {
        let most = config.lost_members_max;
        ["n0", "n1"].iter().all(|name| world.node(name).stats().members_lost == most)
    };
    assert!(world.run_until(secs(120), all_lost), "the made-up ones are lost");
    world.restart("n2");
    world.run_until(secs(20), |world| world.agreed("n2", State::Alive))
}

/// A datagram written like that of a node with this configuration.
fn datagram(config: &Config, messages: &[Message<'_>]) -> Bytes {
    let mut channel = Channel::new(config, [0; 32]);
    let mut draft = channel.datagram();
    for message in messages {
        assert!(draft.append_if_it_fits(message));
    }
    draft.into_datagram(false).expect("it holds messages")
}

/// S90: an attacker that answers every ping announces a member at its own address, at ever higher
/// incarnations, and nothing else.
///
/// Returns whether all nodes see the member at its home throughout, and the member is informed.
pub(crate) fn announced_name(wire: Wire, configure: Configure) -> bool {
    let mut theft = Theft::new(wire, configure);
    let home = theft.home;
    let mut kept = true;
    for round in 1..=Theft::ALIVES {
        theft.announce(round);
        kept &= theft.sees(home);
    }
    theft.world.run(secs(30));
    let set = theft.set_meta();
    theft.world.run(secs(5));
    let says = theft.says_what_was_set() && matches!(theft.world.answer(set), Some(Ok(_)));
    kept && theft.sees(home) && theft.was_told_and_did_not_race() && says
}

/// S90: the same attacker also takes the name from the member in a contest, as here the newer node
/// keeps it.
///
/// Returns whether the member is back in time once the thief is gone, and then announces metadata
/// set meanwhile.
pub(crate) fn stolen_name(configure: Configure) -> bool {
    let mut theft = Theft::new(Wire::Swim, configure);
    for round in 1..=Theft::ALIVES {
        theft.announce(round);
    }
    theft.world.run(secs(5));
    assert!(theft.sees(theft.stolen), "the name is stolen");
    let well_behaved = theft.was_told_and_did_not_race();
    let set = theft.set_meta();
    let answer = theft.world.answer(set);
    assert_eq!(answer, Some(&Err(Failure::NameTaken)), "it says at once that it waits");
    theft.world.crash("thief");
    let config = theft.world.node("n0").config();
    let bound = bounds::detection(config, 3) + config.probe_interval * 2;
    let home = theft.home;
    let back = theft.world.run_until(bound, |world| Theft::all_see(world, home));
    theft.world.run(secs(5));
    well_behaved && back && theft.says_what_was_set()
}

/// Three members, and a node with the name of one of them that never joined.
struct Theft {
    world: World,
    wire: Wire,
    home: SocketAddr,
    stolen: SocketAddr,
    first: Incarnation,
}

impl Theft {
    const ALIVES: u32 = 60;

    fn new(wire: Wire, configure: Configure) -> Self {
        let mut world = world(wire, 90, configure);
        world.form(3);
        world.run(secs(10));
        let (home, first) = (world.address("n1"), world.node("n1").local().incarnation);
        world.start_with("thief", |config| {
            config.name = "n1".parse().expect("a name");
            config.incarnation = Incarnation(first.0 + 1);
        });
        let stolen = world.address("thief");
        Theft { world, wire, home, stolen, first }
    }

    fn announce(&mut self, round: u32) {
        let claim = ("n1", self.stolen, self.first.0 + 100 * round);
        forge_alive(&mut self.world, self.wire, claim, "n0");
        self.world.run(millis(200));
    }

    fn all_see(world: &World, address: SocketAddr) -> bool {
        ["n0", "n2"].iter().all(|observer| {
            let seen = world.node(observer).member("n1");
            seen.is_some_and(|seen| seen.address == address && seen.state == State::Alive)
        })
    }

    fn sees(&self, address: SocketAddr) -> bool {
        Theft::all_see(&self.world, address)
    }

    fn was_told_and_did_not_race(&self) -> bool {
        let told = self.world.events("n1").iter().any(|record| {
            matches!(record.event, Event::NameTaken { address, .. } if address == self.stolen)
        });
        let risen = self.world.node("n1").local().incarnation.0 - self.first.0;
        told && risen <= Theft::ALIVES / 5 + 2
    }

    fn set_meta(&mut self) -> Request {
        let set = self.world.request("n1", |node, now| node.set_meta(now, "mine".into()));
        set.expect("it keeps its name")
    }

    fn says_what_was_set(&self) -> bool {
        ["n0", "n2"].iter().all(|observer| {
            let seen = self.world.node(observer).member("n1");
            seen.is_some_and(|member| member.meta == b"mine")
        })
    }
}

/// S90: two members hear that a third one is elsewhere, further above its incarnation than
/// accusations are followed. The third is cut off from them, and does not hear of it. They find out
/// that the address is unused.
///
/// Returns whether all see it at its home again, once they can reach each other.
pub(crate) fn far_move(wire: Wire, configure: Configure) -> bool {
    let mut world = world(wire, 21, configure);
    world.form(5);
    // Claims about an earlier life are followed only in the first minute.
    world.run(secs(61));
    let above = world.node("n2").local().incarnation.0 + (1 << 20);
    world.cut(&["n0", "n1"], &["n2", "n3", "n4"]);
    let third = SocketAddr::from(([10, 9, 9, 9], 7946));
    forge_alive(&mut world, wire, ("n2", third, above), "n0");
    let gone = |world: &World| {
        ["n0", "n1"].iter().all(|observer| {
            let seen = world.node(observer).member("n2");
            seen.is_some_and(|seen| seen.address == third && seen.state == State::Failed)
        })
    };
    let config = world.node("n0").config().clone();
    let patience = bounds::suspicion_min(&config, 5) + bounds::detection(&config, 5);
    assert!(world.run_until(patience, gone), "{wire:?}: it is believed to be gone from there");
    world.heal();
    world.run_until(bounds::settling(&config, 5), World::converged)
}

fn forge_alive(
    world: &mut World,
    wire: Wire,
    (name, address, incarnation): (&str, SocketAddr, u32),
    to: &str,
) {
    let versions = match wire {
        Wire::Swim => Versions::DEFAULT,
        Wire::Memberlist => Versions::MEMBERLIST,
    };
    let claim = Claim::Alive { address, meta: b"", versions };
    let update = Update { name, incarnation: Incarnation(incarnation), claim };
    let stranger = SocketAddr::from(([10, 8, 8, 8], 8));
    world.forge(stranger, to, &Message::Update(update));
}
