//! The schema again, as structs that `prost` encodes and decodes: the reference for the codec.

use std::net::SocketAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use swim_core::wire::{self, Claim, Envelope, Message};
use swim_core::{Incarnation, MemberRef, State, VersionRange, Versions};

/// The body of a datagram.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Packet {
    #[prost(message, repeated, tag = "1")]
    pub ping: Vec<Ping>,
    #[prost(message, repeated, tag = "2")]
    pub indirect_ping: Vec<IndirectPing>,
    #[prost(message, repeated, tag = "3")]
    pub ack: Vec<Ack>,
    #[prost(message, repeated, tag = "4")]
    pub nack: Vec<Nack>,
    #[prost(message, repeated, tag = "5")]
    pub alive: Vec<Alive>,
    #[prost(message, repeated, tag = "6")]
    pub suspect: Vec<Accusation>,
    #[prost(message, repeated, tag = "7")]
    pub failed: Vec<Accusation>,
    #[prost(message, repeated, tag = "8")]
    pub left: Vec<Left>,
    #[prost(message, repeated, tag = "9")]
    pub user: Vec<User>,
    #[prost(message, repeated, tag = "10")]
    pub broadcast: Vec<Broadcast>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Ping {
    #[prost(fixed32, tag = "1")]
    pub sequence: u32,
    #[prost(string, tag = "2")]
    pub target: String,
    #[prost(string, tag = "3")]
    pub source: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct IndirectPing {
    #[prost(fixed32, tag = "1")]
    pub sequence: u32,
    #[prost(string, tag = "2")]
    pub target: String,
    #[prost(bytes = "vec", tag = "3")]
    pub address: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Ack {
    #[prost(fixed32, tag = "1")]
    pub sequence: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
    #[prost(fixed32, tag = "4")]
    pub view: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Nack {
    #[prost(fixed32, tag = "1")]
    pub sequence: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Alive {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(fixed32, tag = "2")]
    pub incarnation: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub address: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub meta: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub versions: Vec<u8>,
}

/// A suspect or failed claim.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Accusation {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(fixed32, tag = "2")]
    pub incarnation: u32,
    #[prost(string, tag = "3")]
    pub accuser: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Left {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(fixed32, tag = "2")]
    pub incarnation: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct User {
    #[prost(string, tag = "1")]
    pub from: String,
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
    #[prost(fixed64, tag = "3")]
    pub to: u64,
    #[prost(fixed32, tag = "4")]
    pub incarnation: u32,
    #[prost(fixed32, tag = "5")]
    pub life: u32,
    #[prost(uint32, tag = "6")]
    pub sequence: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Broadcast {
    #[prost(string, tag = "1")]
    pub origin: String,
    #[prost(fixed32, tag = "2")]
    pub life: u32,
    #[prost(uint32, tag = "3")]
    pub sequence: u32,
    #[prost(bytes = "vec", tag = "4")]
    pub payload: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub key: Vec<u8>,
    #[prost(fixed32, tag = "6")]
    pub known: u32,
}

/// The body of a frame.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Frame {
    #[prost(oneof = "FrameMessage", tags = "1, 2, 3, 4")]
    pub message: Option<FrameMessage>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum FrameMessage {
    #[prost(message, tag = "1")]
    Ping(Ping),
    #[prost(message, tag = "2")]
    Ack(Ack),
    #[prost(message, tag = "3")]
    User(User),
    #[prost(message, tag = "4")]
    PushPull(PushPull),
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PushPull {
    #[prost(message, repeated, tag = "1")]
    pub member: Vec<Member>,
    #[prost(bytes = "vec", tag = "2")]
    pub user_state: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub join: bool,
    #[prost(bool, tag = "4")]
    pub last: bool,
    #[prost(bool, tag = "5")]
    pub partial: bool,
    #[prost(fixed64, tag = "6")]
    pub view: u64,
    #[prost(bool, tag = "7")]
    pub withheld: bool,
    #[prost(uint64, tag = "8")]
    pub lived: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Member {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(fixed32, tag = "2")]
    pub incarnation: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub address: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub meta: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub versions: Vec<u8>,
    #[prost(enumeration = "StateNumber", tag = "6")]
    pub state: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum StateNumber {
    Alive = 0,
    Suspect = 1,
    Failed = 2,
    Left = 3,
}

/// One message of a packet, with its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Ping(Ping),
    IndirectPing(IndirectPing),
    Ack(Ack),
    Nack(Nack),
    Alive(Alive),
    Suspect(Accusation),
    Failed(Accusation),
    Left(Left),
    User(User),
    Broadcast(Broadcast),
}

impl Kind {
    /// The message in the codec's form.
    pub fn message(&self) -> Message<'_> {
        let update = |name, incarnation, claim| {
            Message::Update(wire::Update { name, incarnation: Incarnation(incarnation), claim })
        };
        match self {
            Kind::Ping(m) => Message::Ping(m.message()),
            Kind::IndirectPing(m) => Message::IndirectPing(wire::IndirectPing::new(
                m.sequence,
                &m.target,
                address(&m.address),
            )),
            Kind::Ack(m) => Message::Ack(m.message()),
            Kind::Nack(m) => Message::Nack { sequence: m.sequence },
            Kind::Alive(m) => {
                let (address, versions) = (address(&m.address), versions(&m.versions));
                update(&m.name, m.incarnation, Claim::Alive { address, meta: &m.meta, versions })
            }
            Kind::Suspect(m) => {
                update(&m.name, m.incarnation, Claim::Suspect { accuser: &m.accuser })
            }
            Kind::Failed(m) => {
                update(&m.name, m.incarnation, Claim::Failed { accuser: &m.accuser })
            }
            Kind::Left(m) => update(&m.name, m.incarnation, Claim::Left),
            Kind::User(m) => Message::User(m.message()),
            Kind::Broadcast(m) => Message::Broadcast(wire::Broadcast {
                origin: &m.origin,
                life: m.life,
                sequence: m.sequence,
                key: &m.key,
                payload: &m.payload,
                known: Incarnation(m.known),
            }),
        }
    }
}

impl Ping {
    pub fn message(&self) -> wire::Ping<'_> {
        wire::Ping {
            sequence: self.sequence,
            target: &self.target,
            source: &self.source,
            reply_to: None,
        }
    }
}

impl Ack {
    pub fn message(&self) -> wire::Ack<'_> {
        wire::Ack { sequence: self.sequence, payload: &self.payload, view: self.view }
    }
}

impl User {
    pub fn message(&self) -> wire::User<'_> {
        let User { to, life, sequence, .. } = *self;
        let incarnation = Incarnation(self.incarnation);
        let envelope = Envelope { to, incarnation, life, sequence };
        let envelope = (to != 0).then_some(envelope);
        wire::User { from: &self.from, payload: &self.payload, envelope }
    }
}

impl Member {
    pub fn member(&self) -> MemberRef<'_> {
        MemberRef {
            name: &self.name,
            address: address(&self.address),
            state: match self.state() {
                StateNumber::Alive => State::Alive,
                StateNumber::Suspect => State::Suspect,
                StateNumber::Failed => State::Failed,
                StateNumber::Left => State::Left,
            },
            incarnation: Incarnation(self.incarnation),
            meta: &self.meta,
            versions: versions(&self.versions),
        }
    }
}

impl Packet {
    /// All messages, each kind in a list of its own.
    pub fn of(messages: &[Kind]) -> Packet {
        let mut packet = Packet::default();
        for message in messages.iter().cloned() {
            match message {
                Kind::Ping(m) => packet.ping.push(m),
                Kind::IndirectPing(m) => packet.indirect_ping.push(m),
                Kind::Ack(m) => packet.ack.push(m),
                Kind::Nack(m) => packet.nack.push(m),
                Kind::Alive(m) => packet.alive.push(m),
                Kind::Suspect(m) => packet.suspect.push(m),
                Kind::Failed(m) => packet.failed.push(m),
                Kind::Left(m) => packet.left.push(m),
                Kind::User(m) => packet.user.push(m),
                Kind::Broadcast(m) => packet.broadcast.push(m),
            }
        }
        packet
    }

    /// All messages in the order in which `prost` encodes them.
    pub fn kinds(self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        kinds.extend(self.ping.into_iter().map(Kind::Ping));
        kinds.extend(self.indirect_ping.into_iter().map(Kind::IndirectPing));
        kinds.extend(self.ack.into_iter().map(Kind::Ack));
        kinds.extend(self.nack.into_iter().map(Kind::Nack));
        kinds.extend(self.alive.into_iter().map(Kind::Alive));
        kinds.extend(self.suspect.into_iter().map(Kind::Suspect));
        kinds.extend(self.failed.into_iter().map(Kind::Failed));
        kinds.extend(self.left.into_iter().map(Kind::Left));
        kinds.extend(self.user.into_iter().map(Kind::User));
        kinds.extend(self.broadcast.into_iter().map(Kind::Broadcast));
        kinds
    }
}

/// An address field, read by other code than the codec's.
pub fn address(bytes: &[u8]) -> SocketAddr {
    let (ip, port) = bytes.split_at(bytes.len() - 2);
    let port = u16::from(port[0]) << 8 | u16::from(port[1]);
    match ip.len() {
        4 => (<[u8; 4]>::try_from(ip).unwrap(), port).into(),
        16 => (<[u8; 16]>::try_from(ip).unwrap(), port).into(),
        size => panic!("an address of {size} bytes"),
    }
}

fn versions(bytes: &[u8]) -> Versions {
    if bytes.is_empty() {
        return Versions::DEFAULT;
    }
    let range = |b: &[u8]| VersionRange { min: b[0], max: b[1], current: b[2] };
    Versions { protocol: range(&bytes[..3]), application: range(&bytes[3..]) }
}

pub fn any_kinds() -> impl Strategy<Value = Vec<Kind>> {
    vec(any_kind(), 0..12)
}

pub fn any_kind() -> impl Strategy<Value = Kind> {
    let accusation =
        || {
            (any_name(), any_number(), any_name())
                .prop_map(|(name, incarnation, accuser)| Accusation { name, incarnation, accuser })
        };
    prop_oneof![
        any_ping().prop_map(Kind::Ping),
        (any_number(), any_name(), any_address()).prop_map(|(sequence, target, address)| {
            Kind::IndirectPing(IndirectPing { sequence, target, address })
        }),
        any_ack().prop_map(Kind::Ack),
        any_number().prop_map(|sequence| Kind::Nack(Nack { sequence })),
        any_member().prop_map(|Member { name, incarnation, address, meta, versions, .. }| {
            Kind::Alive(Alive { name, incarnation, address, meta, versions })
        }),
        accusation().prop_map(Kind::Suspect),
        accusation().prop_map(Kind::Failed),
        (any_name(), any_number())
            .prop_map(|(name, incarnation)| Kind::Left(Left { name, incarnation })),
        any_user().prop_map(Kind::User),
        (any_name(), [any_number(), any_number(), any_number()], any_payload(), any_key())
            .prop_map(|(origin, [life, sequence, known], payload, key)| {
                Kind::Broadcast(Broadcast { origin, life, sequence, payload, key, known })
            }),
    ]
}

fn any_key() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=255)
}

pub fn any_ping() -> impl Strategy<Value = Ping> {
    (any_number(), any_name(), any_name()).prop_map(|(sequence, target, source)| Ping {
        sequence,
        target,
        source,
    })
}

pub fn any_ack() -> impl Strategy<Value = Ack> {
    (any_number(), any_payload(), any_number()).prop_map(|(sequence, payload, view)| Ack {
        sequence,
        payload,
        view,
    })
}

pub fn any_user() -> impl Strategy<Value = User> {
    let to = prop_oneof![Just(0), any::<u64>()];
    let numbers = (to, any_number(), any_number(), any_number());
    (any_name(), any_payload(), numbers).prop_map(|(from, payload, numbers)| {
        let (to, incarnation, life, sequence) =
            if numbers.0 == 0 { Default::default() } else { numbers };
        User { from, payload, to, incarnation, life, sequence }
    })
}

pub fn any_member() -> impl Strategy<Value = Member> {
    let parts = (any_name(), any_number(), any_address(), any_payload(), any_versions(), 0..4);
    parts.prop_map(|(name, incarnation, address, meta, versions, state)| Member {
        name,
        incarnation,
        address,
        meta,
        versions,
        state,
    })
}

pub fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,12}",
        2 => "\\PC{1,63}",
        1 => Just("n".repeat(127)),
        1 => Just("n".repeat(128)),
        1 => Just("é".repeat(127) + "n"),
    ]
}

fn any_number() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), Just(0), Just(127), Just(128), Just(u32::MAX)]
}

fn any_address() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 6), vec(any::<u8>(), 18)]
}

pub fn any_payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), vec(any::<u8>(), 0..40), vec(any::<u8>(), 120..300)]
}

/// Never the default: the codec leaves that out.
fn any_versions() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        vec(any::<u8>(), 6).prop_filter("the default", |bytes| bytes != &[1, 1, 1, 0, 0, 0]),
    ]
}
