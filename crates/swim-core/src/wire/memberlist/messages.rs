//! memberlist's wire: the fields of each message, as in Go's structs, and their meaning.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::BytesMut;

use super::msgpack::{Fields, Length, Reader, Sink};
use super::{ACK, ALIVE, DEAD, INDIRECT_PING, NACK, PING, SUSPECT, USER};
use crate::member::{Incarnation, MemberRef, NAME_SIZE_MAX, State, Versions};
use crate::stats::DropReason;
use crate::wire::{Ack, Claim, IndirectPing, Message, Ping, Update, User};

/// Appends one message: its type byte and its body, byte for byte as Go writes it.
///
/// A user message and a broadcast are both only the payload, because this wire carries no sender. A
/// [`Claim::Failed`] whose accuser is the member itself reads as [`Claim::Left`].
pub fn encode(message: &Message<'_>, out: &mut BytesMut) {
    out.reserve(encoded_len(message));
    put_message(message, out);
}

/// The number of bytes that [`encode`] appends.
#[must_use]
pub fn encoded_len(message: &Message<'_>) -> usize {
    let mut length = Length::default();
    put_message(message, &mut length);
    length.0
}

/// Reads the body of a message in a packet, without its type.
pub(super) fn decode_message(
    kind: u8,
    body: &[u8],
    default_port: u16,
) -> Result<Message<'_>, DropReason> {
    let reader = Reader::new(body);
    match kind {
        PING => Request::decode::<false>(reader)?.ping().map(Message::Ping),
        INDIRECT_PING => {
            Request::decode::<true>(reader)?.indirect_ping(default_port).map(Message::IndirectPing)
        }
        ACK => AckBody::decode::<true>(reader).map(|answer| Message::Ack(answer.ack())),
        NACK => AckBody::decode::<false>(reader)
            .map(|answer| Message::Nack { sequence: answer.sequence }),
        SUSPECT => AccusationBody::decode(reader)?.update(State::Suspect).map(Message::Update),
        ALIVE => AliveBody::decode::<false>(reader)?.update(default_port).map(Message::Update),
        DEAD => AccusationBody::decode(reader)?.update(State::Failed).map(Message::Update),
        USER => Ok(Message::User(User { from: "", payload: body, envelope: None })),
        _ => Err(DropReason::Unrecognised),
    }
}

fn put_message(message: &Message<'_>, sink: &mut impl Sink) {
    match message {
        Message::Ping(ping) => put_ping(ping, sink),
        Message::IndirectPing(ping) => put_indirect_ping(ping, sink),
        Message::Ack(ack) => {
            sink.put(&[ACK]);
            sink.fields(2);
            sink.bytes("Payload", ack.payload);
            sink.unsigned("SeqNo", ack.sequence);
        }
        Message::Nack { sequence } => {
            sink.put(&[NACK]);
            sink.fields(1);
            sink.unsigned("SeqNo", *sequence);
        }
        Message::Update(update) => put_update(update, sink),
        Message::User(User { payload, .. })
        | Message::Broadcast(crate::wire::Broadcast { payload, .. }) => {
            sink.put(&[USER]);
            sink.put(payload);
        }
    }
}

fn put_ping(ping: &Ping<'_>, sink: &mut impl Sink) {
    sink.put(&[PING]);
    sink.fields(2 + source_fields(ping.source, ping.reply_to));
    sink.text("Node", ping.target.as_bytes());
    sink.unsigned("SeqNo", ping.sequence);
    put_source(ping.source, ping.reply_to, sink);
}

fn put_indirect_ping(ping: &IndirectPing<'_>, sink: &mut impl Sink) {
    sink.put(&[INDIRECT_PING]);
    sink.fields(5 + source_fields(ping.source, ping.reply_to));
    sink.bool("Nack", ping.wants_nack);
    sink.text("Node", ping.target.as_bytes());
    sink.unsigned("Port", ping.address.port().into());
    sink.unsigned("SeqNo", ping.sequence);
    put_source(ping.source, ping.reply_to, sink);
    put_ip("Target", ping.address.ip(), sink);
}

/// The number of fields that [`put_source`] writes.
fn source_fields(source: &str, reply_to: Option<SocketAddr>) -> u8 {
    let port = reply_to.is_some_and(|address| address.port() != 0);
    u8::from(reply_to.is_some()) + u8::from(!source.is_empty()) + u8::from(port)
}

/// The requester and the address for the answer. Unknown fields are left out.
fn put_source(source: &str, reply_to: Option<SocketAddr>, sink: &mut impl Sink) {
    if let Some(address) = reply_to {
        put_ip("SourceAddr", address.ip(), sink);
    }
    if !source.is_empty() {
        sink.text("SourceNode", source.as_bytes());
    }
    if let Some(port) = reply_to.map(|address| address.port()).filter(|&port| port != 0) {
        sink.unsigned("SourcePort", port.into());
    }
}

fn put_update(update: &Update<'_>, sink: &mut impl Sink) {
    let (kind, accuser) = match update.claim {
        Claim::Alive { address, meta, versions } => {
            sink.put(&[ALIVE]);
            sink.fields(6);
            put_ip("Addr", address.ip(), sink);
            sink.unsigned("Incarnation", update.incarnation.0);
            sink.bytes("Meta", meta);
            sink.text("Node", update.name.as_bytes());
            sink.unsigned("Port", address.port().into());
            sink.bytes("Vsn", &versions.to_bytes());
            return;
        }
        Claim::Suspect { accuser } => (SUSPECT, accuser),
        Claim::Failed { accuser } => (DEAD, accuser),
        Claim::Left => (DEAD, update.name),
    };
    sink.put(&[kind]);
    sink.fields(3);
    sink.text("From", accuser.as_bytes());
    sink.unsigned("Incarnation", update.incarnation.0);
    sink.text("Node", update.name.as_bytes());
}

/// A member of a push/pull.
pub(super) fn put_member(member: &MemberRef<'_>, sink: &mut impl Sink) {
    sink.fields(7);
    put_ip("Addr", member.address.ip(), sink);
    sink.unsigned("Incarnation", member.incarnation.0);
    sink.bytes("Meta", member.meta);
    sink.text("Name", member.name.as_bytes());
    sink.unsigned("Port", member.address.port().into());
    sink.int("State", state_to_number(member.state));
    sink.bytes("Vsn", &member.versions.to_bytes());
}

/// Writes 4 or 16 bytes, as received. Go compares addresses byte by byte, so an address received as
/// 16 bytes must not be passed on as 4, even if they mean the same.
fn put_ip(name: &str, address: IpAddr, sink: &mut impl Sink) {
    match address {
        IpAddr::V4(address) => sink.bytes(name, &address.octets()),
        IpAddr::V6(address) => sink.bytes(name, &address.octets()),
    }
}

/// A ping or, with `INDIRECT`, a request to ping another member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) sequence: u32,
    pub(super) node: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) port: u16,
    pub(super) nack: bool,
    pub(super) source_address: &'a [u8],
    pub(super) source_port: u16,
    pub(super) source_node: &'a [u8],
}

impl<'a> Request<'a> {
    pub(super) fn decode<const INDIRECT: bool>(reader: Reader<'a>) -> Result<Self, DropReason> {
        const DIRECT_ORDER: &[&str] = &["SeqNo", "Node", "SourceAddr", "SourcePort", "SourceNode"];
        const INDIRECT_ORDER: &[&str] =
            &["SeqNo", "Target", "Port", "Node", "Nack", "SourceAddr", "SourcePort", "SourceNode"];
        let order = if INDIRECT { INDIRECT_ORDER } else { DIRECT_ORDER };
        let mut request = Request::default();
        let mut fields = Fields::new(reader, order)?;
        while let Some(name) = fields.name()? {
            match name {
                b"SeqNo" => request.sequence = fields.value.u32()?,
                b"Node" => request.node = fields.value.bytes()?,
                b"Target" if INDIRECT => request.target = fields.value.bytes()?,
                b"Port" if INDIRECT => request.port = fields.value.u16()?,
                b"Nack" if INDIRECT => request.nack = fields.value.bool()?,
                b"SourceAddr" => request.source_address = fields.value.bytes()?,
                b"SourcePort" => request.source_port = fields.value.u16()?,
                b"SourceNode" => request.source_node = fields.value.bytes()?,
                _ => fields.value.skip()?,
            }
        }
        Ok(request)
    }

    pub(super) fn ping(&self) -> Result<Ping<'a>, DropReason> {
        Ok(Ping {
            sequence: self.sequence,
            target: name_or_empty(self.node)?,
            source: name_or_empty(self.source_node)?,
            reply_to: self.reply_to()?,
        })
    }

    fn indirect_ping(&self, default_port: u16) -> Result<IndirectPing<'a>, DropReason> {
        Ok(IndirectPing {
            sequence: self.sequence,
            target: name(self.node)?,
            address: address(self.target, self.port, default_port)?,
            source: name_or_empty(self.source_node)?,
            reply_to: self.reply_to()?,
            wants_nack: self.nack,
        })
    }

    /// The address for the answer, if both address and port are given.
    fn reply_to(&self) -> Result<Option<SocketAddr>, DropReason> {
        match (self.source_address, self.source_port) {
            ([], _) | (_, 0) => Ok(None),
            (ip, port) => address(ip, port, port).map(Some),
        }
    }
}

/// An ack or, without `PAYLOAD`, a nack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AckBody<'a> {
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
}

impl<'a> AckBody<'a> {
    pub(super) fn decode<const PAYLOAD: bool>(reader: Reader<'a>) -> Result<Self, DropReason> {
        const ORDER: &[&str] = &["SeqNo", "Payload"];
        let mut answer = AckBody::default();
        let mut fields = Fields::new(reader, ORDER)?;
        while let Some(name) = fields.name()? {
            match name {
                b"SeqNo" => answer.sequence = fields.value.u32()?,
                b"Payload" if PAYLOAD => answer.payload = fields.value.bytes()?,
                _ => fields.value.skip()?,
            }
        }
        Ok(answer)
    }

    pub(super) fn ack(&self) -> Ack<'a> {
        Ack { sequence: self.sequence, payload: self.payload, view: 0 }
    }
}

/// A suspect, a dead, or a leave message, which is a dead message about the sender itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AccusationBody<'a> {
    pub(super) incarnation: u32,
    pub(super) node: &'a [u8],
    pub(super) from: &'a [u8],
}

impl<'a> AccusationBody<'a> {
    pub(super) fn decode(reader: Reader<'a>) -> Result<Self, DropReason> {
        const ORDER: &[&str] = &["Incarnation", "Node", "From"];
        let mut accusation = AccusationBody::default();
        let mut fields = Fields::new(reader, ORDER)?;
        while let Some(name) = fields.name()? {
            match name {
                b"Incarnation" => accusation.incarnation = fields.value.u32()?,
                b"Node" => accusation.node = fields.value.bytes()?,
                b"From" => accusation.from = fields.value.bytes()?,
                _ => fields.value.skip()?,
            }
        }
        Ok(accusation)
    }

    fn update(&self, state: State) -> Result<Update<'a>, DropReason> {
        let (name, accuser) = (name(self.node)?, name(self.from)?);
        let claim = match state {
            State::Suspect => Claim::Suspect { accuser },
            _ if accuser == name => Claim::Left,
            _ => Claim::Failed { accuser },
        };
        Ok(Update { name, incarnation: Incarnation(self.incarnation), claim })
    }
}

/// An alive message or, with `STATE`, a member of a push/pull, which has one more field and another
/// name for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AliveBody<'a> {
    pub(super) name: &'a [u8],
    pub(super) ip: &'a [u8],
    pub(super) port: u16,
    pub(super) meta: &'a [u8],
    pub(super) incarnation: u32,
    pub(super) state: i64,
    pub(super) versions: &'a [u8],
}

impl<'a> AliveBody<'a> {
    pub(super) fn decode<const STATE: bool>(mut reader: Reader<'a>) -> Result<Self, DropReason> {
        AliveBody::decode_next::<STATE>(&mut reader)
    }

    /// The same, and moves the reader past it; after an error the reader stays.
    pub(super) fn decode_next<const STATE: bool>(
        reader: &mut Reader<'a>,
    ) -> Result<Self, DropReason> {
        const ALIVE_ORDER: &[&str] = &["Incarnation", "Node", "Addr", "Port", "Meta", "Vsn"];
        const MEMBER_ORDER: &[&str] =
            &["Name", "Addr", "Port", "Meta", "Incarnation", "State", "Vsn"];
        let order = if STATE { MEMBER_ORDER } else { ALIVE_ORDER };
        let mut announcement = AliveBody::default();
        let mut fields = Fields::new(*reader, order)?;
        while let Some(name) = fields.name()? {
            match name {
                b"Node" if !STATE => announcement.name = fields.value.bytes()?,
                b"Name" if STATE => announcement.name = fields.value.bytes()?,
                b"Addr" => announcement.ip = fields.value.bytes()?,
                b"Port" => announcement.port = fields.value.u16()?,
                b"Meta" => announcement.meta = fields.value.bytes()?,
                b"Incarnation" => announcement.incarnation = fields.value.u32()?,
                b"State" if STATE => announcement.state = fields.value.int()?,
                b"Vsn" => announcement.versions = fields.value.bytes()?,
                _ => fields.value.skip()?,
            }
        }
        *reader = fields.value;
        Ok(announcement)
    }

    fn update(&self, default_port: u16) -> Result<Update<'a>, DropReason> {
        let name = name(self.name)?;
        let claim = Claim::Alive {
            address: address(self.ip, self.port, default_port)?,
            meta: self.meta,
            versions: versions(self.versions)?,
        };
        Ok(Update { name, incarnation: Incarnation(self.incarnation), claim })
    }

    /// The member of a push/pull; `None` if its state is unknown, which Go skips too.
    pub(super) fn member(&self, default_port: u16) -> Result<Option<MemberRef<'a>>, DropReason> {
        let Some(state) = state_from_number(self.state) else {
            return Ok(None);
        };
        Ok(Some(MemberRef {
            name: name(self.name)?,
            address: address(self.ip, self.port, default_port)?,
            state,
            incarnation: Incarnation(self.incarnation),
            meta: self.meta,
            versions: versions(self.versions)?,
        }))
    }
}

/// A compressed message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compressed<'a> {
    pub(super) algorithm: u8,
    pub(super) text: &'a [u8],
}

impl<'a> Compressed<'a> {
    pub(super) fn decode(reader: Reader<'a>) -> Result<Self, DropReason> {
        const ORDER: &[&str] = &["Algo", "Buf"];
        let mut compressed = Compressed::default();
        let mut fields = Fields::new(reader, ORDER)?;
        while let Some(name) = fields.name()? {
            match name {
                b"Algo" => compressed.algorithm = fields.value.u8()?,
                b"Buf" => compressed.text = fields.value.bytes()?,
                _ => fields.value.skip()?,
            }
        }
        Ok(compressed)
    }
}

fn name(bytes: &[u8]) -> Result<&str, DropReason> {
    if bytes.is_empty() { Err(DropReason::Malformed) } else { name_or_empty(bytes) }
}

fn name_or_empty(bytes: &[u8]) -> Result<&str, DropReason> {
    if bytes.len() > NAME_SIZE_MAX {
        return Err(DropReason::Malformed);
    }
    str::from_utf8(bytes).map_err(|_| DropReason::Malformed)
}

/// Protocol version 1 sends port 0: there, all members have the receiver's port.
fn address(ip: &[u8], port: u16, default_port: u16) -> Result<SocketAddr, DropReason> {
    let port = if port == 0 { default_port } else { port };
    if let Ok(octets) = <[u8; 4]>::try_from(ip) {
        Ok(SocketAddr::new(Ipv4Addr::from(octets).into(), port))
    } else if let Ok(octets) = <[u8; 16]>::try_from(ip) {
        Ok(SocketAddr::new(Ipv6Addr::from(octets).into(), port))
    } else {
        Err(DropReason::BadAddress)
    }
}

/// Requires all six versions. A Go node stores a member that announces fewer with versions 0, and
/// then refuses every push/pull. Passing on such a member would poison the cluster.
fn versions(bytes: &[u8]) -> Result<Versions, DropReason> {
    let bytes = bytes.first_chunk().ok_or(DropReason::Versions)?;
    Ok(Versions::from_bytes(*bytes))
}

fn state_to_number(state: State) -> usize {
    match state {
        State::Alive => 0,
        State::Suspect => 1,
        State::Failed => 2,
        State::Left => 3,
    }
}

fn state_from_number(number: i64) -> Option<State> {
    match number {
        0 => Some(State::Alive),
        1 => Some(State::Suspect),
        2 => Some(State::Failed),
        3 => Some(State::Left),
        _ => None,
    }
}
