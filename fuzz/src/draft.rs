//! Well-formed messages and frames, with members and content from the input.

use core::net::SocketAddr;

use bytes::BytesMut;
use swim_core::wire::{
    self, Ack, Broadcast, Claim, Envelope, Frame, IndirectPing, Message, Ping, Scope, SealVersion,
    Update, User, Wire, memberlist,
};
use swim_core::{Incarnation, MemberRef, State, VersionRange, Versions};

use super::input::Input;
use super::settings::{NAMES, address, home};
use super::voice::{Side, Talk, Voice};

const META: [u8; 600] = [b'm'; 600];

/// Returns one of the few names.
pub fn name(input: &mut Input<'_>) -> &'static str {
    input.pick(&NAMES)
}

/// Returns a small incarnation, one near the end, or any.
pub fn incarnation(input: &mut Input<'_>) -> Incarnation {
    Incarnation(match input.byte() {
        small @ 0..200 => u32::from(small) % 16,
        large @ 200..240 => u32::MAX - u32::from(large) % 4,
        _ => input.number(),
    })
}

/// Returns the versions of a usual member on this wire.
#[must_use]
pub fn usual_versions(wire: Wire) -> Versions {
    match wire {
        Wire::Swim => Versions::DEFAULT,
        Wire::Memberlist => Versions::MEMBERLIST,
    }
}

fn versions(input: &mut Input<'_>, wire: Wire) -> Versions {
    if input.byte() < 224 {
        return usual_versions(wire);
    }
    let mut range =
        || VersionRange { min: input.byte() % 4, max: input.byte() % 4, current: input.byte() % 4 };
    Versions { protocol: range(), application: range() }
}

/// Returns metadata: none, a little, the usual limits, or one byte more.
fn meta(input: &mut Input<'_>) -> &'static [u8] {
    let size = input.pick(&[0, 0, 0, 1, 3, 100, 101, 512, 513]);
    &META[..size]
}

/// Returns an arbitrary member, mostly at its own address.
pub fn member(input: &mut Input<'_>, wire: Wire) -> MemberRef<'static> {
    let number = input.below(NAMES.len());
    MemberRef {
        name: NAMES[number],
        address: if input.byte() < 192 { home(number) } else { address(input) },
        state: input.pick(&State::ALL),
        incarnation: incarnation(input),
        meta: meta(input),
        versions: versions(input, wire),
    }
}

/// Returns an update about one of the few members.
pub fn update(input: &mut Input<'_>, wire: Wire) -> Update<'static> {
    let member = member(input, wire);
    let claim = match member.state {
        State::Alive => {
            Claim::Alive { address: member.address, meta: member.meta, versions: member.versions }
        }
        State::Suspect => Claim::Suspect { accuser: name(input) },
        State::Failed => Claim::Failed { accuser: name(input) },
        State::Left => Claim::Left,
    };
    Update { name: member.name, incarnation: member.incarnation, claim }
}

/// Returns a broadcast of one of the few members.
pub fn broadcast<'a>(input: &mut Input<'a>) -> Broadcast<'a> {
    Broadcast {
        origin: name(input),
        life: incarnation(input).0,
        sequence: incarnation(input).0,
        key: input.pick(&[b"", b"", b"", b"k", NAMES[11].as_bytes()]),
        payload: input.bytes(),
        known: Incarnation::MAX,
    }
}

/// Returns the scope of a push/pull.
pub fn scope(input: &mut Input<'_>) -> Scope {
    input.pick(&[Scope::Join, Scope::Full, Scope::Partial, Scope::Compare])
}

/// Returns a digest of a view for such a push/pull.
pub fn view(input: &mut Input<'_>, scope: Scope) -> u64 {
    match scope {
        Scope::Compare => u64::from(input.number()) + 1,
        _ => 0,
    }
}

/// Returns the address for an answer, which only memberlist's wire has.
fn reply_to(input: &mut Input<'_>, wire: Wire) -> Option<SocketAddr> {
    (wire == Wire::Memberlist && input.byte() < 128).then(|| address(input))
}

/// Returns a ping for one of the few members.
pub fn ping(input: &mut Input<'_>, wire: Wire) -> Ping<'static> {
    Ping {
        sequence: input.number(),
        target: name(input),
        source: name(input),
        reply_to: reply_to(input, wire),
    }
}

/// Returns a ping for the node itself, from a member that it may know.
pub fn question(input: &mut Input<'_>, wire: Wire) -> Ping<'static> {
    Ping {
        sequence: input.number(),
        target: NAMES[0],
        source: name(input),
        reply_to: reply_to(input, wire),
    }
}

/// Returns the other version of memberlist's seals.
#[must_use]
pub const fn other(version: SealVersion) -> SealVersion {
    match version {
        SealVersion::V0 => SealVersion::V1,
        SealVersion::V1 => SealVersion::V0,
    }
}

fn indirect_ping(input: &mut Input<'_>, wire: Wire) -> IndirectPing<'static> {
    let request = IndirectPing::new(input.number(), name(input), address(input));
    match wire {
        Wire::Swim => request,
        Wire::Memberlist => IndirectPing {
            source: name(input),
            reply_to: reply_to(input, wire),
            wants_nack: input.flag(),
            ..request
        },
    }
}

fn ack<'a>(input: &mut Input<'a>) -> Ack<'a> {
    Ack { sequence: input.number(), payload: input.bytes(), view: input.number() }
}

/// Returns an envelope for the node itself, at an incarnation that it may have.
///
/// The payload decides the incarnation.
fn envelope(wire: Wire, payload: &[u8]) -> Option<Envelope> {
    let number = u32::from(payload.first().copied().unwrap_or(1));
    let (incarnation, life) = (Incarnation(number % 4), number / 4 % 4);
    let sequence = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let envelope = Envelope { to: wire::recipient(NAMES[0]), incarnation, life, sequence };
    (wire == Wire::Swim).then_some(envelope)
}

/// Returns any message of a datagram. Half of them are updates about members.
pub fn message<'a>(input: &mut Input<'a>, wire: Wire) -> Message<'a> {
    match input.below(16) {
        0 => Message::Ping(ping(input, wire)),
        1 => Message::IndirectPing(indirect_ping(input, wire)),
        2 => Message::Ack(ack(input)),
        3 => Message::Nack { sequence: input.number() },
        4 | 5 => {
            let (from, payload) = (name(input), input.bytes());
            Message::User(User { from, payload, envelope: envelope(wire, payload) })
        }
        6 | 7 => Message::Broadcast(broadcast(input)),
        _ => Message::Update(update(input, wire)),
    }
}

/// Returns a datagram with a few messages.
pub fn packet(input: &mut Input<'_>, voice: &Voice) -> BytesMut {
    let messages: Vec<Message<'_>> =
        (0..=input.below(8)).map(|_| message(input, voice.wire)).collect();
    voice.packet(&messages)
}

/// Returns one side of an exchange on a stream, with its framing: mostly as a peer would send it.
pub fn exchange(input: &mut Input<'_>, voice: &Voice, from: Side, talk: &Talk) -> BytesMut {
    let mut text = BytesMut::new();
    match (input.below(8), voice.wire) {
        (0, Wire::Swim) => Frame::Ping(ping(input, voice.wire)).encode(&mut text),
        (1, Wire::Swim) => Frame::Ack(ack(input)).encode(&mut text),
        (2, Wire::Swim) => {
            let (from, payload) = (name(input), input.bytes());
            let envelope = envelope(voice.wire, payload);
            Frame::User(User { from, payload, envelope }).encode(&mut text);
        }
        (0, Wire::Memberlist) => {
            memberlist::encode(&Message::Ping(ping(input, voice.wire)), &mut text);
        }
        (1, Wire::Memberlist) => memberlist::encode(&Message::Ack(ack(input)), &mut text),
        (2, Wire::Memberlist) if input.flag() => {
            memberlist::encode_error(&String::from_utf8_lossy(input.bytes()), &mut text);
        }
        (2, Wire::Memberlist) => memberlist::encode_user(input.bytes(), &mut text),
        (3, _) => text.extend_from_slice(input.bytes()),
        _ => return half(input, voice, from, talk),
    }
    voice.stream(from, &text, talk)
}

/// Returns one side of a push/pull, with its framing.
pub fn half(input: &mut Input<'_>, voice: &Voice, from: Side, talk: &Talk) -> BytesMut {
    let mut text = BytesMut::new();
    let scope = scope(input);
    let view = view(input, scope);
    let members: Vec<MemberRef<'_>> =
        (0..input.below(6)).map(|_| member(input, voice.wire)).collect();
    let (members, state) = (members.into_iter(), input.bytes());
    match voice.wire {
        Wire::Swim => wire::encode_push_pull(scope, view, members, state, &mut text),
        Wire::Memberlist => {
            memberlist::encode_push_pull(scope == Scope::Join, members, state, &mut text);
        }
    }
    voice.stream(from, &text, talk)
}
