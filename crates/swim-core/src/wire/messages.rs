//! The native wire format: the fields of each message, listed once for writing and once for
//! reading.
//!
//! The last value of a repeated field counts. Unknown fields are skipped.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::protobuf::{Body, Fields, Sink};
use super::{
    Ack, BROADCAST_KEY_SIZE_MAX, Broadcast, Claim, Envelope, IndirectPing, Message, Ping, Update,
    User,
};
use crate::member::{Incarnation, MemberRef, NAME_SIZE_MAX, State, Versions};
use crate::stats::DropReason;

impl Body for Message<'_> {
    #[inline]
    fn fields(&self, sink: &mut impl Sink) {
        match self {
            Message::Ping(ping) => ping.fields(sink),
            Message::IndirectPing(ping) => ping.fields(sink),
            Message::Ack(ack) => ack.fields(sink),
            Message::Nack { sequence } => sink.fixed32(1, *sequence),
            Message::Update(update) => update.fields(sink),
            Message::User(user) => user.fields(sink),
            Message::Broadcast(broadcast) => broadcast.fields(sink),
        }
    }
}

impl Body for Ping<'_> {
    fn fields(&self, sink: &mut impl Sink) {
        sink.fixed32(1, self.sequence);
        sink.bytes(2, self.target.as_bytes());
        sink.bytes(3, self.source.as_bytes());
    }
}

impl<'a> Ping<'a> {
    #[inline]
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DropReason> {
        let (mut sequence, mut target, mut source) = (0, None, None);
        let mut fields = Fields::new(body);
        while let Some(key) = fields.key()? {
            match key.number() {
                1 => sequence = fields.fixed32(key)?,
                2 => target = Some(fields.bytes(key)?),
                3 => source = Some(fields.bytes(key)?),
                _ => fields.skip(key)?,
            }
        }
        Ok(Ping { sequence, target: name(target)?, source: name(source)?, reply_to: None })
    }
}

impl Body for IndirectPing<'_> {
    #[inline]
    fn fields(&self, sink: &mut impl Sink) {
        sink.fixed32(1, self.sequence);
        sink.bytes(2, self.target.as_bytes());
        sink.address(3, self.address);
    }
}

impl<'a> IndirectPing<'a> {
    #[inline]
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DropReason> {
        let (mut sequence, mut target, mut to) = (0, None, None);
        let mut fields = Fields::new(body);
        while let Some(key) = fields.key()? {
            match key.number() {
                1 => sequence = fields.fixed32(key)?,
                2 => target = Some(fields.bytes(key)?),
                3 => to = Some(fields.bytes(key)?),
                _ => fields.skip(key)?,
            }
        }
        Ok(IndirectPing::new(sequence, name(target)?, address(to)?))
    }
}

impl Body for Ack<'_> {
    fn fields(&self, sink: &mut impl Sink) {
        sink.fixed32(1, self.sequence);
        sink.bytes(2, self.payload);
        sink.fixed32(4, self.view);
    }
}

impl<'a> Ack<'a> {
    #[inline]
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DropReason> {
        let mut ack = Ack { sequence: 0, payload: &[], view: 0 };
        let mut fields = Fields::new(body);
        while let Some(key) = fields.key()? {
            match key.number() {
                1 => ack.sequence = fields.fixed32(key)?,
                2 => ack.payload = fields.bytes(key)?,
                4 => ack.view = fields.fixed32(key)?,
                _ => fields.skip(key)?,
            }
        }
        Ok(ack)
    }
}

/// A nack has only a sequence number.
#[inline]
pub(super) fn decode_nack(body: &[u8]) -> Result<u32, DropReason> {
    let mut sequence = 0;
    let mut fields = Fields::new(body);
    while let Some(key) = fields.key()? {
        match key.number() {
            1 => sequence = fields.fixed32(key)?,
            _ => fields.skip(key)?,
        }
    }
    Ok(sequence)
}

impl Body for Update<'_> {
    #[inline]
    fn fields(&self, sink: &mut impl Sink) {
        match self.claim {
            Claim::Alive { address, meta, versions } => {
                announcement(sink, self.name, self.incarnation, address, meta, versions);
            }
            Claim::Suspect { accuser } | Claim::Failed { accuser } => {
                sink.bytes(1, self.name.as_bytes());
                sink.fixed32(2, self.incarnation.0);
                sink.bytes(3, accuser.as_bytes());
            }
            Claim::Left => {
                sink.bytes(1, self.name.as_bytes());
                sink.fixed32(2, self.incarnation.0);
            }
        }
    }
}

impl<'a> Update<'a> {
    /// Reads a message that claims `state`.
    #[inline]
    pub(super) fn decode(state: State, body: &'a [u8]) -> Result<Self, DropReason> {
        if state == State::Alive {
            let MemberRef { name, address, incarnation, meta, versions, .. } =
                decode_announcement::<false>(body)?;
            let claim = Claim::Alive { address, meta, versions };
            return Ok(Update { name, incarnation, claim });
        }
        let (mut about, mut incarnation, mut accuser) = (None, 0, None);
        let mut fields = Fields::new(body);
        while let Some(key) = fields.key()? {
            match key.number() {
                1 => about = Some(fields.bytes(key)?),
                2 => incarnation = fields.fixed32(key)?,
                3 if state != State::Left => accuser = Some(fields.bytes(key)?),
                _ => fields.skip(key)?,
            }
        }
        let claim = match state {
            State::Suspect => Claim::Suspect { accuser: name(accuser)? },
            State::Failed => Claim::Failed { accuser: name(accuser)? },
            // Alive has returned above.
            State::Alive | State::Left => Claim::Left,
        };
        Ok(Update { name: name(about)?, incarnation: Incarnation(incarnation), claim })
    }
}

impl Body for User<'_> {
    fn fields(&self, sink: &mut impl Sink) {
        sink.bytes(1, self.from.as_bytes());
        sink.bytes(2, self.payload);
        if let Some(Envelope { to, incarnation, life, sequence }) = self.envelope {
            sink.fixed64(3, to);
            sink.fixed32(4, incarnation.0);
            sink.fixed32(5, life);
            sink.varint(6, sequence.into());
        }
    }
}

impl<'a> User<'a> {
    #[inline(never)]
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DropReason> {
        let (mut from, mut payload): (_, &[u8]) = (None, &[]);
        let (mut to, mut incarnation, mut life, mut sequence) = (None, 0, 0, 0);
        let mut fields = Fields::new(body);
        while let Some(key) = fields.key()? {
            match key.number() {
                1 => from = Some(fields.bytes(key)?),
                2 => payload = fields.bytes(key)?,
                3 => to = Some(fields.fixed64(key)?),
                4 => incarnation = fields.fixed32(key)?,
                5 => life = fields.fixed32(key)?,
                6 => sequence = number_of_32_bits(fields.varint(key)?)?,
                _ => fields.skip(key)?,
            }
        }
        let incarnation = Incarnation(incarnation);
        let envelope = to.map(|to| Envelope { to, incarnation, life, sequence });
        Ok(User { from: name(from)?, payload, envelope })
    }
}

impl Body for Broadcast<'_> {
    #[inline]
    fn fields(&self, sink: &mut impl Sink) {
        sink.bytes(1, self.origin.as_bytes());
        sink.fixed32(2, self.life);
        sink.varint(3, self.sequence.into());
        sink.bytes(4, self.payload);
        sink.bytes(5, self.key);
        sink.fixed32(6, self.known.0);
    }
}

impl<'a> Broadcast<'a> {
    #[inline(never)]
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DropReason> {
        let (mut origin, mut life, mut sequence, mut known) = (None, 0, 0, 0);
        let (mut payload, mut key): (&[u8], &[u8]) = (&[], &[]);
        let mut fields = Fields::new(body);
        while let Some(field) = fields.key()? {
            match field.number() {
                1 => origin = Some(fields.bytes(field)?),
                2 => life = fields.fixed32(field)?,
                3 => sequence = number_of_32_bits(fields.varint(field)?)?,
                4 => payload = fields.bytes(field)?,
                5 => key = fields.bytes(field)?,
                6 => known = fields.fixed32(field)?,
                _ => fields.skip(field)?,
            }
        }
        if key.len() > BROADCAST_KEY_SIZE_MAX {
            return Err(DropReason::Malformed);
        }
        let (origin, known) = (name(origin)?, Incarnation(known));
        Ok(Broadcast { origin, life, sequence, key, payload, known })
    }
}

/// A member of a push/pull has the fields of an alive message, and a state.
impl Body for MemberRef<'_> {
    #[inline]
    fn fields(&self, sink: &mut impl Sink) {
        let MemberRef { name, address, state, incarnation, meta, versions } = *self;
        announcement(sink, name, incarnation, address, meta, versions);
        sink.varint(6, state_to_number(state));
    }
}

/// Reads a member of a push/pull.
#[inline]
pub(super) fn decode_member(body: &[u8]) -> Result<MemberRef<'_>, DropReason> {
    decode_announcement::<true>(body)
}

#[inline]
fn announcement(
    sink: &mut impl Sink,
    name: &str,
    incarnation: Incarnation,
    address: SocketAddr,
    meta: &[u8],
    versions: Versions,
) {
    sink.bytes(1, name.as_bytes());
    sink.fixed32(2, incarnation.0);
    sink.address(3, address);
    sink.bytes(4, meta);
    if versions != Versions::DEFAULT {
        sink.bytes(5, &versions.to_bytes());
    }
}

/// An alive message or, with `STATE`, a member of a push/pull, which has one more field.
#[inline]
fn decode_announcement<const STATE: bool>(body: &[u8]) -> Result<MemberRef<'_>, DropReason> {
    let (mut about, mut incarnation, mut at, mut state) = (None, 0, None, 0);
    let (mut meta, mut versions): (&[u8], &[u8]) = (&[], &[]);
    let mut fields = Fields::new(body);
    while let Some(key) = fields.key()? {
        match key.number() {
            1 => about = Some(fields.bytes(key)?),
            2 => incarnation = fields.fixed32(key)?,
            3 => at = Some(fields.bytes(key)?),
            4 => meta = fields.bytes(key)?,
            5 => versions = fields.bytes(key)?,
            6 if STATE => state = fields.varint(key)?,
            _ => fields.skip(key)?,
        }
    }
    Ok(MemberRef {
        name: name(about)?,
        address: address(at)?,
        state: state_from_number(state)?,
        incarnation: Incarnation(incarnation),
        meta,
        versions: versions_from_bytes(versions)?,
    })
}

#[inline]
fn name(bytes: Option<&[u8]>) -> Result<&str, DropReason> {
    match bytes {
        Some(bytes) if (1..=NAME_SIZE_MAX).contains(&bytes.len()) => {
            str::from_utf8(bytes).map_err(|_| DropReason::Malformed)
        }
        _ => Err(DropReason::Malformed),
    }
}

#[inline]
fn address(bytes: Option<&[u8]>) -> Result<SocketAddr, DropReason> {
    let (ip, port) = bytes.and_then(<[u8]>::split_last_chunk::<2>).ok_or(DropReason::Malformed)?;
    let port = u16::from_be_bytes(*port);
    if let Ok(octets) = <[u8; 4]>::try_from(ip) {
        Ok(SocketAddr::new(Ipv4Addr::from(octets).into(), port))
    } else if let Ok(octets) = <[u8; 16]>::try_from(ip) {
        Ok(SocketAddr::new(Ipv6Addr::from(octets).into(), port))
    } else {
        Err(DropReason::Malformed)
    }
}

/// Converts a varint of a `uint32` field. It does not truncate larger numbers, so that two sequence
/// numbers never become one.
fn number_of_32_bits(value: u64) -> Result<u32, DropReason> {
    u32::try_from(value).map_err(|_| DropReason::Malformed)
}

fn state_to_number(state: State) -> u64 {
    match state {
        State::Alive => 0,
        State::Suspect => 1,
        State::Failed => 2,
        State::Left => 3,
    }
}

#[inline]
fn state_from_number(number: u64) -> Result<State, DropReason> {
    match number {
        0 => Ok(State::Alive),
        1 => Ok(State::Suspect),
        2 => Ok(State::Failed),
        3 => Ok(State::Left),
        _ => Err(DropReason::Malformed),
    }
}

#[inline]
fn versions_from_bytes(bytes: &[u8]) -> Result<Versions, DropReason> {
    if bytes.is_empty() {
        return Ok(Versions::DEFAULT);
    }
    bytes.try_into().map(Versions::from_bytes).or(Err(DropReason::Malformed))
}
