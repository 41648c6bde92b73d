//! Compressed datagrams, from nodes and from attackers.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use swim_core::channel::Sealer;
use swim_core::wire::{self, Lz4, Message, Ping, Update};
use swim_core::{DropReason, Encryption, Incarnation, Key, Keyring};

use super::peer::{Peer, address, alive, complaints, events, is_aborted, name, packet, packets};

const SEALED: u8 = 1;
const COMPRESSED: u8 = 2;

fn ring() -> Keyring {
    Keyring::new(Key::aes(&[5; 32]).unwrap())
}

fn peer(compression: bool, sealed: bool) -> Peer {
    Peer::with(|config| {
        config.compression = compression;
        config.keyring = if sealed { ring() } else { Keyring::default() };
    })
}

/// A node's datagrams with news of 50 members, and its answer to a ping when no news is left.
fn told(compression: bool, sealed: bool) -> Vec<Bytes> {
    let mut teller = peer(compression, sealed);
    teller.node.set_encryption(teller.now, Encryption::Outgoing).unwrap();
    for number in 1..=50 {
        teller.meet(number);
    }
    let mut sent = packets(&teller.run(Duration::from_secs(20)));
    let ping = Message::Ping(Ping { sequence: 7, target: "self", source: "s", reply_to: None });
    sent.extend(packets(&teller.say(address(999), &[ping])));
    sent.into_iter().map(|(_, payload)| payload).collect()
}

#[test]
fn full_packets_are_read_whatever_either_side_has_set() {
    for sealed in [false, true] {
        let seal = if sealed { SEALED } else { 0 };
        for (sends, reads) in [(false, false), (false, true), (true, false), (true, true)] {
            let (mut reader, mut compressed, mut known) = (peer(reads, sealed), 0, 0);
            for datagram in told(sends, sealed) {
                assert_eq!(datagram[1] & !COMPRESSED, 0x10 | seal);
                compressed += usize::from(datagram[1] & COMPRESSED != 0);
                assert_eq!(complaints(&reader.datagram(address(1), &datagram)), []);
                known = known.max(reader.node.members_live());
            }
            // The sender has the reader's name, so the reader refutes nothing and learns the rest.
            assert!(known >= 51, "{known} members");
            assert_eq!(compressed > 0, sends, "sealed: {sealed}");
            assert_eq!(reader.drops(DropReason::Malformed), 0);
        }
    }
}

#[test]
fn compression_changes_nothing_but_lengths_and_only_shortens() {
    for sealed in [false, true] {
        let (plain, compressed) = (told(false, sealed), told(true, sealed));
        assert_eq!(plain.len(), compressed.len(), "the same packets");
        let size = |packets: &[Bytes]| packets.iter().map(Bytes::len).sum::<usize>();
        assert!(size(&compressed) < size(&plain) * 3 / 4, "{} bytes", size(&compressed));
        for (plain, compressed) in plain.iter().zip(&compressed) {
            match compressed[1] & COMPRESSED {
                0 => assert_eq!(compressed.len(), plain.len()),
                _ => assert!(compressed.len() < plain.len()),
            }
        }
        let last = compressed.last().unwrap();
        assert_eq!(last[1] & COMPRESSED, 0, "an ack is too short");
    }
}

/// A compressed datagram with news of a few members.
fn news() -> BytesMut {
    let names: Vec<String> = (1..=9).map(name).collect();
    let messages: Vec<Message<'_>> = (1..)
        .zip(&names)
        .map(|(number, name)| {
            let update = Update { name, incarnation: Incarnation(1), claim: alive(number) };
            Message::Update(update)
        })
        .collect();
    let mut datagram = BytesMut::from(&packet(b"", &messages)[..]);
    assert!(wire::compress_packet(&mut datagram, 3, &mut Lz4::default()));
    datagram
}

fn seal(mut datagram: BytesMut) -> BytesMut {
    datagram[1] |= SEALED;
    let head = datagram[..3].to_vec();
    Sealer::new(ring(), [9; 32]).seal_native(&[&head], &mut datagram, 3);
    datagram
}

#[test]
fn every_combination_of_flags_is_named() {
    for (sealed, datagram) in [(false, news()), (true, seal(news()))] {
        for flags in 0..16 {
            let mut datagram = datagram.clone();
            datagram[1] = 0x10 | flags;
            let mut reader = peer(false, sealed);
            let told = complaints(&reader.datagram(address(1), &datagram));
            let expected = match (flags, sealed) {
                (4.., _) => Some(DropReason::WireVersion),
                (COMPRESSED, false) | (3, true) => None,
                // The compressed block, read as messages.
                (0, false) => {
                    assert_eq!(reader.node.members_live(), 1);
                    continue;
                }
                (1 | 3, false) => Some(DropReason::Sealed),
                (0 | COMPRESSED, true) => Some(DropReason::Plaintext),
                // The header is authenticated.
                _ => Some(DropReason::WrongKey),
            };
            assert_eq!(told.first().map(|told| told.0), expected, "{flags}, sealed: {sealed}");
            assert_eq!(reader.node.members_live(), if expected.is_none() { 10 } else { 1 });
        }
    }
}

#[test]
fn what_is_no_compressed_text_is_malformed_and_changes_nothing() {
    let whole = news();
    let mut cases = vec![vec![], vec![0], vec![0, 0], vec![1, 0], vec![0xFF; 100]];
    for length in [0u16, 1, 65_507, 65_508, u16::MAX] {
        cases.push([&length.to_be_bytes()[..], &whole[5..]].concat());
    }
    cases.extend((4..whole.len()).map(|end| whole[3..end].to_vec()));
    for body in cases {
        for sealed in [false, true] {
            let mut datagram = BytesMut::from(&b"\xC1\x12\x00"[..]);
            datagram.extend_from_slice(&body);
            let datagram = if sealed { seal(datagram) } else { datagram };
            let mut reader = peer(true, sealed);
            let outputs = reader.datagram(address(1), &datagram);
            // A text that claims more than 40 bytes per byte received is not unpacked.
            let claimed = body.first_chunk().map_or(0, |length| u16::from_be_bytes(*length));
            let reason = match usize::from(claimed) {
                0..=65_507 if usize::from(claimed) > 40 * datagram.len() => DropReason::Overpacked,
                _ => DropReason::Malformed,
            };
            assert_eq!(complaints(&outputs), [(reason, false)], "{body:?}");
            assert_eq!(events(&outputs).len(), outputs.len(), "no answer");
            assert_eq!(reader.node.members_live(), 1);
        }
    }
}

#[test]
fn a_compressed_datagram_of_pings_is_answered_once() {
    let ping = Message::Ping(Ping { sequence: 7, target: "self", source: "s", reply_to: None });
    let mut datagram = BytesMut::from(&packet(b"", &[ping; 12])[..]);
    assert!(wire::compress_packet(&mut datagram, 3, &mut Lz4::default()));
    assert!(datagram.len() < 100);
    let mut reader = peer(false, false);
    let outputs = reader.datagram(address(9), &datagram);
    assert_eq!(packets(&outputs).len(), 1);
    assert!(outputs.len() <= 2, "an answer and one complaint");
}

#[test]
fn a_stream_cannot_be_compressed() {
    for (header, reason) in [
        (b"\xC1\x12\x00", DropReason::Compressed),
        (b"\xC1\x13\x00", DropReason::Sealed),
        (b"\xC1\x14\x00", DropReason::WireVersion),
    ] {
        let mut reader = peer(true, false);
        let outputs = reader.receive(address(1), header);
        assert_eq!(complaints(&outputs), [(reason, true)]);
        assert_eq!(wire::open_header(header, b""), Err(reason));
    }
    let mut reader = peer(true, true);
    let id = reader.accept(address(1));
    let outputs = reader.stream(id, swim_core::StreamInput::Data(b"\xC1\x13\x00"));
    assert_eq!(complaints(&outputs), [(DropReason::Compressed, true)]);
    assert!(is_aborted(&outputs, id));
}
