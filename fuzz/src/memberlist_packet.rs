//! Arbitrary bytes as a datagram of memberlist's wire.
//!
//! They go to the decoder and to a node, in the clear and inside a correct seal.

use bytes::{Bytes, BytesMut};
use swim_core::wire::memberlist::{self, Lzw, UNPACKED_PACKET_MAX};
use swim_core::wire::{SealVersion, Wire};
use swim_core::{Encryption, Keyring};

use super::input::Input;
use super::packet::node_with_members;
use super::settings::{self, LABEL, home};
use super::voice::Voice;

/// The port of members that name none.
const PORT: u16 = 7946;

/// Feeds the input, inside a label, seal and checksum by its first byte.
///
/// # Panics
///
/// If an invariant does not hold.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let switches = input.byte();
    let on = |bit: u8| switches & (1 << bit) != 0;
    let text = input.remainder();
    decode(text);

    let mut config = settings::usual(on(0)).memberlist();
    let [_, key, ..] = settings::keys();
    if on(1) {
        config.keyring = Keyring::new(key.clone());
    }
    config.encryption = if on(2) { Encryption::Outgoing } else { Encryption::Required };
    config.versions.protocol.current = if on(3) { 1 } else { 2 };
    let voice = Voice {
        wire: Wire::Memberlist,
        label: Bytes::from_static(if on(0) { LABEL } else { b"" }),
        key: on(4).then_some(key),
        key_to_answer: None,
        version: if on(5) { SealVersion::V0 } else { SealVersion::V1 },
        compression: on(6),
        checksum: on(7),
    };
    // Without any framing, the input itself is the datagram.
    let bare = switches >> 4 == 0 && !on(0);
    let datagram = if bare { BytesMut::from(text) } else { voice.packet_around(text) };
    let mut watched = node_with_members(config);
    // From a member, from a stranger, and from the member again.
    for from in [home(1), home(100), home(1)] {
        watched.packet(from, &datagram);
        watched.packet(from, text);
    }
    watched.timeout();
    watched.keep_next_deadline();
}

fn decode(text: &[u8]) {
    let (mut count, mut size) = (0, 0);
    memberlist::read_packet(text, PORT, &mut Lzw::default(), &mut |message| {
        count += 1;
        let Ok(message) = message else { return };
        // A decoded message can be encoded again, and then decodes the same way.
        let mut bytes = BytesMut::new();
        memberlist::encode(&message, &mut bytes);
        assert_eq!(bytes.len(), memberlist::encoded_len(&message));
        size += bytes.len();
        let mut again = Vec::new();
        memberlist::read_packet(&bytes, PORT, &mut Lzw::default(), &mut |read| {
            assert_eq!(read, Ok(message));
            again.push(());
        });
        assert_eq!(again.len(), 1);
    });
    // Compounds without content hold no messages, at any depth.
    assert!(count <= text.len() + UNPACKED_PACKET_MAX);
}
