//! A node, its input, and its output in the words of the vectors.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use swim_core::channel::{Channel, Scratch, Sealer};
use swim_core::wire::memberlist::{
    COMPRESSED, Lzw, SEALED, StreamMessage, decode_stream, encode_push_pull, put_label,
    read_packet, split_label, unpack_stream,
};
use swim_core::wire::{Ack, Message, SealVersion};
use swim_core::{
    Config, Event, Instant, Key, Keyring, Node, Output, State, StreamId, StreamInput, StreamOp,
};

use crate::memberlist::vectors::{bytes, hex, unhex};

/// Address of the vectors' node.
pub const LOCAL: &str = "127.0.0.1:7946";
/// Address of the vectors' sender.
pub const SENDER: &str = "127.0.0.9:9999";

pub fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// The node of the vectors, as far as they agree. Within a test it neither probes nor exchanges its
/// table by itself.
pub fn config(name: &str) -> Config {
    let config = Config::lan(name.parse().unwrap(), at(LOCAL));
    config.memberlist().with(|config| {
        config.compression = false;
        config.push_pull_interval = Duration::ZERO;
        config.probe_interval = Duration::from_secs(3000);
        config.gossip_to_the_dead = Duration::from_secs(3000);
    })
}

/// Adds the keys and the label that a vector names.
pub fn secured(config: Config, key: &Value, label: &Value) -> Config {
    let keyring = match key {
        Value::Null => Keyring::default(),
        key => Keyring::new(Key::aes(&bytes(key)).unwrap()),
    };
    let label = Bytes::from(label.as_str().unwrap_or_default().to_owned());
    config.with(|config| (config.keyring, config.label) = (keyring, label))
}

/// A member as the node sends it to peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub state: State,
    pub incarnation: u32,
    pub address: String,
    pub meta: Vec<u8>,
    pub versions: [u8; 6],
}

impl Row {
    pub fn state_in_go(&self) -> &'static str {
        match self.state {
            State::Alive => "alive",
            State::Suspect => "suspect",
            State::Failed => "dead",
            State::Left => "left",
        }
    }
}

/// One side of a stream, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Nothing,
    PushPull { join: bool, rows: Vec<Row>, user_state: Vec<u8> },
    Error,
    Other(Vec<u8>),
}

pub struct Peer {
    pub node: Node,
    pub now: Instant,
    sealer: Sealer,
    /// Metadata that the application knows.
    metas: BTreeMap<String, Vec<u8>>,
}

impl Peer {
    pub fn new(config: Config) -> Self {
        let now = Instant::ORIGIN + Duration::from_secs(1000);
        let sealer = Sealer::new(config.keyring.clone(), [9; 32]);
        let node = Node::new(config, [7; 32], now).unwrap();
        Peer { node, now, sealer, metas: BTreeMap::new() }
    }

    // Input.

    pub fn datagram(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<Output> {
        self.note_metas();
        self.node.handle_packet(self.now, from, bytes);
        self.outputs()
    }

    /// Hands in a stream that a peer opens, writes all of `bytes` to, and closes its side of.
    pub fn receive(&mut self, from: SocketAddr, bytes: &[u8]) -> (StreamId, Vec<Output>) {
        self.note_metas();
        let id = self.node.handle_accept(self.now, from).unwrap();
        if !bytes.is_empty() {
            self.node.handle_stream(self.now, id, StreamInput::Data(bytes));
        }
        self.node.handle_stream(self.now, id, StreamInput::Finished);
        (id, self.outputs())
    }

    /// Hands in the answer on a stream that the node opened, up to its end.
    pub fn answered(&mut self, id: StreamId, bytes: &[u8]) -> Vec<Output> {
        self.note_metas();
        self.node.handle_stream(self.now, id, StreamInput::Opened);
        if !bytes.is_empty() {
            self.node.handle_stream(self.now, id, StreamInput::Data(bytes));
        }
        self.node.handle_stream(self.now, id, StreamInput::Finished);
        self.outputs()
    }

    /// Advances the time, and keeps every deadline when it is due. Members that the node asks
    /// before it sends them news answer. It asks no other member by itself within a test.
    pub fn run(&mut self, time: Duration) -> Vec<Output> {
        self.note_metas();
        let until = self.now + time;
        let mut outputs = vec![];
        while let Some(next) = self.node.poll_timeout().filter(|&next| next <= until) {
            self.now = self.now.max(next);
            self.node.handle_timeout(self.now);
            for output in self.outputs() {
                match self.answer_to(&output) {
                    Some((from, answer)) => {
                        self.node.handle_packet(self.now, from, &answer);
                        outputs.extend(self.outputs());
                    }
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
        let probes_seldom = self.node.config().probe_interval >= config("local").probe_interval;
        if !probes_seldom || self.node.stats().updates_queued == 0 {
            // It is a probe: there is no news to send.
            return None;
        }
        let mut channel = Channel::new(self.node.config(), [9; 32]);
        let (mut sequence, mut messages, mut scratch) = (None, 0, Scratch::default());
        channel.open(payload, &mut scratch).ok()?.read(|message| {
            messages += 1;
            if let Ok(Message::Ping(ping)) = message {
                sequence = Some(ping.sequence);
            }
        });
        let mut draft = channel.datagram();
        draft.append(&Message::Ack(Ack { sequence: sequence?, payload: b"", view: 0 }));
        (messages == 1).then(|| draft.into_datagram(false)).flatten().map(|answer| (*to, answer))
    }

    pub fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.node.poll_output()).collect()
    }

    fn note_metas(&mut self) {
        let metas = self.node.members().map(|m| (m.name.to_owned(), m.meta.to_vec()));
        self.metas = metas.collect();
    }

    // Output.

    /// The events of a Go member's application, in alphabetical order, since the order of messages
    /// in one packet has no meaning.
    pub fn told(&self, outputs: &[Output]) -> Vec<String> {
        let mut told: Vec<String> = events(outputs).filter_map(|e| self.in_go(e)).collect();
        told.sort();
        told
    }

    fn in_go(&self, event: &Event) -> Option<String> {
        let own = self.node.config().name.clone();
        Some(match event {
            Event::Joined { member, .. } => format!("NotifyJoin {}", member.name),
            Event::Updated { member, .. } => format!("NotifyUpdate {}", member.name),
            Event::Refuted { member, .. }
                if self.metas.get(member.name.as_str()).is_none_or(|m| *m != member.meta) =>
            {
                format!("NotifyUpdate {}", member.name)
            }
            Event::Failed { member, .. } | Event::Left { member, .. } => {
                format!("NotifyLeave {}", member.name)
            }
            Event::Message { payload, .. } => format!("NotifyMsg {}", hex(payload)),
            Event::UserState { join, state, .. } => {
                format!("MergeRemoteState join={join} {}", hex(state))
            }
            Event::NameTaken { address, .. } => format!("NotifyConflict {own} other {address}"),
            Event::NameConflict { name, winner, .. } => {
                format!("NotifyConflict {name} other {winner}")
            }
            _ => return None,
        })
    }

    /// The text of each datagram, behind the label and seal that it must have, and its destination.
    pub fn sent(&self, outputs: &[Output]) -> Vec<(SocketAddr, String)> {
        let packets = outputs.iter().filter_map(|output| match output {
            Output::Packet { to, payload, .. } => Some((*to, hex(&self.opened(payload)))),
            _ => None,
        });
        packets.collect()
    }

    /// A datagram of this cluster, behind label and seal.
    pub fn opened(&self, datagram: &[u8]) -> Vec<u8> {
        let (label, text) = split_label(datagram).unwrap();
        assert_eq!(label, self.node.config().label);
        let mut text = text.to_vec();
        if self.node.config().keyring.is_empty() {
            return text;
        }
        assert_eq!(text[0], 1, "sealed the newer way");
        self.sealer.open_memberlist_packet(label, &mut text).unwrap().to_vec()
    }

    /// The messages of the datagrams, each as bytes.
    pub fn messages(&self, outputs: &[Output]) -> Vec<Vec<u8>> {
        let mut messages = vec![];
        for (_, text) in self.sent(outputs) {
            let text = unhex(&text);
            read_packet(&text, 7946, &mut Lzw::default(), &mut |message| {
                let mut out = BytesMut::new();
                swim_core::wire::memberlist::encode(&message.unwrap(), &mut out);
                messages.push(out.to_vec());
            });
        }
        messages
    }

    /// Decodes one side of a stream; the dialler's has a label.
    pub fn said(&self, bytes: &[u8], by_dialler: bool) -> Said {
        let config = self.node.config();
        let (label, text) = if by_dialler { split_label(bytes).unwrap() } else { (&[][..], bytes) };
        if by_dialler {
            assert_eq!(label, config.label);
        }
        let mut text = text.to_vec();
        if text.is_empty() {
            return Said::Nothing;
        }
        assert_eq!(text[0] == SEALED, !config.keyring.is_empty(), "sealed if there is a key");
        if text[0] == SEALED {
            let version = u8::from(config.versions.protocol.current > 1);
            assert_eq!(text[5], version, "as the protocol version says");
            text = self.sealer.open_memberlist_stream(&config.label, &mut text).unwrap().to_vec();
        }
        if text[0] == COMPRESSED {
            let mut unpacked = vec![];
            unpack_stream(&text, 1 << 20, &mut Lzw::default(), &mut unpacked).unwrap();
            text = unpacked;
        }
        match decode_stream(&text, 7946).unwrap() {
            StreamMessage::PushPull(table) => {
                let mut rows: Vec<Row> = table.members().map(|m| row(&m.unwrap())).collect();
                rows.sort_by(|a, b| a.name.cmp(&b.name));
                Said::PushPull { join: table.join, rows, user_state: table.user_state.to_vec() }
            }
            StreamMessage::Error(_) => Said::Error,
            _ => Said::Other(text),
        }
    }

    /// Adds seal and label to the text of a stream, like a peer that dials this node.
    pub fn dialled_with(&mut self, text: &[u8]) -> Vec<u8> {
        let config = self.node.config();
        let mut out = BytesMut::from(text);
        if !config.keyring.is_empty() {
            self.sealer.seal_memberlist_stream(SealVersion::V1, &config.label, &mut out, 0);
        }
        put_label(&config.label, &mut out, 0);
        out.to_vec()
    }

    /// Adds a seal to the answer on a stream.
    pub fn answered_with(&mut self, text: &[u8]) -> Vec<u8> {
        let config = self.node.config();
        let mut out = BytesMut::from(text);
        if !config.keyring.is_empty() {
            self.sealer.seal_memberlist_stream(SealVersion::V1, &config.label, &mut out, 0);
        }
        out.to_vec()
    }

    /// The node's view, as sent in a push/pull.
    pub fn table(&mut self) -> Vec<Row> {
        let mut question = BytesMut::new();
        encode_push_pull(false, std::iter::empty(), &[], &mut question);
        let question = self.dialled_with(&question);
        let (id, outputs) = self.receive(at("127.0.0.1:4242"), &question);
        match self.said(&written(&outputs, id), false) {
            Said::PushPull { rows, .. } => rows,
            other => panic!("no table but {other:?}"),
        }
    }

    pub fn drops(&self) -> u64 {
        self.node.stats().drops.total()
    }

    /// Whether the node complained: a drop if Go logs something, an event if Go is silent.
    pub fn complained(&self, outputs: &[Output], drops_before: u64, go_logs: bool) -> bool {
        if go_logs {
            self.drops() > drops_before
        } else {
            events(outputs).any(|event| matches!(event, Event::BadInput { .. }))
        }
    }
}

pub fn row(member: &swim_core::MemberRef<'_>) -> Row {
    let ip = match member.address.ip() {
        IpAddr::V4(ip) => hex(&ip.octets()),
        IpAddr::V6(ip) => hex(&ip.octets()),
    };
    let (protocol, application) = (member.versions.protocol, member.versions.application);
    Row {
        name: member.name.to_owned(),
        state: member.state,
        incarnation: member.incarnation.0,
        address: format!("{ip}:{}", member.address.port()),
        meta: member.meta.to_vec(),
        versions: [
            protocol.min,
            protocol.max,
            protocol.current,
            application.min,
            application.max,
            application.current,
        ],
    }
}

pub fn events(outputs: &[Output]) -> impl Iterator<Item = &Event> {
    outputs.iter().filter_map(|output| match output {
        Output::Event(event) => Some(event),
        _ => None,
    })
}

/// The bytes that the node writes to a stream.
pub fn written(outputs: &[Output], stream: StreamId) -> Vec<u8> {
    let mut written = vec![];
    for output in outputs {
        if let Output::Stream { id, op: StreamOp::Send(bytes) } = output
            && *id == stream
        {
            written.extend_from_slice(bytes);
        }
    }
    written
}

/// The stream that the node opens.
pub fn dialled(outputs: &[Output]) -> Option<StreamId> {
    outputs.iter().find_map(|output| match output {
        Output::Stream { id, op: StreamOp::Open { .. } } => Some(*id),
        _ => None,
    })
}

/// The texts of a list, in alphabetical order.
pub fn sorted(list: &Value) -> Vec<String> {
    let mut texts: Vec<String> =
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}
