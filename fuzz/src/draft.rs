//! Messages and frames that are well formed, about whom and what the input says.

use bytes::BytesMut;
use swim_core::wire::{
    self, Ack, Broadcast, Claim, Frame, IndirectPing, Message, Ping, Scope, Update, User,
};
use swim_core::{Incarnation, MemberRef, State, VersionRange, Versions};

use super::input::Input;
use super::settings::{NAMES, address, home};

const META: [u8; 600] = [b'm'; 600];

/// One of the few names.
pub fn name(input: &mut Input<'_>) -> &'static str {
    input.pick(&NAMES)
}

/// A small incarnation, one at the end, or any.
pub fn incarnation(input: &mut Input<'_>) -> Incarnation {
    Incarnation(match input.byte() {
        small @ 0..200 => u32::from(small) % 16,
        large @ 200..240 => u32::MAX - u32::from(large) % 4,
        _ => input.number(),
    })
}

fn versions(input: &mut Input<'_>) -> Versions {
    if input.byte() < 224 {
        return Versions::DEFAULT;
    }
    let mut range =
        || VersionRange { min: input.byte() % 4, max: input.byte() % 4, current: input.byte() % 4 };
    Versions { protocol: range(), application: range() }
}

/// Metadata: none, a little, as much as usual limits allow, or one more.
fn meta(input: &mut Input<'_>) -> &'static [u8] {
    let size = input.pick(&[0, 0, 0, 1, 3, 100, 101, 512, 513]);
    &META[..size]
}

/// A member that may be anything and anywhere, but mostly is where it belongs.
pub fn member(input: &mut Input<'_>) -> MemberRef<'static> {
    let number = input.below(NAMES.len());
    MemberRef {
        name: NAMES[number],
        address: if input.byte() < 192 { home(number) } else { address(input) },
        state: input.pick(&State::ALL),
        incarnation: incarnation(input),
        meta: meta(input),
        versions: versions(input),
    }
}

/// News about one of the few members.
pub fn update(input: &mut Input<'_>) -> Update<'static> {
    let member = member(input);
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

/// A broadcast of one of the few members.
pub fn broadcast<'a>(input: &mut Input<'a>) -> Broadcast<'a> {
    Broadcast {
        origin: name(input),
        life: incarnation(input).0,
        sequence: incarnation(input).0,
        key: input.pick(&[b"", b"", b"", b"k", NAMES[11].as_bytes()]),
        payload: input.bytes(),
    }
}

/// Why a push/pull is made.
pub fn scope(input: &mut Input<'_>) -> Scope {
    input.pick(&[Scope::Join, Scope::Full, Scope::Partial, Scope::Compare])
}

/// A digest of a view for such a push/pull.
pub fn view(input: &mut Input<'_>, scope: Scope) -> u64 {
    match scope {
        Scope::Compare => u64::from(input.number()) + 1,
        _ => 0,
    }
}

/// Any message of a datagram. Half of them are news about members.
pub fn message<'a>(input: &mut Input<'a>) -> Message<'a> {
    match input.below(16) {
        0 => Message::Ping(Ping {
            sequence: input.number(),
            target: name(input),
            source: name(input),
            reply_to: None,
        }),
        1 => Message::IndirectPing(IndirectPing::new(input.number(), name(input), address(input))),
        2 => Message::Ack(Ack {
            sequence: input.number(),
            payload: input.bytes(),
            view: input.number(),
        }),
        3 => Message::Nack { sequence: input.number() },
        4 | 5 => Message::User(User { from: name(input), payload: input.bytes() }),
        6 | 7 => Message::Broadcast(broadcast(input)),
        _ => Message::Update(update(input)),
    }
}

/// A datagram with a few messages.
pub fn packet(input: &mut Input<'_>, label: &[u8]) -> BytesMut {
    let mut packet = BytesMut::new();
    wire::begin_packet(label, &mut packet);
    for _ in 0..=input.below(8) {
        message(input).encode(&mut packet);
    }
    packet
}

/// One side of an exchange on a stream, with its header: mostly what a peer would send.
pub fn exchange(input: &mut Input<'_>, label: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    wire::begin_packet(label, &mut bytes);
    match input.below(8) {
        0 => Frame::Ping(Ping {
            sequence: input.number(),
            target: name(input),
            source: name(input),
            reply_to: None,
        })
        .encode(&mut bytes),
        1 => Frame::Ack(Ack {
            sequence: input.number(),
            payload: input.bytes(),
            view: input.number(),
        })
        .encode(&mut bytes),
        2 => Frame::User(User { from: name(input), payload: input.bytes() }).encode(&mut bytes),
        3 => bytes.extend_from_slice(input.bytes()),
        _ => return half(input, label),
    }
    bytes
}

/// One side of a push/pull, with its header.
pub fn half(input: &mut Input<'_>, label: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    wire::begin_packet(label, &mut bytes);
    let scope = scope(input);
    let view = view(input, scope);
    let members: Vec<MemberRef<'_>> = (0..input.below(6)).map(|_| member(input)).collect();
    wire::encode_push_pull(scope, view, members.into_iter(), input.bytes(), &mut bytes);
    bytes
}
