//! The steady work of a node allocates no memory: its packets are in a buffer that is reused once
//! the caller has dropped its outputs.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use swim_core::wire::{self, Ack, Claim, Lz4, Message, Ping, Scope, Update};
use swim_core::{Config, Incarnation, Instant, MemberRef, Node, Output, StreamInput, StreamOp};
use swim_core::{State, Versions};
use swim_test_support::counting;

const MEMBERS: usize = 1_000;
const LABEL: &[u8] = b"staging";
/// In the second byte of the header: the packet is compressed.
const COMPRESSED: u8 = 2;

/// How often each operation runs before its allocations are counted, and while they are.
const WARM_UP: usize = 500;
const COUNTED: usize = 10_000;

#[test]
fn a_packet_or_tick_of_a_node_that_has_warmed_up_allocates_nothing() {
    let second = Duration::from_secs(1);
    // Gossip ticks are counted on a node that does not probe meanwhile.
    let hour = Duration::from_secs(3600);
    let operations: [(&str, Duration, Work, Work); 7] = [
        ("a ping is answered", second, ping, Peer::hand_in),
        ("news go with an ack", second, ping_with_news, Peer::hand_in),
        ("known updates come in", second, known_updates, Peer::hand_in),
        ("an ack comes in", second, ack, Peer::hand_in),
        ("a late ack comes in", second, late_ack, Peer::hand_in),
        ("a probe tick", second, probe_tick, Peer::keep_deadline),
        ("a gossip tick", hour, gossip_tick, Peer::keep_deadline),
    ];
    for ((name, probe_interval, prepare, work), compression) in
        operations.into_iter().flat_map(|operation| [(operation, false), (operation, true)])
    {
        let mut peer = Peer::new(probe_interval, compression);
        let mut allocations = 0;
        for round in 0..WARM_UP + COUNTED {
            prepare(&mut peer);
            let before = counting::allocations();
            work(&mut peer);
            if round >= WARM_UP {
                allocations += counting::allocations() - before;
            }
        }
        assert_eq!(allocations, 0, "{name}: in {COUNTED} times, compression {compression}");
        assert_eq!(peer.saw_compressed, compression && peer.incarnation > 1, "{name}");
    }
}

/// Work that is counted, or that prepares it and may allocate.
type Work = fn(&mut Peer);

/// A node that knows `MEMBERS` members, and its next input.
struct Peer {
    node: Node,
    now: Instant,
    datagram: Vec<u8>,
    from: SocketAddr,
    /// The member pinged last, and the sequence number.
    pinged: Option<(SocketAddr, u32)>,
    incarnation: u32,
    /// Compresses input and unpacks output; then whether the node compressed, and the text that it
    /// sent.
    lz4: Option<Lz4>,
    saw_compressed: bool,
    text: Vec<u8>,
    plain: Vec<u8>,
}

impl Peer {
    fn new(probe_interval: Duration, compression: bool) -> Self {
        let mut config = Config::lan("n0".parse().unwrap(), address(0));
        config.probe_interval = probe_interval;
        config.probe_timeout = probe_interval.mul_f64(0.99);
        config.gossip_to_the_dead = probe_interval * 20;
        config.label = LABEL.into();
        config.compression = compression;
        // A push/pull is no steady-state packet.
        config.push_pull_interval = Duration::ZERO;
        let now = Instant::ORIGIN;
        let mut peer = Peer {
            node: Node::new(config, [7; 32], now).unwrap(),
            now,
            datagram: Vec::new(),
            from: address(1),
            pinged: None,
            incarnation: 1,
            lz4: compression.then(Lz4::default),
            saw_compressed: false,
            text: Vec::new(),
            plain: Vec::new(),
        };
        peer.join();
        peer
    }

    /// Learns of all peers in a join, so that no news of them is queued.
    fn join(&mut self) {
        self.node.join(self.now, address(1)).unwrap();
        let open = std::iter::from_fn(|| self.node.poll_output()).find_map(|output| match output {
            Output::Stream { id, op: StreamOp::Open { .. } } => Some(id),
            _ => None,
        });
        let names: Vec<String> = (1..MEMBERS).map(|number| format!("n{number}")).collect();
        let members = (1..).zip(&names).map(|(number, name)| MemberRef {
            name,
            address: address(number),
            state: State::Alive,
            incarnation: Incarnation(1),
            meta: b"",
            versions: Versions::DEFAULT,
        });
        let mut half = BytesMut::new();
        wire::begin_packet(LABEL, &mut half);
        wire::encode_push_pull(Scope::Join, 0, members, b"", &mut half);
        self.node.handle_stream(self.now, open.unwrap(), StreamInput::Data(&half));
        self.take_outputs();
        assert_eq!(self.node.members_live(), MEMBERS);
        (1..MEMBERS).for_each(|number| self.hear_from(number));
        while self.node.stats().updates_queued > 0 {
            self.wait();
            self.keep_deadline();
            if self.pinged.is_some() {
                self.prepare_ack();
                self.hand_in();
            }
        }
    }

    /// Lets a member start a push/pull with the node, so that the node has heard from it.
    fn hear_from(&mut self, number: usize) {
        let name = format!("n{number}");
        let member = MemberRef {
            name: &name,
            address: address(number),
            state: State::Alive,
            incarnation: Incarnation(1),
            meta: b"",
            versions: Versions::DEFAULT,
        };
        let mut half = BytesMut::new();
        wire::begin_packet(LABEL, &mut half);
        wire::encode_push_pull(Scope::Partial, 0, [member].into_iter(), b"", &mut half);
        let stream = self.node.handle_accept(self.now, address(number)).unwrap();
        self.node.handle_stream(self.now, stream, StreamInput::Data(&half));
        self.node.handle_stream(self.now, stream, StreamInput::Finished);
        self.take_outputs();
    }

    fn hand_in(&mut self) {
        self.node.handle_packet(self.now, self.from, &self.datagram);
        self.take_outputs();
    }

    fn keep_deadline(&mut self) {
        self.node.handle_timeout(self.now);
        self.take_outputs();
    }

    /// Drops all outputs, as a caller does once they are sent.
    fn take_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            if let Output::Packet { to, payload, .. } = output
                && let Some(sequence) = self.sequence_of_ping(&payload)
            {
                self.pinged = Some((to, sequence));
            }
        }
        std::hint::black_box(self.node.poll_timeout());
    }

    fn sequence_of_ping(&mut self, datagram: &[u8]) -> Option<u32> {
        let (head, body) = datagram.split_at(wire::header_len(LABEL));
        self.plain.clear();
        self.plain.extend_from_slice(head);
        if head[1] & COMPRESSED == 0 {
            self.plain.extend_from_slice(body);
        } else {
            self.saw_compressed = true;
            self.plain[1] &= !COMPRESSED;
            self.plain.extend_from_slice(wire::unpack_packet(body, &mut self.text).unwrap());
        }
        let messages = wire::open_packet(&self.plain, LABEL).unwrap();
        messages.flatten().find_map(|message| match message {
            Message::Ping(ping) => Some(ping.sequence),
            _ => None,
        })
    }

    fn wait(&mut self) {
        self.now = self.now.max(self.node.poll_timeout().unwrap());
    }

    fn prepare_ack(&mut self) {
        let (to, sequence) = self.pinged.take().expect("a probe tick sends a ping");
        let ack = Ack { sequence, payload: b"", view: 0 };
        self.set_datagram(1, &[Message::Ack(ack)]);
        self.from = to;
    }

    fn set_datagram(&mut self, from: usize, messages: &[Message<'_>]) {
        let mut packet = BytesMut::new();
        wire::begin_packet(LABEL, &mut packet);
        messages.iter().for_each(|message| message.encode(&mut packet));
        if let Some(lz4) = &mut self.lz4 {
            wire::compress_packet(&mut packet, wire::header_len(LABEL), lz4);
        }
        self.datagram = packet.to_vec();
        self.from = address(from);
    }

    /// Hands in new incarnations of 40 members if fewer than that are queued.
    fn queue_news(&mut self) {
        if self.node.stats().updates_queued < 40 {
            self.incarnation += 1;
            self.tell_of(Incarnation(self.incarnation));
            self.hand_in();
        }
    }

    fn tell_of(&mut self, incarnation: Incarnation) {
        let names: Vec<String> = (1..=40).map(|number| format!("n{number}")).collect();
        let updates: Vec<Message<'_>> = (1..)
            .zip(&names)
            .map(|(number, name)| {
                let claim = Claim::Alive {
                    address: address(number),
                    meta: b"",
                    versions: Versions::DEFAULT,
                };
                Message::Update(Update { name, incarnation, claim })
            })
            .collect();
        self.set_datagram(1, &updates);
    }
}

fn address(number: usize) -> SocketAddr {
    let [.., a, b] = number.to_be_bytes();
    SocketAddr::from(([10, 0, a, b], 7946))
}

fn ping(peer: &mut Peer) {
    let ping = Ping { sequence: 7, target: "n0", source: "n1", reply_to: None };
    peer.set_datagram(1, &[Message::Ping(ping)]);
}

fn ping_with_news(peer: &mut Peer) {
    peer.queue_news();
    ping(peer);
}

fn known_updates(peer: &mut Peer) {
    peer.tell_of(Incarnation(1));
}

/// Lets the node probe a member, and prepares the ack.
fn ack(peer: &mut Peer) {
    peer.wait();
    peer.keep_deadline();
    peer.prepare_ack();
}

fn late_ack(peer: &mut Peer) {
    let ack = Ack { sequence: 7, payload: b"", view: 0 };
    peer.set_datagram(1, &[Message::Ack(ack)]);
}

/// Advances to the next probe, after the previous one was answered.
fn probe_tick(peer: &mut Peer) {
    ack(peer);
    peer.hand_in();
    peer.wait();
}

/// Advances to the next gossip tick.
fn gossip_tick(peer: &mut Peer) {
    peer.queue_news();
    peer.wait();
}
