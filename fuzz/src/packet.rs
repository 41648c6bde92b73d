//! Arbitrary bytes as a datagram: to the decoder, and to a node.

use bytes::BytesMut;
use swim_core::wire::{self, Claim, Message, Update};
use swim_core::{Config, Incarnation};

use super::draft;
use super::input::Input;
use super::settings::{self, LABEL, NAMES, home};
use super::voice::Voice;
use super::watched::Watched;

/// Feeds the input, with and without a correct header.
///
/// # Panics
///
/// If an invariant does not hold.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let switches = input.byte();
    let with_label = switches & 1 == 1;
    let label: &[u8] = if with_label { LABEL } else { b"" };
    let mut datagram = BytesMut::new();
    if switches & 2 == 0 {
        wire::begin_packet(label, &mut datagram);
    }
    datagram.extend_from_slice(input.remainder());

    decode(&datagram, label);
    let mut watched = node_with_members(settings::usual(with_label));
    // From a member, from a stranger, and from the member again.
    for from in [home(1), home(100), home(1)] {
        watched.packet(from, &datagram);
    }
    watched.timeout();
    watched.keep_next_deadline();
}

fn decode(datagram: &[u8], label: &[u8]) {
    let Ok(messages) = wire::open_packet(datagram, label) else {
        return;
    };
    let mut bytes = BytesMut::new();
    for (count, message) in messages.enumerate() {
        assert!(count < datagram.len(), "every message takes a byte");
        let Ok(message) = message else { continue };
        // A decoded message can be encoded again, and then decodes the same way.
        bytes.clear();
        wire::begin_packet(label, &mut bytes);
        message.encode(&mut bytes);
        let mut again = wire::open_packet(&bytes, label).expect("our own header");
        assert_eq!(again.next(), Some(Ok(message)));
        assert_eq!(again.next(), None);
    }
}

/// Creates a node that knows four of the members.
///
/// # Panics
///
/// If the configuration is not valid.
#[must_use]
pub fn node_with_members(config: Config) -> Watched {
    let voice = Voice::of(&config);
    let mut watched = Watched::new(config);
    let versions = draft::usual_versions(voice.wire);
    let members: Vec<Message<'_>> = (1..5)
        .map(|number| {
            let claim = Claim::Alive { address: home(number), meta: b"meta", versions };
            let (name, incarnation) = (NAMES[number], Incarnation(5));
            Message::Update(Update { name, incarnation, claim })
        })
        .collect();
    watched.packet(home(1), &voice.packet(&members));
    assert_eq!(watched.node.members_live(), 5);
    watched
}
