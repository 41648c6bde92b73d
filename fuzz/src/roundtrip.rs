//! A written message reads back as it was, with any content in between.

use bytes::BytesMut;
use swim_core::wire::{self, Frame, Message, PushPull, Wire};
use swim_core::{MemberRef, State};

use super::draft;
use super::input::Input;

/// Writes the input's messages, reads them, and compares.
///
/// # Panics
///
/// If a message reads back differently.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let label = input.bytes();
    packet(&mut input.clone(), label);
    half(&mut input.clone(), label);
    frame(&mut input);
}

fn packet(input: &mut Input<'_>, label: &[u8]) {
    let (mut written, mut bytes) = (Vec::new(), BytesMut::new());
    wire::begin_packet(label, &mut bytes);
    assert_eq!(bytes.len(), wire::header_len(label));
    while !input.is_empty() && written.len() < 64 {
        let before = bytes.len();
        let message = draft::message(input, Wire::Swim);
        message.encode(&mut bytes);
        assert_eq!(bytes.len() - before, message.encoded_len());
        written.push(message);
        if input.byte() > 240 {
            unknown_field(input, &mut bytes);
        }
    }
    let read: Vec<Message<'_>> = wire::open_packet(&bytes, label)
        .expect("a header with this label")
        .map(|message| message.expect("a message as it was written"))
        .collect();
    assert_eq!(read, written);
}

/// Appends a field with an unknown number, as a later version may send it.
fn unknown_field(input: &mut Input<'_>, bytes: &mut BytesMut) {
    let number = 11 + input.byte() % 5;
    let (kind, value): (u8, &[u8]) = match input.below(4) {
        0 => (0, &[0x80, 0x01]),
        1 => (1, &[7; 8]),
        2 => (2, &[3, 1, 2, 3]),
        _ => (5, &[7; 4]),
    };
    bytes.extend_from_slice(&[number << 3 | kind]);
    bytes.extend_from_slice(value);
}

fn half(input: &mut Input<'_>, label: &[u8]) {
    let scope = draft::scope(input);
    let view = draft::view(input, scope);
    let user_state = input.bytes();
    let mut members = Vec::new();
    while !input.is_empty() && members.len() < 64 {
        members.push(draft::member(input, Wire::Swim));
    }
    let mut bytes = BytesMut::new();
    wire::begin_packet(label, &mut bytes);
    wire::encode_push_pull(scope, view, members.iter().copied(), user_state, &mut bytes);

    let header = wire::open_header(&bytes, label).expect("our header");
    let mut rest = &bytes[header.expect("a complete header")..];
    let (mut read, mut state, mut last) = (Vec::new(), Vec::new(), false);
    while !rest.is_empty() {
        assert!(!last, "nothing follows the last frame");
        let (part, after) = next_part(rest);
        assert_eq!((part.scope(), part.view), (scope, view));
        read.extend(part.members().map(|member| member.expect("as written")));
        state.extend_from_slice(part.user_state);
        last = part.last;
        rest = after;
    }
    assert!(last, "the last frame says so");
    let read: Vec<MemberRef<'_>> = read;
    assert_eq!((read, &state[..]), (members, user_state));
}

fn next_part(bytes: &[u8]) -> (PushPull<'_>, &[u8]) {
    let length = wire::frame_len(bytes).expect("a frame begins here");
    assert!(length <= wire::PUSH_PULL_FRAME_SIZE_MAX);
    let (body, rest) = bytes[wire::FRAME_HEADER_LEN..].split_at(length);
    match wire::decode_frame(body) {
        Ok(Frame::PushPull(part)) => (part, rest),
        other => panic!("a part of a push/pull, not {other:?}"),
    }
}

fn frame(input: &mut Input<'_>) {
    let frame = match draft::message(input, Wire::Swim) {
        Message::Ping(ping) => Frame::Ping(ping),
        Message::Ack(ack) => Frame::Ack(ack),
        Message::User(user) => Frame::User(user),
        Message::Update(update) => return assert!(State::ALL.contains(&update.state())),
        Message::Nack { .. } | Message::IndirectPing(_) | Message::Broadcast(_) => return,
    };
    let mut bytes = BytesMut::new();
    frame.encode(&mut bytes);
    let body = &bytes[wire::FRAME_HEADER_LEN..];
    assert_eq!(wire::frame_len(&bytes), Some(body.len()));
    assert_eq!(wire::decode_frame(body), Ok(frame));
}
