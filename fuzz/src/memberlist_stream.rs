//! Arbitrary bytes, in arbitrary pieces, on streams of memberlist's wire.
//!
//! They go to the decoder and to a node, on accepted and opened streams, in the clear and inside a
//! correct seal.

use bytes::{Bytes, BytesMut};
use swim_core::wire::memberlist::{self, Lzw, Scanner, StreamLimits, StreamMessage, decode_stream};
use swim_core::wire::{Message, SealVersion, Wire};
use swim_core::{DropReason, Encryption, Keyring, MemberRef};

use super::draft;
use super::input::Input;
use super::settings::{self, LABEL};
use super::stream::{opening, outcome};
use super::voice::{Side, Talk, Voice};

/// The port of members that name none.
const PORT: u16 = 7946;

/// The limit of an unpacked message here.
const UNPACKED_MAX: usize = 1 << 16;

/// Feeds the input in pieces to one node, and all at once to another.
///
/// # Panics
///
/// If an invariant does not hold, or if the pieces make a difference.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (switches, how) = (input.byte(), input.byte());
    let on = |bit: u8| switches & (1 << bit) != 0;
    let steps = [(); 4].map(|()| 1 + usize::from(input.byte()));

    let mut config = settings::usual(on(0)).memberlist();
    let [_, key, ..] = settings::keys();
    if on(1) {
        config.keyring = Keyring::new(key.clone());
    }
    config.encryption = if on(2) { Encryption::Outgoing } else { Encryption::Required };
    config.versions.protocol.current = if on(3) { 1 } else { 2 };
    (config.reliable_size_max, config.user_state_size_max) = (UNPACKED_MAX, UNPACKED_MAX);
    config.stream_buffer_max = 2 * UNPACKED_MAX;
    let voice = Voice {
        wire: Wire::Memberlist,
        label: Bytes::from_static(if on(0) { LABEL } else { b"" }),
        key: on(4).then_some(key),
        key_to_answer: None,
        version: if on(5) { SealVersion::V0 } else { SealVersion::V1 },
        compression: on(6),
        checksum: false,
    };
    // The peer is the dialler of an accepted stream.
    let side = if how & 3 == 0 { Side::Dialler } else { Side::Acceptor };
    let bytes = if on(7) {
        let mut bytes = draft::exchange(&mut input, &voice, side, &Talk::default());
        bytes.extend_from_slice(input.remainder());
        bytes
    } else {
        let text = input.remainder();
        decode(text, &steps);
        voice.stream(side, text, &Talk::default())
    };
    decode(&bytes, &steps);

    let open = opening(how);
    let piecewise = outcome(&config, open, &bytes, &steps);
    let at_once = outcome(&config, open, &bytes, &[bytes.len().max(1)]);
    assert_eq!(piecewise, at_once, "the pieces make a difference");
}

fn decode(bytes: &[u8], steps: &[usize]) {
    let at_once = Scanner::new(limits()).advance(bytes);
    assert_eq!(piecewise(bytes, steps), at_once, "the pieces make a difference");
    let Ok(Some(length)) = at_once else { return };
    let message = &bytes[..length];
    let mut text = Vec::new();
    match memberlist::unpack_stream(message, UNPACKED_MAX, &mut Lzw::default(), &mut text) {
        Ok(()) => {
            assert!((1..=UNPACKED_MAX).contains(&text.len()));
            if let Ok(Some(length)) = Scanner::new(limits()).advance(&text) {
                say_again(&text[..length]);
            }
        }
        Err(_) => say_again(message),
    }
}

fn limits() -> StreamLimits {
    StreamLimits {
        user_state_size_max: UNPACKED_MAX,
        user_message_size_max: UNPACKED_MAX,
        ..StreamLimits::default()
    }
}

fn piecewise(bytes: &[u8], steps: &[usize]) -> Result<Option<usize>, DropReason> {
    let (mut scanner, mut there) = (Scanner::new(limits()), 0);
    let mut steps = steps.iter().cycle();
    loop {
        let found = scanner.advance(&bytes[..there])?;
        if found.is_some() || there == bytes.len() {
            return Ok(found);
        }
        there = bytes.len().min(there + steps.next().copied().unwrap_or(1));
    }
}

/// A decoded message can be encoded again, and then decodes the same way.
fn say_again(message: &[u8]) {
    let Ok(read) = decode_stream(message, PORT) else { return };
    let mut bytes = BytesMut::new();
    match read {
        StreamMessage::Ping(ping) => memberlist::encode(&Message::Ping(ping), &mut bytes),
        StreamMessage::Ack(ack) => memberlist::encode(&Message::Ack(ack), &mut bytes),
        StreamMessage::User { payload } => memberlist::encode_user(payload, &mut bytes),
        StreamMessage::Error(text) => memberlist::encode_error(text, &mut bytes),
        StreamMessage::PushPull(table) => {
            let members: Vec<MemberRef<'_>> = table.members().flatten().collect();
            assert!(members.len() <= table.nodes as usize);
            let told = members.iter().copied();
            memberlist::encode_push_pull(table.join, told, table.user_state, &mut bytes);
            let again = decode_stream(&bytes, PORT);
            let Ok(StreamMessage::PushPull(again)) = again else { panic!("not {again:?}") };
            assert_eq!((again.join, again.user_state), (table.join, table.user_state));
            let again: Result<Vec<_>, _> = again.members().collect();
            return assert_eq!(again, Ok(members));
        }
    }
    assert_eq!(decode_stream(&bytes, PORT), Ok(read));
}
