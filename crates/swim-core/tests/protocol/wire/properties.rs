//! The codec against the reference, on generated messages and on arbitrary bytes.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use swim_core::wire::{self, Frame, Message, PUSH_PULL_FRAME_SIZE_MAX};
use swim_core::{DropReason, MemberRef};

use super::frames::{bodies, push_pull_frames};
use super::model::{self, FrameMessage, Kind, Packet};
use super::packets::packet;

fn encoded(messages: &[Kind]) -> BytesMut {
    let mut out = BytesMut::new();
    for kind in messages {
        let before = out.len();
        kind.message().encode(&mut out);
        assert_eq!(out.len() - before, kind.message().encoded_len());
    }
    out
}

fn ok<'a>(messages: impl IntoIterator<Item = &'a Kind>) -> Vec<Result<Message<'a>, DropReason>> {
    messages.into_iter().map(|kind| Ok(kind.message())).collect()
}

fn decoded<'a>(datagram: &'a [u8], label: &[u8]) -> Vec<Result<Message<'a>, DropReason>> {
    wire::open_packet(datagram, label).unwrap().collect()
}

/// Visits everything that outside bytes may reach, and counts the messages found.
fn walk(bytes: &[u8]) -> usize {
    let mut found = 0;
    if let Ok(messages) = wire::open_packet(bytes, b"") {
        found += messages.count();
    }
    _ = wire::open_header(bytes, b"label");
    _ = wire::frame_len(bytes);
    if let Ok(Frame::PushPull(push_pull)) = wire::decode_frame(bytes) {
        found += push_pull.members().count();
    }
    found
}

/// Unknown fields of every type, as a later version may add them.
#[derive(Clone, PartialEq, prost::Message)]
struct Unknown {
    #[prost(uint64, optional, tag = "15")]
    number: Option<u64>,
    #[prost(fixed64, optional, tag = "16")]
    digest: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "2000")]
    blob: Option<Vec<u8>>,
    #[prost(fixed32, optional, tag = "536870911")]
    mark: Option<u32>,
}

fn any_unknown() -> impl Strategy<Value = Vec<u8>> {
    let parts = (
        any::<Option<u64>>(),
        any::<Option<u64>>(),
        any::<Option<[u8; 3]>>(),
        any::<Option<u32>>(),
    );
    parts.prop_map(|(number, digest, blob, mark)| {
        Unknown { number, digest, blob: blob.map(Vec::from), mark }.encode_to_vec()
    })
}

/// A message with unknown fields before and after its own.
fn widened(kind: &Kind, unknown: &[u8]) -> Vec<u8> {
    let bytes = encoded(std::slice::from_ref(kind));
    let mut rest = &bytes[1..];
    let length = prost::encoding::decode_varint(&mut rest).unwrap();
    assert_eq!(length, rest.len() as u64);
    let mut out = vec![bytes[0]];
    prost::encoding::encode_varint((rest.len() + 2 * unknown.len()) as u64, &mut out);
    [&out, unknown, rest, unknown].concat()
}

fn any_label() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..20)
}

proptest! {
    #[test]
    fn messages_come_back_in_order(messages in model::any_kinds(), label in any_label()) {
        let datagram = packet(&label, &encoded(&messages));
        prop_assert_eq!(decoded(&datagram, &label), ok(&messages));
    }

    #[test]
    fn the_reference_reads_what_the_codec_writes(messages in model::any_kinds()) {
        let read = Packet::decode(&encoded(&messages)[..]).unwrap();
        prop_assert_eq!(read, Packet::of(&messages));
    }

    #[test]
    fn the_codec_reads_what_the_reference_writes(messages in model::any_kinds()) {
        let reference = Packet::of(&messages);
        let datagram = packet(b"", &reference.encode_to_vec());
        let kinds = reference.kinds();
        prop_assert_eq!(decoded(&datagram, b""), ok(&kinds));
    }

    #[test]
    fn both_write_the_same_bytes(kind in model::any_kind()) {
        let reference = Packet::of(std::slice::from_ref(&kind)).encode_to_vec();
        prop_assert_eq!(&encoded(&[kind])[..], reference);
    }

    #[test]
    fn unknown_fields_change_nothing(
        messages in vec((model::any_kind(), any_unknown()), 0..8),
        between in any_unknown(),
    ) {
        let body: Vec<u8> = messages
            .iter()
            .flat_map(|(kind, unknown)| [widened(kind, unknown), between.clone()].concat())
            .collect();
        let datagram = packet(b"", &body);
        prop_assert_eq!(decoded(&datagram, b""), ok(messages.iter().map(|(kind, _)| kind)));
    }

    #[test]
    fn frames_agree_with_the_reference(
        ping in model::any_ping(),
        ack in model::any_ack(),
        user in model::any_user(),
    ) {
        let frames = [
            (Frame::Ping(ping.message()), FrameMessage::Ping(ping.clone())),
            (Frame::Ack(ack.message()), FrameMessage::Ack(ack.clone())),
            (Frame::User(user.message()), FrameMessage::User(user.clone())),
        ];
        for (frame, message) in frames {
            let reference = model::Frame { message: Some(message) }.encode_to_vec();
            let mut out = BytesMut::new();
            frame.encode(&mut out);
            prop_assert_eq!(bodies(&out), vec![&reference[..]]);
            prop_assert_eq!(wire::decode_frame(&reference), Ok(frame));
        }
    }

    #[test]
    fn push_pulls_agree_with_the_reference(
        join: bool,
        members in vec(model::any_member(), 0..8),
        user_state in model::any_payload(),
    ) {
        let out = push_pull_frames(join, &members, &user_state);
        let push_pull = model::PushPull {
            member: members, user_state, join, last: true, ..Default::default()
        };
        let message = Some(FrameMessage::PushPull(push_pull.clone()));
        let reference = model::Frame { message }.encode_to_vec();
        prop_assert_eq!(bodies(&out), vec![&reference[..]]);
        let Ok(Frame::PushPull(read)) = wire::decode_frame(&reference) else { panic!() };
        prop_assert!(read.join == join && read.last);
        prop_assert_eq!(read.user_state, push_pull.user_state);
        let read: Vec<MemberRef<'_>> = read.members().map(Result::unwrap).collect();
        let written: Vec<_> = push_pull.member.iter().map(model::Member::member).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn push_pulls_of_any_size_are_cut_within_the_limits(
        sizes in vec(prop_oneof![0..600_usize, 60_000..65_200_usize], 0..40),
        state_size in 0..200_000_usize,
    ) {
        let members: Vec<_> = sizes
            .iter()
            .map(|&size| model::Member {
                name: "n".into(),
                address: vec![0; 18],
                meta: vec![0; size],
                ..Default::default()
            })
            .collect();
        let out = push_pull_frames(true, &members, &vec![0; state_size]);
        let (mut found, mut state_found, mut last_found) = (Vec::new(), 0, 0);
        for body in bodies(&out) {
            prop_assert!(body.len() <= PUSH_PULL_FRAME_SIZE_MAX);
            prop_assert_eq!(last_found, 0, "a frame after the last one");
            let Ok(Frame::PushPull(frame)) = wire::decode_frame(body) else { panic!() };
            found.extend(frame.members().map(|member| member.unwrap().meta.len()));
            state_found += frame.user_state.len();
            last_found += usize::from(frame.last);
        }
        prop_assert_eq!((found, state_found, last_found), (sizes, state_size, 1));
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(walk(&bytes) <= bytes.len());
        prop_assert!(walk(&packet(b"", &bytes)) <= bytes.len());
    }

    #[test]
    fn damaged_packets_are_survived_and_never_misread(
        messages in model::any_kinds(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut body = encoded(&messages).to_vec();
        for (place, byte, kind) in damage {
            let place = place.index(body.len() + 1);
            match kind {
                0 => body.insert(place, byte),
                1 if place < body.len() => drop(body.remove(place)),
                _ if place < body.len() => body[place] = byte,
                _ => {}
            }
        }
        walk(&body);
        let datagram = packet(b"", &body);
        let found: Vec<_> = wire::open_packet(&datagram, b"").unwrap().collect();
        prop_assert!(found.len() <= body.len());
        // The codec is stricter than the reference: it checks names, addresses and versions, and
        // takes no groups. Both read alike any input that both take.
        let all: Option<Vec<_>> = found.into_iter().map(Result::ok).collect();
        if let (Some(mut ours), Ok(reference)) = (all, Packet::decode(&body[..])) {
            let kinds = reference.kinds();
            let theirs: Vec<_> = kinds.iter().map(Kind::message).collect();
            ours.sort_by_key(|message| message.kind());
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn damaged_frames_are_survived(
        members in vec(model::any_member(), 0..4),
        place: prop::sample::Index,
        byte: u8,
    ) {
        let mut out = push_pull_frames(true, &members, b"state");
        let place = place.index(out.len() - 4) + 4;
        out[place] = byte;
        walk(&out[4..]);
        walk(&out[4..place]);
    }
}
