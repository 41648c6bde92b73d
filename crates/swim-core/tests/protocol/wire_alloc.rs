//! Reading any packet or frame allocates nothing; writing only grows the buffer.

use bytes::BytesMut;
use swim_core::wire::{self, Broadcast, Claim, Frame, Message, Ping, Update};
use swim_core::{Incarnation, MemberRef, State, Versions};
use swim_test_support::counting::spent;

fn messages() -> [Message<'static>; 4] {
    let incarnation = Incarnation(1_700_000_000);
    let address = ([10, 0, 0, 7], 7946).into();
    let claim = Claim::Alive { address, meta: b"zone-a", versions: Versions::DEFAULT };
    [
        Message::Ping(Ping { sequence: 7, target: "b", source: "a", reply_to: None }),
        Message::Update(Update { name: "b", incarnation, claim }),
        Message::Update(Update { name: "b", incarnation, claim: Claim::Suspect { accuser: "a" } }),
        Message::Broadcast(Broadcast {
            origin: "a",
            life: 7,
            sequence: 1,
            key: b"k",
            payload: b"hi",
            known: incarnation,
        }),
    ]
}

fn walk(bytes: &[u8]) {
    if let Ok(messages) = wire::open_packet(bytes, b"") {
        for message in messages {
            _ = std::hint::black_box(message);
        }
    }
    if let Ok(Frame::PushPull(push_pull)) = wire::decode_frame(bytes) {
        for member in push_pull.members() {
            _ = std::hint::black_box(member);
        }
    }
}

#[test]
fn writing_into_a_large_enough_buffer_allocates_nothing() {
    let mut out = BytesMut::with_capacity(1400);
    let spent = spent(|| {
        wire::begin_packet(b"staging", &mut out);
        messages().iter().for_each(|message| message.encode(&mut out));
    });
    assert_eq!(spent.count, 0);
}

#[test]
fn reading_allocates_nothing_even_when_every_byte_is_damaged() {
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    messages().iter().for_each(|message| message.encode(&mut packet));
    let member = MemberRef {
        name: "b",
        address: ([10, 0, 0, 7], 7946).into(),
        state: State::Suspect,
        incarnation: Incarnation(7),
        meta: b"zone-a",
        versions: Versions::DEFAULT,
    };
    let mut frames = BytesMut::new();
    wire::encode_push_pull(wire::Scope::Join, 0, [member; 3].into_iter(), b"state", &mut frames);

    for original in [&packet[..], &frames[wire::FRAME_HEADER_LEN..]] {
        let mut bytes = original.to_vec();
        let spent = spent(|| {
            walk(&bytes);
            for place in 0..bytes.len() {
                for byte in 0..=u8::MAX {
                    bytes[place] = byte;
                    walk(&bytes);
                }
                bytes[place] = original[place];
                walk(&bytes[..place]);
            }
        });
        assert_eq!(spent.count, 0);
    }
}
