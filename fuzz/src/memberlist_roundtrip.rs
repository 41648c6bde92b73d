//! A message written on memberlist's wire reads back as it was, with any framing.

use core::net::SocketAddr;

use bytes::BytesMut;
use swim_core::wire::memberlist::{self, Lzw, Scanner, StreamLimits, StreamMessage};
use swim_core::wire::{Ack, Claim, IndirectPing, Message, Ping, Scope, Update, User, Wire};
use swim_core::{DropReason, MemberRef};

use super::draft;
use super::input::Input;
use super::settings;
use super::voice::{Side, Talk, Voice};

/// The port of members that name none: a [`Voice`] reads with it.
const PORT: u16 = 1;

/// The limit of a decompressed text here.
const UNPACKED_MAX: usize = 1 << 16;

/// Writes the input's messages, reads them, and compares.
///
/// # Panics
///
/// If a message reads back differently.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let voice = settings::memberlist_voice(&mut input);
    packet(&mut input.clone(), &voice);
    table(&mut input.clone(), &voice);
    user(&mut input.clone(), &voice);
    lzw(input.remainder());
}

fn packet(input: &mut Input<'_>, voice: &Voice) {
    let mut written = Vec::new();
    while !input.is_empty() && written.len() < 64 {
        written.push(draft::message(input, Wire::Memberlist));
    }
    if written.is_empty() {
        return;
    }
    let datagram = voice.packet(&written);
    let mut expected = written.iter().map(as_read);
    voice.read_packet(&datagram, &mut |message| {
        assert_eq!(Some(*message), expected.next());
    });
    assert_eq!(expected.next(), None);
}

/// Returns a message as it reads back: this wire carries less than the native one.
fn as_read<'a>(message: &Message<'a>) -> Message<'a> {
    match *message {
        Message::Ping(ping) => Message::Ping(Ping { reply_to: complete(ping.reply_to), ..ping }),
        Message::IndirectPing(ping) => Message::IndirectPing(IndirectPing {
            address: with_port(ping.address),
            reply_to: complete(ping.reply_to),
            ..ping
        }),
        Message::Ack(ack) => Message::Ack(Ack { view: 0, ..ack }),
        Message::Nack { sequence } => Message::Nack { sequence },
        Message::Update(update) => {
            let claim = match update.claim {
                Claim::Alive { address, meta, versions } => {
                    Claim::Alive { address: with_port(address), meta, versions }
                }
                Claim::Failed { accuser } if accuser == update.name => Claim::Left,
                claim => claim,
            };
            Message::Update(Update { claim, ..update })
        }
        Message::User(User { payload, .. }) => {
            Message::User(User { from: "", payload, envelope: None })
        }
        Message::Broadcast(broadcast) => {
            Message::User(User { from: "", payload: broadcast.payload, envelope: None })
        }
    }
}

/// Drops an incomplete address.
fn complete(address: Option<SocketAddr>) -> Option<SocketAddr> {
    address.filter(|address| address.port() != 0)
}

fn with_port(mut address: SocketAddr) -> SocketAddr {
    if address.port() == 0 {
        address.set_port(PORT);
    }
    address
}

fn table(input: &mut Input<'_>, voice: &Voice) {
    let join = draft::scope(input) == Scope::Join;
    let user_state = input.bytes();
    let mut members = Vec::new();
    while !input.is_empty() && members.len() < 200 {
        members.push(draft::member(input, Wire::Memberlist));
    }
    let mut text = BytesMut::new();
    memberlist::encode_push_pull(join, members.iter().copied(), user_state, &mut text);
    on_streams(&text, voice);
    match memberlist::decode_stream(&text, PORT) {
        Ok(StreamMessage::PushPull(table)) => {
            let read: Result<Vec<MemberRef<'_>>, DropReason> = table.members().collect();
            let expected = members
                .iter()
                .map(|member| MemberRef { address: with_port(member.address), ..*member })
                .collect();
            assert_eq!(read, Ok(expected));
            assert_eq!((table.join, table.user_state), (join, user_state));
            assert_eq!(table.nodes as usize, members.len());
        }
        other => panic!("a push/pull, not {other:?}"),
    }
}

fn user(input: &mut Input<'_>, voice: &Voice) {
    let (payload, mut text) = (input.remainder(), BytesMut::new());
    memberlist::encode_user(payload, &mut text);
    assert_eq!(memberlist::decode_stream(&text, PORT), Ok(StreamMessage::User { payload }));
    on_streams(&text, voice);
}

/// Checks a message on a stream, from either side.
fn on_streams(text: &[u8], voice: &Voice) {
    let end = Scanner::new(StreamLimits::default()).advance(text);
    assert_eq!(end, Ok(Some(text.len())));
    for side in [Side::Dialler, Side::Acceptor] {
        let bytes = voice.stream(side, text, &Talk::default());
        _ = voice.read_stream(side, &bytes, &mut Talk::default());
    }
}

fn lzw(bytes: &[u8]) {
    let (mut lzw, mut packed, mut again) = (Lzw::default(), Vec::new(), Vec::new());
    lzw.compress(bytes, &mut packed);
    assert_eq!(lzw.decompress(&packed, &mut again, bytes.len()), Ok(()));
    assert_eq!(again, bytes);
    // Also the other way: arbitrary bytes as compressed text.
    let mut text = Vec::new();
    let unpacked = lzw.decompress(bytes, &mut text, UNPACKED_MAX);
    assert!(text.len() <= UNPACKED_MAX);
    if unpacked.is_ok() {
        lzw.compress(&text, &mut packed);
        assert_eq!(lzw.decompress(&packed, &mut again, text.len()), Ok(()));
        assert_eq!(again, text);
    }
    // A reused encoder writes the same as a new one.
    let mut fresh = Vec::new();
    Lzw::default().compress(bytes, &mut fresh);
    lzw.compress(bytes, &mut packed);
    assert_eq!(packed, fresh);
}
