//! Three members with a key, and an attacker that records all traffic and sends it elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use swim_core::{
    Answer, Config, ConnectionError, Event, Failure, Incarnation, Instant, Key, Keyring, Node,
    Output, RequestId, StreamId, StreamInput, StreamOp,
};

use super::peer::address;

/// The members.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A rule that all members break; without the feature `sabotage` there is none.
#[cfg(feature = "sabotage")]
pub(crate) type Broken = Option<swim_core::Sabotage>;
#[cfg(not(feature = "sabotage"))]
pub(crate) type Broken = Option<std::convert::Infallible>;

/// The recording of one stream: each side's bytes as they were sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Talk {
    pub(crate) dialler: Vec<Bytes>,
    pub(crate) acceptor: Vec<Bytes>,
}

/// One end of a stream.
#[derive(Clone, Copy)]
struct End {
    other: (usize, StreamId),
    /// The number of its recording, and whether this end dialled.
    talk: usize,
    dialled: bool,
}

pub(crate) struct Wiretap {
    pub(crate) nodes: Vec<Node>,
    pub(crate) events: Vec<Vec<Event>>,
    /// How the commands of each node ended.
    pub(crate) answers: Vec<Vec<(RequestId, Result<Answer, Failure>)>>,
    pub(crate) now: Instant,
    broken: Broken,
    pub(crate) talks: Vec<Talk>,
    pub(crate) datagrams: Vec<(usize, usize, Bytes)>,
    ends: BTreeMap<(usize, StreamId), End>,
    /// Streams to the first member lead to the second.
    pub(crate) led: Option<(usize, usize)>,
    /// Members without any connection.
    pub(crate) away: Vec<usize>,
    /// The answer on every stream, in place of the real one.
    pub(crate) answer: Option<Bytes>,
}

impl Wiretap {
    /// Members that know each other; `a` has an application state.
    pub(crate) fn new(broken: Broken) -> Self {
        let mut tap = Wiretap::apart(broken);
        tap.nodes[A].set_user_state(tap.now, Bytes::from(vec![b'a'; 100 << 10])).unwrap();
        for node in [B, C] {
            tap.join(node, A);
        }
        tap.join(A, B);
        tap
    }

    /// Members that know no peers.
    pub(crate) fn apart(broken: Broken) -> Self {
        let now = Instant::ORIGIN + Duration::from_secs(1000);
        let mut tap = Wiretap {
            nodes: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            now,
            broken,
            talks: Vec::new(),
            datagrams: Vec::new(),
            ends: BTreeMap::new(),
            led: None,
            away: Vec::new(),
            answer: None,
        };
        for number in 0..3 {
            let node = tap.node(number, 1000);
            tap.nodes.push(node);
            tap.events.push(Vec::new());
            tap.answers.push(Vec::new());
        }
        tap
    }

    /// A member that starts with this incarnation.
    pub(crate) fn node(&self, number: usize, incarnation: u32) -> Node {
        let at = address(u16::try_from(number).unwrap());
        let mut config = Config::lan(NAMES[number].parse().unwrap(), at);
        config.incarnation = Incarnation(incarnation);
        config.keyring = Keyring::new(Key::aes(&[7; 16]).unwrap());
        config.push_pull_interval = Duration::ZERO;
        config.lateness = false;
        #[cfg(feature = "sabotage")]
        {
            config.sabotage = self.broken;
        }
        #[cfg(not(feature = "sabotage"))]
        assert!(self.broken.is_none());
        let mut seed = [u8::try_from(number).unwrap(); 32];
        seed[..4].copy_from_slice(&incarnation.to_le_bytes());
        Node::new(config, seed, self.now).unwrap()
    }

    /// Restarts a member, which remembers nothing of its past.
    pub(crate) fn restart(&mut self, number: usize, incarnation: u32) {
        self.nodes[number] = self.node(number, incarnation);
        self.ends.retain(|end, it| end.0 != number && it.other.0 != number);
    }

    pub(crate) fn join(&mut self, from: usize, to: usize) {
        self.nodes[from].join(self.now, address(u16::try_from(to).unwrap())).unwrap();
        self.settle();
    }

    /// Delivers all output until there is none.
    pub(crate) fn settle(&mut self) {
        let mut waiting = VecDeque::new();
        loop {
            for number in 0..self.nodes.len() {
                while let Some(output) = self.nodes[number].poll_output() {
                    waiting.push_back((number, output));
                }
            }
            let Some((number, output)) = waiting.pop_front() else { return };
            self.carry(number, output);
        }
    }

    /// Advances the time, and handles due deadlines.
    pub(crate) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.settle();
            let next = self.nodes.iter().filter_map(Node::poll_timeout).min();
            let Some(next) = next.filter(|&next| next <= until) else { break };
            self.now = self.now.max(next);
            for node in &mut self.nodes {
                if node.poll_timeout().is_some_and(|at| at <= self.now) {
                    node.handle_timeout(self.now);
                }
            }
        }
        self.now = until;
    }

    fn carry(&mut self, number: usize, output: Output) {
        if self.away.contains(&number) {
            return;
        }
        match output {
            Output::Event(event) => self.events[number].push(event),
            Output::Answer { request, result } => self.answers[number].push((request, result)),
            Output::Packet { to, payload, .. } => {
                let to = self.number(to);
                if self.away.contains(&to) {
                    return;
                }
                self.datagrams.push((number, to, payload.clone()));
                if let Some(node) = self.nodes.get_mut(to) {
                    node.handle_packet(self.now, place(number), &payload);
                }
            }
            Output::Stream { id, op: StreamOp::Open { to } } => self.dial(number, id, to),
            Output::Stream { id, op } => self.operate((number, id), op),
        }
    }

    fn dial(&mut self, number: usize, id: StreamId, to: SocketAddr) {
        let mut to = self.number(to);
        if let Some((meant, led)) = self.led.filter(|led| led.0 == to) {
            assert_eq!(meant, to);
            to = led;
        }
        if let Some(answer) = &self.answer {
            let node = &mut self.nodes[number];
            node.handle_stream(self.now, id, StreamInput::Opened);
            node.handle_stream(self.now, id, StreamInput::Data(answer));
            return node.handle_stream(self.now, id, StreamInput::Finished);
        }
        let accepted = match self.nodes.get_mut(to) {
            Some(_) if self.away.contains(&to) => None,
            Some(node) => node.handle_accept(self.now, place(number)).ok(),
            None => None,
        };
        let Some(accepted) = accepted else {
            return self.nodes[number].handle_stream(
                self.now,
                id,
                StreamInput::Failed(ConnectionError::Reset),
            );
        };
        let talk = self.talks.len();
        self.talks.push(Talk::default());
        let (dialler, acceptor) = ((number, id), (to, accepted));
        self.ends.insert(dialler, End { other: acceptor, talk, dialled: true });
        self.ends.insert(acceptor, End { other: dialler, talk, dialled: false });
        self.nodes[number].handle_stream(self.now, id, StreamInput::Opened);
    }

    fn operate(&mut self, end: (usize, StreamId), op: StreamOp) {
        let Some(&End { other: (other, id), talk, dialled }) = self.ends.get(&end) else { return };
        let input = match &op {
            StreamOp::Open { .. } => return,
            StreamOp::Send(bytes) => {
                let talk = &mut self.talks[talk];
                let said = if dialled { &mut talk.dialler } else { &mut talk.acceptor };
                said.push(bytes.clone());
                StreamInput::Data(bytes)
            }
            StreamOp::Finish => StreamInput::Finished,
            StreamOp::Close => {
                self.ends.remove(&end);
                return;
            }
            StreamOp::Abort => {
                self.ends.remove(&end);
                StreamInput::Failed(ConnectionError::Reset)
            }
        };
        // An end that is over receives nothing.
        if self.ends.contains_key(&(other, id)) {
            self.nodes[other].handle_stream(self.now, id, input);
        }
    }

    /// Sends these pieces to a member on a stream of its own.
    pub(crate) fn say(&mut self, to: usize, pieces: &[Bytes]) {
        let Ok(id) = self.nodes[to].handle_accept(self.now, address(66)) else { return };
        for piece in pieces {
            self.nodes[to].handle_stream(self.now, id, StreamInput::Data(piece));
            self.settle();
        }
        self.nodes[to].handle_stream(self.now, id, StreamInput::Finished);
        self.settle();
    }

    /// Sends all recordings to a member: those of input to it, and those of its peers.
    pub(crate) fn repeat_all(&mut self, to: usize) {
        for (from, _, datagram) in self.datagrams.clone() {
            for from in [place(from), address(66)] {
                self.nodes[to].handle_packet(self.now, from, &datagram);
                self.settle();
            }
        }
        for Talk { dialler, acceptor } in self.talks.clone() {
            self.say(to, &dialler);
            self.say(to, &[dialler.concat().into()]);
            self.say(to, &acceptor);
        }
    }

    /// How many messages, broadcasts and states were delivered to a member.
    pub(crate) fn delivered(&self, to: usize) -> [usize; 3] {
        let count = |is: fn(&Event) -> bool| self.events[to].iter().filter(|it| is(it)).count();
        [
            count(|event| matches!(event, Event::Message { .. })),
            count(|event| matches!(event, Event::Broadcast { .. })),
            count(|event| matches!(event, Event::UserState { .. })),
        ]
    }

    fn number(&self, to: SocketAddr) -> usize {
        (0..NAMES.len()).find(|&number| place(number) == to).unwrap_or(usize::MAX)
    }
}

pub(crate) fn place(number: usize) -> SocketAddr {
    address(u16::try_from(number).unwrap())
}
