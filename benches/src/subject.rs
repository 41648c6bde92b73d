//! A node with many members, and its inputs.

use core::net::SocketAddr;
use core::time::Duration;
use std::hint::black_box;

use bytes::Bytes;
use swim_core::wire::{Ack, Message};
use swim_core::{Config, Incarnation, Instant, Node, Output, StreamId, StreamInput, StreamOp};

use crate::coder::Coder;
use crate::exchange;
use crate::names::{INCARNATION, address, config, name};
use crate::updates::{alive_of, left};

/// A node under measurement.
#[derive(Debug)]
pub struct Subject {
    /// The node.
    pub node: Node,
    /// The coder of its peers.
    pub coder: Coder,
    /// Its time.
    pub now: Instant,
    /// The number of members that it knows, including itself.
    pub members: usize,
    /// The next input datagram, and its source.
    pub datagram: Vec<u8>,
    /// See `datagram`.
    pub from: SocketAddr,
    /// The latest ping of the node that was not answered yet.
    pub ping: Option<(SocketAddr, Bytes)>,
    /// Datagrams to choose from.
    pub pool: Vec<Vec<u8>>,
    /// The members probed in this round, by number.
    probed: Vec<bool>,
    /// The number of members not probed in this round.
    unprobed: usize,
    /// Names of members that have left; see [`Subject::queue_goodbyes`].
    leavers: Vec<String>,
    goodbyes: u32,
    random: u64,
}

impl Subject {
    /// Creates a node that knows no other member.
    ///
    /// # Panics
    ///
    /// If the configuration is invalid.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let now = Instant::ORIGIN + Duration::from_secs(1000);
        let coder = Coder::of(&config);
        Subject {
            coder,
            node: Node::new(config, [7; 32], now).expect("the configuration is valid"),
            now,
            members: 1,
            datagram: Vec::new(),
            from: address(1),
            ping: None,
            pool: Vec::new(),
            probed: Vec::new(),
            unprobed: 0,
            leavers: Vec::new(),
            goodbyes: 0,
            random: 0x9E37_79B9_7F4A_7C15,
        }
    }

    /// Creates a node that learned of `members` members in a join, including itself.
    #[must_use]
    pub fn joined(members: usize) -> Self {
        Subject::joined_with(config(), members)
    }

    /// Like [`Subject::joined`], with another configuration.
    #[must_use]
    pub fn joined_with(config: Config, members: usize) -> Self {
        let mut subject = Subject::new(config);
        let (stream, question) = subject.open_join();
        let half = exchange::welcome(&mut subject.coder, &question, members);
        subject.receive(stream, &half);
        assert_eq!(subject.node.members_live(), members);
        subject.members = members;
        subject.probed = vec![true; members];
        (1..members).for_each(|number| subject.hear_from(number));
        subject.gossip_until_quiet();
        subject
    }

    /// Makes a member exchange views with the node.
    ///
    /// The node has then heard from it, and gossips to it.
    fn hear_from(&mut self, number: usize) {
        let half = exchange::greeting(&mut self.coder, number);
        let stream = self.node.handle_accept(self.now, address(number)).expect("a place");
        self.receive(stream, &half);
        self.node.handle_stream(self.now, stream, StreamInput::Finished);
        self.turn();
    }

    /// Adds members until there are `members`, each by an alive in its own packet.
    pub fn add_one_by_one(&mut self, members: usize) {
        for number in self.members..members {
            let name = name(number);
            let alive = Message::Update(alive_of(self.coder.versions(), number, &name));
            let datagram = self.coder.packet_of(&alive);
            self.node.handle_packet(self.now, address(1), &datagram);
            self.turn();
        }
        self.members = members;
        assert_eq!(self.node.members_live(), members);
    }

    /// Feeds the prepared datagram, and does the turn of a caller.
    #[inline]
    pub fn hand_in(&mut self) {
        self.node.handle_packet(self.now, self.from, black_box(&self.datagram));
        self.turn();
    }

    /// Takes and drops all outputs, and queries the next deadline.
    #[inline]
    pub fn turn(&mut self) {
        while let Some(output) = self.node.poll_output() {
            drop(black_box(output));
        }
        black_box(self.node.poll_timeout());
    }

    /// Handles the deadline that is due now. Keeps the last packet sent as the ping to answer.
    #[inline]
    pub fn keep_deadline(&mut self) {
        self.node.handle_timeout(self.now);
        while let Some(output) = self.node.poll_output() {
            if let Output::Packet { to, payload, .. } = output {
                self.ping = Some((to, payload));
            }
        }
        black_box(self.node.poll_timeout());
    }

    /// Advances the time to the next deadline.
    pub fn wait(&mut self) {
        if let Some(deadline) = self.node.poll_timeout() {
            self.now = self.now.max(deadline);
        }
    }

    /// Prepares the ack to the node's latest ping. Returns whether there was one.
    pub fn prepare_ack(&mut self) -> bool {
        let Some((to, payload)) = self.ping.take() else {
            return false;
        };
        let Some((sequence, _)) = self.coder.ping_in(&payload) else {
            return false;
        };
        let ack = Ack { sequence, payload: &[], view: 0 };
        self.datagram = self.coder.packet_of(&Message::Ack(ack));
        self.from = to;
        true
    }

    /// Advances to a tick near the end of a probe round, and looks up the remaining members.
    ///
    /// At that tick at most `left` members are not yet probed.
    pub fn await_end_of_round(&mut self, left: usize) {
        loop {
            self.note_probed();
            self.answer_ping();
            self.wait();
            if (1..=left).contains(&self.unprobed) {
                break;
            }
            self.keep_deadline();
        }
        for number in 1..self.members {
            if !self.probed[number] {
                black_box(self.node.member(&name(number)));
            }
        }
    }

    /// Records the member that the node has just pinged: each once in a round.
    fn note_probed(&mut self) {
        let Subject { ping, coder, .. } = self;
        let target = ping.as_ref().and_then(|(_, payload)| coder.ping_in(payload));
        let Some(number) = target.and_then(|(_, name)| name[1..].parse::<usize>().ok()) else {
            return;
        };
        if self.unprobed == 0 {
            self.probed = vec![false; self.members];
            self.unprobed = self.members - 1;
        }
        assert!(!self.probed[number], "each is probed once in a round");
        self.probed[number] = true;
        self.unprobed -= 1;
    }

    /// Answers the node's latest ping, a millisecond later.
    pub fn answer_ping(&mut self) {
        if self.prepare_ack() {
            self.now += Duration::from_millis(1);
            self.hand_in();
        }
    }

    /// Lets the node gossip, and answers its pings, until its queue is empty.
    pub fn gossip_until_quiet(&mut self) {
        while self.node.stats().updates_queued > 0 {
            self.wait();
            self.node.handle_timeout(self.now);
            // Answers all packets, so that no member is suspected.
            let mut pings = Vec::new();
            while let Some(output) = self.node.poll_output() {
                if let Output::Packet { to, payload, .. } = output {
                    pings.push((to, payload));
                }
            }
            for ping in pings {
                self.ping = Some(ping);
                // A node that never heard from its members pings them before it gossips to them, in
                // addition to its probes. So there are no rounds to follow.
                if !self.probed.is_empty() {
                    self.note_probed();
                }
                self.answer_ping();
            }
        }
    }

    /// Queues the leaves of `count` members that are not counted in `members`.
    ///
    /// Does nothing if more than three quarters of them are still queued.
    pub fn queue_goodbyes(&mut self, count: usize) {
        if self.node.stats().updates_queued > count * 3 / 4 {
            return;
        }
        if self.leavers.is_empty() {
            let first = 200_000_000;
            self.leavers = (first..first + count).map(name).collect();
            let names = core::mem::take(&mut self.leavers);
            let versions = self.coder.versions();
            let alives = names
                .iter()
                .map(|name| Message::Update(alive_of(versions, 1, name)))
                .collect::<Vec<_>>();
            self.hand_in_all(&alives);
            self.leavers = names;
        }
        self.goodbyes += 1;
        let incarnation = Incarnation(INCARNATION.0 + self.goodbyes);
        let names = core::mem::take(&mut self.leavers);
        let goodbyes =
            names.iter().map(|name| Message::Update(left(name, incarnation))).collect::<Vec<_>>();
        self.hand_in_all(&goodbyes);
        self.leavers = names;
        assert!(self.node.stats().updates_queued >= count);
    }

    /// Returns a random number below `bound`, all equally likely.
    pub fn below(&mut self, bound: usize) -> usize {
        // Xorshift, Marsaglia 2003.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % bound as u64).expect("below a usize")
    }

    /// Returns the number of a random peer.
    pub fn any_peer(&mut self) -> usize {
        1 + self.below(self.members - 1)
    }

    fn hand_in_all(&mut self, messages: &[Message<'_>]) {
        for messages in messages.chunks(40) {
            let datagram = self.coder.packet(messages.iter());
            self.node.handle_packet(self.now, address(1), &datagram);
            self.turn();
        }
    }

    /// Starts a join. Returns the stream that the node opens, and its question.
    pub(crate) fn open_join(&mut self) -> (StreamId, Bytes) {
        self.node.join(self.now, address(1)).expect("the node is running");
        while let Some(output) = self.node.poll_output() {
            if let Output::Stream { id, op: StreamOp::Send(question) } = output {
                self.turn();
                return (id, question);
            }
        }
        panic!("a join opens a stream");
    }
}
