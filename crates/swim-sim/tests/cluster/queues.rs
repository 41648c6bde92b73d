//! Limits of queues: none grows beyond its limit, and a full one does no harm.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use core::cell::Cell;
use core::net::SocketAddr;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Claim, Message, Scope, Update};
use swim_core::{
    Answer, CommandError, Config, Event, Incarnation, Instant, MemberRef, Node, Output, State,
    StreamInput, Versions,
};
use swim_sim::{WorldOptions, millis, secs};

const UPDATES_MAX: usize = 16;
const BROADCASTS_MAX: usize = 4;
const MEMBERS_MAX: usize = 14;
const REQUESTS_MAX: usize = 6;

fn tighten(config: &mut Config) {
    config.update_queue_max = UPDATES_MAX;
    config.broadcast_queue_max = BROADCASTS_MAX;
    config.members_max = MEMBERS_MAX;
    config.requests_max = REQUESTS_MAX;
    config.relays_max = 2;
    config.lost_members_max = 4;
    config.broadcast_origins_max = 8;
}

fn within_limits(node: &Node) {
    let stats = node.stats();
    assert!(stats.updates_queued <= UPDATES_MAX, "{} updates wait", stats.updates_queued);
    assert!(stats.broadcasts_queued <= BROADCASTS_MAX, "{} broadcasts", stats.broadcasts_queued);
    let members = node.members().count();
    assert!(members <= MEMBERS_MAX, "{members} members");
}

/// A datagram with these messages.
fn datagram(messages: &[Message<'_>]) -> Bytes {
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    for message in messages {
        message.encode(&mut packet);
    }
    packet.freeze()
}

fn alive_at<'a>(name: &'a str, address: SocketAddr) -> Message<'a> {
    let claim = Claim::Alive { address, meta: &[], versions: Versions::DEFAULT };
    Message::Update(Update { name, incarnation: Incarnation(1), claim })
}

#[test]
fn s18_no_queue_is_ever_longer_than_its_limit() {
    for seed in 0..5 {
        let full = Rc::new(Cell::new(0));
        let counter = Rc::clone(&full);
        let mut world = WorldOptions::new(seed)
            .configure(|_, config| tighten(config))
            // Checked after every turn of any node.
            .watch(move |node| {
                within_limits(node);
                let is_full = node.stats().updates_queued == UPDATES_MAX;
                counter.set(counter.get() + usize::from(is_full));
            })
            .build();
        world.form(12);
        let mut refused = 0;
        for round in 0..40_u16 {
            let name = format!("n{}", round % 12);
            if world.running().any(|running| running == name) {
                for number in 0..8_u8 {
                    let said = world.request(&name, |node, now| node.broadcast(now, &[number; 90]));
                    refused += usize::from(matches!(said, Err(CommandError::Busy { .. })));
                    let meta = Bytes::from(vec![number; 20]);
                    let _ = world.request(&name, |node, now| node.set_meta(now, meta));
                }
            }
            // Strangers, and accusations of strangers. Of those from one host, few are passed on.
            for number in 0..30 {
                let from = world.address(&format!("n{}", 1 + number % 4));
                let name = format!("stranger-{round}-{number}");
                let address = SocketAddr::from(([192, 0, 2, 1], 1000 + round * 30 + number));
                let accused = Update {
                    name: &format!("nobody-{round}-{number}"),
                    incarnation: Incarnation(9),
                    claim: Claim::Failed { accuser: "n1" },
                };
                let messages = [alive_at(&name, address), Message::Update(accused)];
                world.inject(from, "n0", datagram(&messages));
            }
            match round {
                10..=12 => world.crash(&format!("n{}", round - 5)),
                20 => world.restart("n5"),
                _ => {}
            }
            world.run(millis(300));
        }
        assert!(refused > 50, "the queue of broadcasts was full: {refused}");
        assert!(full.get() > 50, "so was that of updates: {full:?}");
    }
}

#[test]
fn the_bytes_of_waiting_broadcasts_are_counted_as_they_are_sent() {
    let max = 1400;
    let mut world = WorldOptions::new(1)
        .configure(move |_, config| {
            config.packet_size_max = max;
            config.broadcast_queue_bytes_max = max;
        })
        .build();
    world.form(2);
    world.request("n0", |node, now| node.broadcast(now, &[1; 695])).expect("there is room");
    // Two payloads would fit, but not with their headers.
    let second = world.request("n0", |node, now| node.broadcast(now, &[2; 695]));
    assert!(matches!(second, Err(CommandError::Busy { .. })), "{second:?}");
    world.request("n0", |node, now| node.broadcast(now, &[2; 640])).expect("there is room");
}

/// Our form of "alive and refutation are handled before suspect and dead when the inbound queue is
/// full".
///
/// That is about a queue between a socket and the protocol, which memberlist sorts. Here there is
/// no such queue: a packet is handled when it is read, in the order of arrival. Only the socket can
/// be full, and it drops the newest datagrams: just the refutations that came after the
/// accusations. So the test checks the purpose of the rule: no healthy member is declared failed.
#[test]
fn s19_a_socket_that_was_full_of_accusations_fails_nobody() {
    let (mut overflowed, mut accused) = (0, 0);
    for seed in 0..30 {
        let mut world = WorldOptions::new(seed).socket_buffer(6).build();
        world.form(8);
        // n3 is away for a moment and suspected for it. n2 stops when that news spreads.
        world.pause("n3");
        let suspected = |world: &swim_sim::World| {
            [0, 1, 4, 5, 6, 7]
                .iter()
                .any(|number| world.state(&format!("n{number}"), "n3") == Some(State::Suspect))
        };
        let heard = world.run_until(secs(3), suspected);
        world.pause("n2");
        world.run(millis(500));
        world.resume("n3");
        world.run(secs(20));
        overflowed += world.traffic().packets_overflowed;
        let resumed = world.now();
        world.resume("n2");
        accused += usize::from(heard && world.events("n2").iter().any(|record| {
            record.at >= resumed
                && matches!(&record.event, Event::Suspected { member, .. } if member.name == "n3")
        }));
        world.settle(secs(30));
        world.run(secs(30));
        // n2 was silent for 20 s, so its failure is right.
        for number in (0..8).filter(|number| *number != 2) {
            world.expect_never_failed(&format!("n{number}"));
        }
        world.expect_converged();
    }
    assert!(overflowed > 100, "the socket was full: {overflowed}");
    assert!(accused > 5, "old accusations waited in it: {accused}");
}

/// A node on its own, without a world, and its output.
struct Lone {
    node: Node,
    now: Instant,
}

impl Lone {
    /// A node that knows `count` members, and has just heard from them.
    fn with_members(count: u16) -> Lone {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        let now = Instant::ORIGIN;
        let mut lone = Lone { node: Node::new(config, [7; 32], now).unwrap(), now };
        for number in 0..count {
            let [high, low] = number.to_be_bytes();
            let address = SocketAddr::from(([10, 1, high, low], 7946));
            let packet = datagram(&[alive_at(&format!("m{number}"), address)]);
            lone.node.handle_packet(now, "10.1.0.0:7946".parse().unwrap(), &packet);
        }
        (0..count).for_each(|number| lone.hear_from(number));
        lone.outputs();
        lone
    }

    /// Lets a member do a push/pull with the node, which thereby hears from it.
    fn hear_from(&mut self, number: u16) {
        let ([high, low], name) = (number.to_be_bytes(), format!("m{number}"));
        let member = MemberRef {
            name: &name,
            address: SocketAddr::from(([10, 1, high, low], 7946)),
            state: State::Alive,
            incarnation: Incarnation(1),
            meta: b"",
            versions: Versions::DEFAULT,
        };
        let mut half = BytesMut::new();
        wire::begin_packet(b"", &mut half);
        wire::encode_push_pull(Scope::Partial, 0, [member].into_iter(), b"", &mut half);
        let stream = self.node.handle_accept(self.now, member.address).unwrap();
        self.node.handle_stream(self.now, stream, StreamInput::Data(&half));
        self.node.handle_stream(self.now, stream, StreamInput::Finished);
    }

    fn outputs(&mut self) -> Vec<Output> {
        core::iter::from_fn(|| self.node.poll_output()).collect()
    }

    /// The packets that go out at the next deadline.
    fn next_packets(&mut self) -> Vec<Bytes> {
        self.now = self.node.poll_timeout().expect("there is always a probe").max(self.now);
        self.node.handle_timeout(self.now);
        let packet = |output| match output {
            Output::Packet { payload, .. } => Some(payload),
            _ => None,
        };
        self.outputs().into_iter().filter_map(packet).collect()
    }
}

/// The bytes of broadcasts and of updates in a packet.
fn shares(packet: &[u8]) -> (usize, usize) {
    let (mut broadcasts, mut updates) = (0, 0);
    for message in wire::open_packet(packet, b"").unwrap() {
        match message.unwrap() {
            message @ Message::Broadcast(_) => broadcasts += message.encoded_len(),
            message @ Message::Update(_) => updates += message.encoded_len(),
            _ => {}
        }
    }
    (broadcasts, updates)
}

#[test]
fn broadcasts_get_a_quarter_of_the_packets_while_a_thousand_updates_wait() {
    for size in [20, 100, 300, 700, 1200] {
        let mut lone = Lone::with_members(1000);
        let (mut broadcasts, mut updates, mut packets) = (0, 0, 0);
        while lone.node.stats().updates_queued >= 900 {
            while lone.node.stats().broadcasts_queued < 100 {
                lone.node.broadcast(lone.now, &vec![5; size]).unwrap();
            }
            for packet in lone.next_packets() {
                let (of_broadcasts, of_updates) = shares(&packet);
                broadcasts += of_broadcasts;
                updates += of_updates;
                packets += 1;
            }
        }
        let share = broadcasts * 1000 / (broadcasts + updates);
        println!("{size} bytes each: {share} thousandths of {packets} packets");
        assert!(packets > 100);
        assert!((240..=275).contains(&share), "{size} bytes each: {share} thousandths");
    }
}

#[test]
fn a_broadcast_as_large_as_a_packet_goes_out_while_a_thousand_updates_wait() {
    let mut lone = Lone::with_members(1000);
    let max = lone.node.broadcast_size_max();
    lone.node.broadcast(lone.now, &vec![5; max]).unwrap();
    let mut packets = 0;
    while !lone.next_packets().iter().any(|packet| shares(packet).0 >= max) {
        packets += 1;
        assert!(packets < 10, "it is not sent");
    }
}

#[test]
fn broadcasts_fill_the_packets_when_nothing_else_waits() {
    let mut lone = Lone::with_members(20);
    while lone.node.stats().updates_queued > 0 {
        lone.next_packets();
    }
    for _ in 0..500 {
        lone.node.broadcast(lone.now, &[5; 100]).unwrap();
    }
    let packets: Vec<Bytes> = (0..10).flat_map(|_| lone.next_packets()).collect();
    let full = packets.iter().filter(|packet| packet.len() > 1200).count();
    assert!(full * 10 > packets.len() * 8, "{full} of {} packets are full", packets.len());
}

#[test]
fn a_full_queue_of_requests_is_an_error_and_empties_again() {
    let mut world =
        WorldOptions::new(2).configure(|_, config| config.requests_max = REQUESTS_MAX).build();
    world.form(3);
    let pings: Vec<_> = (0..REQUESTS_MAX)
        .map(|_| world.request("n0", |node, now| node.ping(now, "n1")).expect("within the limit"))
        .collect();
    let more = world.request("n0", |node, now| node.ping(now, "n1"));
    assert_eq!(more, Err(CommandError::Busy { limit: "requests_max" }));
    world.run(secs(1));
    for ping in pings {
        assert!(matches!(world.answer(ping), Some(Ok(Answer::Pong { .. }))));
    }
    world.request("n0", |node, now| node.ping(now, "n1")).expect("there is room again");
}
