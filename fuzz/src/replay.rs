//! Three members with a key, and an attacker on the path that records and resends all traffic.
//!
//! Recordings are sent whole, cut or changed, to their recipient, to other members or to their
//! sender, and mixed with each other. Each message must be delivered once, to its recipient, and
//! each broadcast once to each member. A message may count as delivered only if it was.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::{Bytes, BytesMut};
use swim_core::{
    Answer, Config, ConnectionError, DropReason, Event, Incarnation, Instant, Key, Keyring, Node,
    Output, RequestId, StreamId, StreamInput, StreamOp,
};

use super::input::Input;
use super::settings::home;

const MEMBERS: u8 = 3;
const NAMES: [&str; MEMBERS as usize] = ["a", "b", "c"];

/// More operations only make an input slow.
const OPERATIONS_MAX: usize = 60;
/// So does a longer recording; its beginning is kept.
const RECORDED_MAX: usize = 200;

/// The fate of all traffic to the members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages of all kinds that were opened and read, including the members' own.
    pub opened: u64,
    /// Messages and broadcasts that were taken before, or meant for an earlier life.
    pub repeated: u64,
    /// Traffic that no member could open, or that was for another member.
    pub refused: u64,
}

/// An attack that should not succeed, but did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken(pub String);

/// Plays the input.
///
/// # Panics
///
/// If a recording is taken.
pub fn run(data: &[u8]) {
    let played = play(data, |_| {});
    assert!(played.is_ok(), "{played:?}");
}

/// Plays the input, with members whose configuration `change` has changed.
///
/// # Errors
///
/// If a recording is taken.
pub fn play(data: &[u8], change: fn(&mut Config)) -> Result<Counts, Taken> {
    let mut input = Input::new(data);
    let mut scene = Scene::new(change);
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        scene.operate(&mut input);
        scene.settle();
    }
    let counts = scene.counts();
    scene.taken.map_or(Ok(counts), |what| Err(Taken(what)))
}

/// One end of a stream.
#[derive(Clone, Copy, Debug)]
struct End {
    other: (u8, StreamId),
    talk: usize,
    dialled: bool,
}

/// The bytes of both sides of a stream.
#[derive(Clone, Debug, Default)]
struct Talk {
    dialler: Vec<Bytes>,
    acceptor: Vec<Bytes>,
}

#[derive(Debug)]
struct Scene {
    nodes: Vec<Node>,
    now: Instant,
    change: fn(&mut Config),
    ends: BTreeMap<(u8, StreamId), End>,
    talks: Vec<Talk>,
    datagrams: Vec<Bytes>,
    /// The next stream leads to another member, or gets this answer.
    led: Option<u8>,
    answer: Option<Bytes>,
    /// The recipient of each message; `None` for a broadcast.
    messages: Vec<Option<u8>>,
    delivered: BTreeSet<(u32, u8)>,
    requests: BTreeMap<(u8, RequestId), u32>,
    lives: u64,
    earlier: Counts,
    taken: Option<String>,
}

fn stranger() -> SocketAddr {
    home(66)
}

impl Scene {
    fn new(change: fn(&mut Config)) -> Self {
        let mut scene = Scene {
            nodes: Vec::new(),
            now: Instant::ORIGIN + Duration::from_secs(1000),
            change,
            ends: BTreeMap::new(),
            talks: Vec::new(),
            datagrams: Vec::new(),
            led: None,
            answer: None,
            messages: Vec::new(),
            delivered: BTreeSet::new(),
            requests: BTreeMap::new(),
            lives: 0,
            earlier: Counts::default(),
            taken: None,
        };
        for number in 0..MEMBERS {
            let node = scene.start(number);
            scene.nodes.push(node);
        }
        for number in 1..MEMBERS {
            scene.join(number, 0);
            scene.settle();
        }
        scene.run(Duration::from_secs(2));
        scene
    }

    /// Starts a member now, with an incarnation above all others: clocks agree.
    fn start(&mut self, number: u8) -> Node {
        self.lives += 1;
        let highest = self.nodes.iter().map(|node| node.local().incarnation).max();
        let name = NAMES[usize::from(number)].parse().expect("a short name is valid");
        let mut config = Config::lan(name, home(number.into()));
        config.incarnation = highest.unwrap_or(Incarnation(1000)).next();
        config.keyring = Keyring::new(Key::aes(&[7; 16]).expect("16 bytes are a key"));
        config.lateness = false;
        (self.change)(&mut config);
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.lives.to_le_bytes());
        Node::new(config, seed, self.now).expect("the configuration is valid")
    }

    // Operations.

    fn operate(&mut self, input: &mut Input<'_>) {
        let (number, other) = (self.member(input), self.member(input));
        match input.below(14) {
            0 => self.run(Duration::from_millis(u64::from(input.byte()) * 20)),
            1 => self.run(Duration::from_secs(u64::from(input.byte()))),
            2 => self.send(number, other),
            3 => self.send_reliable(number, other),
            4 => self.broadcast(number),
            5 => {
                let state = Bytes::from(vec![input.byte(); 1 + input.below(3) * 50_000]);
                _ = self.nodes[usize::from(number)].set_user_state(self.now, state);
            }
            6 => self.join(number, other),
            7 => self.restart(number),
            8 | 9 => self.repeat_datagrams(number, other, input),
            10 | 11 => self.repeat_talk(number, input),
            12 => self.led = Some(other),
            _ => {
                let talk = self.talk(input);
                self.answer = Some(pieces(&talk, input).concat().into());
                self.send_reliable(number, other);
            }
        }
    }

    fn member(&self, input: &mut Input<'_>) -> u8 {
        input.byte() % MEMBERS
    }

    fn message(&mut self, to: Option<u8>) -> (u32, [u8; 4]) {
        let id = u32::try_from(self.messages.len()).expect("few messages");
        self.messages.push(to);
        (id, id.to_le_bytes())
    }

    fn send(&mut self, from: u8, to: u8) {
        let (_, payload) = self.message(Some(to));
        _ = self.nodes[usize::from(from)].send(self.now, NAMES[usize::from(to)], &payload);
    }

    fn send_reliable(&mut self, from: u8, to: u8) {
        let (id, payload) = self.message(Some(to));
        let name = NAMES[usize::from(to)];
        let request = self.nodes[usize::from(from)].send_reliable(self.now, name, &payload);
        if let Ok(request) = request {
            self.requests.insert((from, request), id);
        }
    }

    fn broadcast(&mut self, from: u8) {
        let (_, payload) = self.message(None);
        _ = self.nodes[usize::from(from)].broadcast(self.now, &payload);
    }

    fn join(&mut self, from: u8, to: u8) {
        _ = self.nodes[usize::from(from)].join(self.now, home(to.into()));
    }

    fn restart(&mut self, number: u8) {
        let (before, node) = (self.counts(), self.start(number));
        self.nodes[usize::from(number)] = node;
        self.earlier = Counts::default();
        let now = self.counts();
        self.earlier = Counts {
            opened: before.opened - now.opened,
            repeated: before.repeated - now.repeated,
            refused: before.refused - now.refused,
        };
        self.ends.retain(|end, it| end.0 != number && it.other.0 != number);
        self.requests.retain(|&(from, _), _| from != number);
    }

    fn repeat_datagrams(&mut self, to: u8, from: u8, input: &mut Input<'_>) {
        let from = if input.flag() { home(from.into()) } else { stranger() };
        let (first, count) = (usize::from(input.byte()), 1 + usize::from(input.byte()));
        let (cut, changed) = (input.byte(), input.byte());
        for datagram in self.datagrams.clone().iter().skip(first).take(count) {
            let mut datagram = BytesMut::from(&datagram[..]);
            if cut > 250 {
                datagram.truncate(datagram.len() * usize::from(cut - 250) / 6);
            }
            if changed > 250 {
                let place = usize::from(changed) % datagram.len().max(1);
                datagram.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
            }
            self.nodes[usize::from(to)].handle_packet(self.now, from, &datagram);
            self.settle();
        }
    }

    fn repeat_talk(&mut self, to: u8, input: &mut Input<'_>) {
        let talk = self.talk(input);
        let said = pieces(&talk, input);
        let Ok(id) = self.nodes[usize::from(to)].handle_accept(self.now, stranger()) else {
            return;
        };
        for piece in said {
            self.nodes[usize::from(to)].handle_stream(self.now, id, StreamInput::Data(&piece));
            self.settle();
        }
        self.nodes[usize::from(to)].handle_stream(self.now, id, StreamInput::Finished);
    }

    /// Returns one of the talks, or the beginning of one and the end of another.
    fn talk(&self, input: &mut Input<'_>) -> Talk {
        let (one, other) = (usize::from(input.byte()), usize::from(input.byte()));
        let pick = |number: usize| {
            let number = number % self.talks.len().max(1);
            self.talks.get(number).cloned().unwrap_or_default()
        };
        let (mut talk, other) = (pick(one), pick(other));
        if input.byte() > 200 {
            talk.dialler.truncate(1);
            talk.dialler.extend(other.dialler.into_iter().skip(1));
            talk.acceptor.truncate(1);
            talk.acceptor.extend(other.acceptor.into_iter().skip(1));
        }
        talk
    }

    // Transport.

    fn run(&mut self, time: Duration) {
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

    fn settle(&mut self) {
        let mut waiting = VecDeque::new();
        loop {
            for (number, node) in (0..).zip(&mut self.nodes) {
                while let Some(output) = node.poll_output() {
                    waiting.push_back((number, output));
                }
            }
            let Some((number, output)) = waiting.pop_front() else { return };
            self.carry(number, output);
        }
    }

    fn carry(&mut self, number: u8, output: Output) {
        match output {
            Output::Event(event) => self.note(number, &event),
            Output::Answer { request, result: Ok(Answer::Delivered) } => {
                self.note_delivery(number, request);
            }
            Output::Answer { .. } => {}
            Output::Packet { to, payload, .. } => {
                if self.datagrams.len() < RECORDED_MAX {
                    self.datagrams.push(payload.clone());
                }
                if let Some(node) = self.at(to).and_then(|to| self.nodes.get_mut(usize::from(to))) {
                    node.handle_packet(self.now, home(number.into()), &payload);
                }
            }
            Output::Stream { id, op: StreamOp::Open { to } } => self.dial(number, id, to),
            Output::Stream { id, op } => self.operate_stream((number, id), &op),
        }
    }

    fn at(&self, to: SocketAddr) -> Option<u8> {
        (0..MEMBERS).find(|&number| home(number.into()) == to)
    }

    fn dial(&mut self, number: u8, id: StreamId, to: SocketAddr) {
        if let Some(answer) = self.answer.take() {
            let node = &mut self.nodes[usize::from(number)];
            node.handle_stream(self.now, id, StreamInput::Opened);
            node.handle_stream(self.now, id, StreamInput::Data(&answer));
            return node.handle_stream(self.now, id, StreamInput::Finished);
        }
        let to = self.led.take().or(self.at(to));
        let node = to.and_then(|to| self.nodes.get_mut(usize::from(to)));
        let accepted = node.and_then(|it| it.handle_accept(self.now, home(number.into())).ok());
        let (Some(to), Some(accepted)) = (to, accepted) else {
            let node = &mut self.nodes[usize::from(number)];
            return node.handle_stream(self.now, id, StreamInput::Failed(ConnectionError::Reset));
        };
        let talk = self.talks.len();
        self.talks.push(Talk::default());
        let (dialler, acceptor) = ((number, id), (to, accepted));
        self.ends.insert(dialler, End { other: acceptor, talk, dialled: true });
        self.ends.insert(acceptor, End { other: dialler, talk, dialled: false });
        self.nodes[usize::from(number)].handle_stream(self.now, id, StreamInput::Opened);
    }

    fn operate_stream(&mut self, end: (u8, StreamId), op: &StreamOp) {
        let Some(&End { other: (other, id), talk, dialled }) = self.ends.get(&end) else { return };
        let input = match op {
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
            self.nodes[usize::from(other)].handle_stream(self.now, id, input);
        }
    }

    // Checks.

    fn note(&mut self, number: u8, event: &Event) {
        match event {
            Event::Message { payload, .. } | Event::Broadcast { payload, .. } => {
                let id = payload.first_chunk().map_or(u32::MAX, |id| u32::from_le_bytes(*id));
                let meant = self.messages.get(id as usize);
                let is_for = meant.is_some_and(|to| to.is_none_or(|to| to == number));
                self.expect(is_for, number, event);
                let is_first = self.delivered.insert((id, number));
                self.expect(is_first, number, event);
            }
            Event::UserState { from, .. } => self.expect(*from != stranger(), number, event),
            _ => {}
        }
    }

    fn note_delivery(&mut self, number: u8, request: RequestId) {
        let id = self.requests.get(&(number, request)).copied();
        let meant = id.and_then(|id| Some((id, (*self.messages.get(id as usize)?)?)));
        let is_there = meant.is_some_and(|meant| self.delivered.contains(&meant));
        self.expect(is_there, number, &request);
    }

    fn expect(&mut self, holds: bool, number: u8, what: &dyn core::fmt::Debug) {
        if !holds {
            self.taken.get_or_insert(format!("{}: {what:?}", NAMES[usize::from(number)]));
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = self.earlier;
        for node in &self.nodes {
            let stats = node.stats();
            let drops = |of: &[DropReason]| of.iter().map(|&of| stats.drops[of]).sum::<u64>();
            use DropReason as D;
            counts.opened += stats.received.total();
            counts.repeated += drops(&[D::RepeatedMessage, D::RepeatedBroadcast, D::Predates]);
            counts.refused += drops(&[D::WrongKey, D::Unbound, D::WrongName, D::Malformed]);
        }
        counts
    }
}

/// Returns the repeated part of a talk, in pieces.
fn pieces(talk: &Talk, input: &mut Input<'_>) -> Vec<Bytes> {
    let said = if input.byte() > 80 { &talk.dialler } else { &talk.acceptor };
    let mut said = said.clone();
    let cut = input.byte();
    if cut > 240
        && let Some(last) = said.last_mut()
    {
        last.truncate(last.len() * usize::from(cut - 240) / 16);
    }
    if input.flag() { said } else { vec![said.concat().into()] }
}
