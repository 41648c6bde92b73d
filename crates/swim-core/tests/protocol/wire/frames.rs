//! Streams: frames, and push/pull exchanges cut into frames.

use bytes::BytesMut;
use prost::Message as _;
use swim_core::wire::{
    self, Ack, FRAME_HEADER_LEN, FRAME_SIZE_TARGET, Frame, PUSH_PULL_FRAME_SIZE_MAX, Ping, Scope,
    User,
};
use swim_core::{DropReason, MemberRef, MessageKind, State};

use super::model::{self, Member};

/// The bytes of one half of a push/pull.
pub fn push_pull_frames(join: bool, members: &[Member], user_state: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    let scope = if join { Scope::Join } else { Scope::Full };
    wire::encode_push_pull(scope, 0, members.iter().map(Member::member), user_state, &mut out);
    out
}

/// The bodies of the frames of a stream, checked to be complete.
pub fn bodies(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut bodies = Vec::new();
    while !stream.is_empty() {
        let size = wire::frame_len(stream).unwrap();
        let (body, rest) = stream[FRAME_HEADER_LEN..].split_at(size);
        bodies.push(body);
        stream = rest;
    }
    bodies
}

fn member(name: String, meta_size: usize) -> Member {
    let address = vec![10, 0, 0, 7, 0x1f, 0x0a];
    Member { name, incarnation: 7, address, meta: vec![1; meta_size], ..Member::default() }
}

const MALFORMED: Result<Frame<'_>, DropReason> = Err(DropReason::Malformed);

#[test]
fn a_frame_has_its_length_in_front() {
    let mut out = BytesMut::new();
    Frame::Ack(Ack { sequence: 7, payload: b"", view: 0 }).encode(&mut out);
    assert_eq!(out, b"\x00\x00\x00\x07\x12\x05\x0D\x07\x00\x00\x00"[..]);
    for size in 0..FRAME_HEADER_LEN {
        assert_eq!(wire::frame_len(&out[..size]), None);
    }
    assert_eq!(wire::frame_len(&out), Some(7));
    assert_eq!(wire::frame_len(b"\xFF\xFF\xFF\xFF"), Some(0xFFFF_FFFF));
}

#[test]
fn every_kind_of_frame_comes_back() {
    let ping = Ping { sequence: 7, target: "b", source: "a", reply_to: None };
    let user = User { from: "a", payload: &[3; 70_000], envelope: None };
    for (frame, kind) in [
        (Frame::Ping(ping), MessageKind::Ping),
        (Frame::Ack(Ack { sequence: 7, payload: b"x", view: 0 }), MessageKind::Ack),
        (Frame::User(user), MessageKind::User),
    ] {
        let mut out = BytesMut::new();
        frame.encode(&mut out);
        assert_eq!(wire::decode_frame(bodies(&out)[0]), Ok(frame));
        assert_eq!(frame.kind(), kind);
    }
}

#[test]
fn a_frame_holds_exactly_one_message() {
    assert_eq!(wire::decode_frame(b""), MALFORMED);
    assert_eq!(wire::decode_frame(b"\x2A\x00"), MALFORMED, "only an unknown kind");
    assert_eq!(wire::decode_frame(b"\x12\x00\x12\x00"), MALFORMED, "two acks");
    assert_eq!(wire::decode_frame(b"\x12\x00\x22\x00"), MALFORMED, "an ack and a push/pull");
    assert_eq!(wire::decode_frame(b"\x10\x00"), MALFORMED, "an ack of another type");
    assert_eq!(wire::decode_frame(b"\x12\x00\x12"), MALFORMED, "a broken end");
    let ack = Ok(Frame::Ack(Ack { sequence: 0, payload: b"", view: 0 }));
    assert_eq!(wire::decode_frame(b"\x2A\x01x\x12\x00\x30\x01"), ack, "unknown kinds beside it");
}

#[test]
fn an_empty_push_pull_is_one_frame() {
    let out = push_pull_frames(false, &[], b"");
    assert_eq!(out, b"\x00\x00\x00\x04\x22\x02\x20\x01"[..]);
    let Ok(Frame::PushPull(push_pull)) = wire::decode_frame(&out[4..]) else { panic!() };
    assert!(push_pull.last && !push_pull.join && push_pull.user_state.is_empty());
    assert_eq!(push_pull.members().next(), None);
}

#[test]
fn a_large_push_pull_is_cut_into_frames_near_the_target() {
    let members: Vec<_> = (0..5_000).map(|n| member(format!("node-{n}"), n % 50)).collect();
    let state: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let out = push_pull_frames(true, &members, &state);
    let (mut names, mut joined_state) = (Vec::new(), Vec::new());
    let bodies = bodies(&out);
    assert!(bodies.len() >= out.len() / FRAME_SIZE_TARGET);
    for (index, body) in bodies.iter().enumerate() {
        assert!(body.len() + FRAME_HEADER_LEN <= FRAME_SIZE_TARGET);
        if index + 1 < bodies.len() {
            assert!(body.len() + 100 > FRAME_SIZE_TARGET, "frame {index}: {}", body.len());
        }
        let Ok(Frame::PushPull(push_pull)) = wire::decode_frame(body) else { panic!() };
        assert!(push_pull.join);
        assert_eq!(push_pull.last, index + 1 == bodies.len());
        names.extend(push_pull.members().map(|member| member.unwrap().name.to_owned()));
        joined_state.extend_from_slice(push_pull.user_state);
    }
    assert!(names.iter().eq(members.iter().map(|member| &member.name)));
    assert_eq!(joined_state, state);
}

#[test]
fn members_that_are_larger_than_a_frame_have_one_of_their_own() {
    let members = ["a", "b"].map(|name| member(name.repeat(255), 65_400));
    let out = push_pull_frames(false, &members, b"state");
    let bodies = bodies(&out);
    assert!(bodies.iter().all(|body| body.len() <= PUSH_PULL_FRAME_SIZE_MAX));
    assert_eq!(bodies.len(), 3);
    let small = push_pull_frames(false, &[member("s".into(), 0), members[0].clone()], b"");
    assert_eq!(self::bodies(&small).len(), 2);
}

#[test]
fn a_push_pull_is_appended_to_what_is_there() {
    let mut out = BytesMut::new();
    wire::begin_packet(b"staging", &mut out);
    wire::encode_push_pull(Scope::Full, 0, std::iter::empty::<MemberRef<'_>>(), b"s", &mut out);
    let header = wire::open_header(&out, b"staging").unwrap().unwrap();
    assert_eq!(out[header..], push_pull_frames(false, &[], b"s")[..]);
}

#[test]
fn a_push_pull_frame_is_written_again_as_it_was_read() {
    let out = push_pull_frames(true, &[member("a".into(), 5)], b"state");
    let frame = wire::decode_frame(&out[4..]).unwrap();
    assert_eq!(frame.kind(), MessageKind::PushPull);
    let mut again = BytesMut::new();
    frame.encode(&mut again);
    assert_eq!(again, out);
}

#[test]
fn a_malformed_member_does_not_hide_the_others() {
    let bad = [
        Member { state: 4, ..member("bad-state".into(), 0) },
        Member { state: -1, ..member("negative-state".into(), 0) },
        Member { name: String::new(), ..member("x".into(), 0) },
        Member { address: vec![1, 2, 3], ..member("bad-address".into(), 0) },
        Member { versions: vec![1], ..member("bad-versions".into(), 0) },
    ];
    for bad in bad {
        let good = Member { state: 3, ..member("good".into(), 0) };
        let member = vec![bad, good];
        let push_pull = model::PushPull { member, last: true, ..Default::default() };
        let frame = model::Frame { message: Some(model::FrameMessage::PushPull(push_pull)) };
        let body = frame.encode_to_vec();
        let Ok(Frame::PushPull(push_pull)) = wire::decode_frame(&body) else { panic!() };
        let found: Vec<_> = push_pull.members().collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Err(DropReason::Malformed));
        assert_eq!(found[1].unwrap().name, "good");
        assert_eq!(found[1].unwrap().state, State::Left);
    }
}

#[test]
fn a_push_pull_with_a_broken_structure_is_malformed() {
    assert_eq!(wire::decode_frame(b"\x22\x02\x0A\x05"), MALFORMED, "a member beyond the end");
    assert_eq!(wire::decode_frame(b"\x22\x02\x08\x05"), MALFORMED, "a member of another type");
    assert_eq!(wire::decode_frame(b"\x22\x02\x1A\x00"), MALFORMED, "join of another type");
    assert!(wire::decode_frame(b"\x22\x06\x28\x01\x4A\x00\x20\x02").is_ok(), "unknown fields");
}
