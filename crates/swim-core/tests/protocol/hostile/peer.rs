//! One node, and its input from the outside.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use swim_core::channel::{Channel, Scratch};
use swim_core::wire::{self, Ack, Claim, Frame, Message, Scope, Update};
use swim_core::{
    Answer, Config, DropReason, Event, Failure, Incarnation, Instant, MemberRef, Node, Output,
    State, StreamId, StreamInput, StreamOp, Versions,
};

/// The name of the node itself.
pub(crate) const OWN: &str = "self";

/// A node, with a clock that moves only when a test moves it.
pub(crate) struct Peer {
    pub(crate) node: Node,
    pub(crate) now: Instant,
}

impl Peer {
    pub(crate) fn new() -> Self {
        Peer::with(|_| {})
    }

    /// A node whose configuration differs from the usual one.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let now = Instant::ORIGIN + Duration::from_secs(1000);
        let node = Node::new(config, [7; 32], now).unwrap();
        Peer { node, now }
    }

    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.node.poll_output()).collect()
    }

    /// Hands in a datagram.
    pub(crate) fn datagram(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<Output> {
        self.node.handle_packet(self.now, from, bytes);
        self.outputs()
    }

    /// Hands in a datagram with these messages.
    pub(crate) fn say(&mut self, from: SocketAddr, messages: &[Message<'_>]) -> Vec<Output> {
        let label = self.node.config().label.clone();
        self.datagram(from, &packet(&label, messages))
    }

    /// Hands in an alive of a member at its address.
    pub(crate) fn meet(&mut self, number: u16) -> Vec<Output> {
        self.hear(number, 1, alive(number))
    }

    /// Hands in a claim about a member.
    pub(crate) fn hear(&mut self, number: u16, incarnation: u32, claim: Claim<'_>) -> Vec<Output> {
        let name = name(number);
        let incarnation = Incarnation(incarnation);
        self.say(address(1), &[Message::Update(Update { name: &name, incarnation, claim })])
    }

    pub(crate) fn stream(&mut self, id: StreamId, input: StreamInput<'_>) -> Vec<Output> {
        self.node.handle_stream(self.now, id, input);
        self.outputs()
    }

    /// Lets a peer connect; the node must not refuse.
    pub(crate) fn accept(&mut self, from: SocketAddr) -> StreamId {
        self.node.handle_accept(self.now, from).unwrap()
    }

    /// Lets a peer connect and send these bytes.
    pub(crate) fn receive(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<Output> {
        let id = self.accept(from);
        self.stream(id, StreamInput::Data(bytes))
    }

    /// Hands in an alive of a member at its address, in a stream of its own, so that the node has
    /// heard from the member.
    pub(crate) fn greet(&mut self, number: u16) {
        let name = name(number);
        let member = MemberRef {
            name: &name,
            address: address(number),
            state: State::Alive,
            incarnation: Incarnation(1),
            meta: b"",
            versions: Versions::DEFAULT,
        };
        let mut bytes = BytesMut::new();
        wire::begin_packet(&self.node.config().label, &mut bytes);
        wire::encode_push_pull(Scope::Partial, 0, [member].into_iter(), b"", &mut bytes);
        let stream = self.accept(address(number));
        self.stream(stream, StreamInput::Data(&bytes));
        self.stream(stream, StreamInput::Finished);
    }

    /// Advances the time, and keeps every deadline when it is due. Members that the node asks
    /// before it sends them news answer.
    pub(crate) fn run(&mut self, time: Duration) -> Vec<Output> {
        let until = self.now + time;
        let mut outputs = Vec::new();
        while let Some(next) = self.node.poll_timeout().filter(|&next| next <= until) {
            self.now = self.now.max(next);
            self.node.handle_timeout(self.now);
            for output in self.outputs() {
                match self.answer_to(&output) {
                    Some((from, answer)) => outputs.extend(self.datagram(from, &answer)),
                    None => outputs.push(output),
                }
            }
        }
        self.now = until;
        outputs
    }

    /// The answer of a member that is asked whether it is there, and the address that it comes
    /// from.
    fn answer_to(&self, output: &Output) -> Option<(SocketAddr, Bytes)> {
        let Output::Packet { to, payload, .. } = output else { return None };
        let mut channel = Channel::new(self.node.config(), [9; 32]);
        let (mut sequence, mut scratch) = (None, Scratch::default());
        channel.open(payload, &mut scratch).ok()?.read(|message| {
            if let Ok(Message::Ping(ping)) = message
                && ping.source == ping.target
            {
                sequence = Some(ping.sequence);
            }
        });
        let mut draft = channel.datagram();
        draft.append(&Message::Ack(Ack { sequence: sequence?, payload: b"", view: 0 }));
        draft.into_datagram(false).map(|answer| (*to, answer))
    }

    pub(crate) fn drops(&self, reason: DropReason) -> u64 {
        self.node.stats().drops[reason]
    }
}

/// The usual configuration: no push/pulls and no pings of its own within a test.
pub(crate) fn config() -> Config {
    let mut config = Config::lan(OWN.parse().unwrap(), address(0));
    config.push_pull_interval = Duration::ZERO;
    config
}

pub(crate) fn name(number: u16) -> String {
    format!("n{number}")
}

/// The address of a member; 0 is the node itself.
pub(crate) fn address(number: u16) -> SocketAddr {
    let [a, b] = number.to_be_bytes();
    SocketAddr::from(([10, 0, a, b], 7946))
}

pub(crate) fn alive(number: u16) -> Claim<'static> {
    Claim::Alive { address: address(number), meta: b"", versions: Versions::DEFAULT }
}

pub(crate) fn packet(label: &[u8], messages: &[Message<'_>]) -> Vec<u8> {
    let mut packet = BytesMut::new();
    wire::begin_packet(label, &mut packet);
    messages.iter().for_each(|message| message.encode(&mut packet));
    packet.to_vec()
}

/// A stream's header and one frame.
pub(crate) fn framed(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    wire::begin_packet(b"", &mut bytes);
    frame.encode(&mut bytes);
    bytes.to_vec()
}

/// A stream's header, and the header of a frame of this length, without its body.
pub(crate) fn claimed(length: u32) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    wire::begin_packet(b"", &mut bytes);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.to_vec()
}

/// One side of a push/pull: `count` members from `first` on, and an application state.
pub(crate) fn half(scope: Scope, first: u16, count: u16, user_state: &[u8]) -> Vec<u8> {
    let names: Vec<(u16, String)> = (first..first + count).map(|n| (n, name(n))).collect();
    let members = names.iter().map(|(number, name)| MemberRef {
        name,
        address: address(*number),
        state: State::Alive,
        incarnation: Incarnation(1),
        meta: b"rack",
        versions: Versions::DEFAULT,
    });
    let mut bytes = BytesMut::new();
    wire::begin_packet(b"", &mut bytes);
    wire::encode_push_pull(scope, 0, members, user_state, &mut bytes);
    bytes.to_vec()
}

/// The datagrams among outputs.
pub(crate) fn packets(outputs: &[Output]) -> Vec<(SocketAddr, Bytes)> {
    let packet = |output: &Output| match output {
        Output::Packet { to, payload, .. } => Some((*to, payload.clone())),
        _ => None,
    };
    outputs.iter().filter_map(packet).collect()
}

/// How commands ended.
pub(crate) fn answers(outputs: &[Output]) -> Vec<Result<Answer, Failure>> {
    let answer = |output: &Output| match output {
        Output::Answer { result, .. } => Some(result.clone()),
        _ => None,
    };
    outputs.iter().filter_map(answer).collect()
}

pub(crate) fn events(outputs: &[Output]) -> Vec<Event> {
    let event = |output: &Output| match output {
        Output::Event(event) => Some(event.clone()),
        _ => None,
    };
    outputs.iter().filter_map(event).collect()
}

/// Reports of bad input: the reason, and whether it came on a stream.
pub(crate) fn complaints(outputs: &[Output]) -> Vec<(DropReason, bool)> {
    let complaint = |event: Event| match event {
        Event::BadInput { reason, stream, .. } => Some((reason, stream)),
        _ => None,
    };
    events(outputs).into_iter().filter_map(complaint).collect()
}

pub(crate) fn is_aborted(outputs: &[Output], stream: StreamId) -> bool {
    outputs.contains(&Output::Stream { id: stream, op: StreamOp::Abort })
}

/// Streams that the node opens, and their addresses.
pub(crate) fn dialled(outputs: &[Output]) -> Vec<(StreamId, SocketAddr)> {
    let opened = |output: &Output| match output {
        Output::Stream { id, op: StreamOp::Open { to } } => Some((*id, *to)),
        _ => None,
    };
    outputs.iter().filter_map(opened).collect()
}

/// The bytes that the node sends on a stream.
pub(crate) fn sent(outputs: &[Output], stream: StreamId) -> Option<Bytes> {
    outputs.iter().find_map(|output| match output {
        Output::Stream { id, op: StreamOp::Send(bytes) } if *id == stream => Some(bytes.clone()),
        _ => None,
    })
}
