//! Whole datagrams.

use bytes::BytesMut;
use serde_json::Value;
use swim_core::DropReason;
use swim_core::wire::memberlist::{
    Lzw, NESTING_MAX, UNPACKED_PACKET_MAX, add_checksum, compress_packet, compress_stream,
};

use super::messages::{read, written};
use super::vectors::{self, bytes, case, check_differences, hex};

/// Datagrams that are dropped here and taken by Go, or the other way round, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("ping_other_node", "whose name it is, the node knows"),
    ("alive_addr0", "an address is 4 or 16 bytes"),
    ("alive_addr5", "an address is 4 or 16 bytes"),
    ("alive_pmin_gt_pmax", "which versions go together, the node decides"),
    ("alive_vsn2", "who passed it on would poison Go members"),
    ("alive_vsn5", "who passed it on would poison Go members"),
    ("alive_vsn_nil", "who passed it on would poison Go members"),
    ("alive_conflict", "who is known by which address, the node knows"),
    ("alive_same_ip_16", "who is known by which address, the node knows"),
];

/// The text behind the label.
fn unlabelled(datagram: &[u8]) -> &[u8] {
    match *datagram {
        [0xf4, length, ref rest @ ..] => &rest[usize::from(length)..],
        _ => datagram,
    }
}

/// The text behind label and seal.
fn text(vector: &Value) -> Vec<u8> {
    if vector["nonce"].is_null() {
        unlabelled(&bytes(&vector["hex"])).to_vec()
    } else {
        bytes(&vector["plaintext"])
    }
}

#[test]
fn packets_of_go_are_read_in_every_framing() {
    for vector in vectors::read("packets.json") {
        let found = read(&text(&vector));
        if vector["inner"].is_null() {
            let decoded = &vector["decoded"];
            let messages = decoded.as_array().cloned().unwrap_or_else(|| vec![decoded.clone()]);
            let expected = messages.iter().map(|message| {
                let kind = message["type"].as_u64().unwrap();
                Ok(written(&vectors::message(kind, &message["fields"]).unwrap()))
            });
            assert_eq!(found, expected.collect::<Vec<_>>(), "{vector}");
        } else {
            assert_eq!(found, [Ok(bytes(&vector["inner"]))], "{vector}");
        }
    }
}

#[test]
fn packets_are_framed_byte_for_byte_as_by_go() {
    let mut lzw = Lzw::default();
    let mut compared = 0;
    for vector in vectors::read("packets.json") {
        if vector["inner"].is_null() {
            continue;
        }
        let name = case(&vector);
        let mut packet = BytesMut::from(&b"label"[..]);
        packet.extend_from_slice(&bytes(&vector["inner"]));
        if name.contains("compress") {
            let compressed = compress_packet(&mut packet, 5, &mut lzw);
            assert_eq!(compressed, name != "compress_not_smaller");
        }
        if name.contains("crc") {
            add_checksum(&mut packet, 5);
        }
        assert_eq!(packet, [b"label", &text(&vector)[..]].concat(), "{vector}");
        compared += 1;
    }
    assert_eq!(compared, 17);
}

#[test]
fn datagrams_are_taken_and_dropped_as_by_go() {
    let vectors = vectors::read("packets_input.json");
    let (mut compared, mut differences) = (0, vec![]);
    for vector in &vectors {
        // Sealed or labelled; the label is checked elsewhere.
        if !vector["key"].is_null() || !vector["label"].is_null() {
            continue;
        }
        compared += 1;
        let found = read(&bytes(&vector["hex"]));
        let complaints = found.iter().filter(|message| message.is_err()).count();
        if complaints != vector["log"].as_array().unwrap().len() {
            differences.push(case(vector));
        }
        let mut payloads: Vec<Value> = found
            .iter()
            .flatten()
            .filter(|message| message[0] == 8)
            .map(|message| {
                let hex = hex(&message[1..]);
                format!("NotifyMsg {hex}").into()
            })
            .collect();
        // Go takes the last message first.
        payloads.reverse();
        let events = vector["events"].as_array().unwrap();
        let user = events.iter().filter(|event| event.as_str().unwrap().starts_with("NotifyMsg"));
        assert_eq!(payloads, user.cloned().collect::<Vec<_>>(), "{vector}");
    }
    assert_eq!(compared, 50, "vectors without seal and label");
    check_differences(&differences, DIFFERENCES);
}

#[test]
fn what_is_dropped_has_its_reason() {
    let vectors = vectors::read("packets_input.json");
    let reason = |name: &str| {
        let vector = vectors.iter().find(|vector| case(vector) == name).unwrap();
        read(&bytes(&vector["hex"]))[0].clone().unwrap_err()
    };
    for (name, expected) in [
        ("type_only_ping", DropReason::Malformed),
        ("unknown_14", DropReason::Unrecognised),
        ("pushpull_in_packet", DropReason::Unrecognised),
        ("encrypt_in_packet", DropReason::Unrecognised),
        ("crc_bad", DropReason::Checksum),
        ("crc_short", DropReason::Unrecognised),
        ("crc_empty", DropReason::Truncated),
        ("crc_in_compound", DropReason::Unrecognised),
        ("label_in_packet_unexpected", DropReason::Unrecognised),
        ("compound_no_len", DropReason::Malformed),
        ("compress_algo1", DropReason::Malformed),
        ("compress_of_nothing", DropReason::Truncated),
        ("compress_cut", DropReason::Malformed),
        ("alive_addr5", DropReason::BadAddress),
        ("alive_vsn5", DropReason::Versions),
        ("suspect_garbage", DropReason::Malformed),
    ] {
        assert_eq!(reason(name), expected, "{name}");
    }
}

#[test]
fn indirect_pings_and_what_follows_are_written_as_by_go() {
    let mut compared = 0;
    for vector in vectors::read("indirect.json") {
        for step in vector["steps"].as_array().unwrap() {
            let sent = step["sent"].as_array().unwrap().iter().map(|sent| &sent["hex"]);
            for packet in sent.chain([&step["in"]]).filter(|hex| !hex.is_null()) {
                let packet = bytes(packet);
                // Port 0, which is replaced.
                if case(&vector) != "port0" || packet[0] != 1 {
                    assert_eq!(read(&packet), [Ok(packet)], "{vector}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared >= 12, "{compared}");
}

/// Wraps `text` in `layers` compounds, or compressed messages, of one part each.
fn nested(mut text: Vec<u8>, layers: usize, compressed: bool) -> Vec<u8> {
    for _ in 0..layers {
        if compressed {
            let mut out = BytesMut::from(&text[..]);
            compress_stream(&mut out, 0, &mut Lzw::default());
            text = out.to_vec();
        } else {
            let length = u16::try_from(text.len()).unwrap().to_be_bytes();
            text = [&[7, 1], &length[..], &text].concat();
        }
    }
    text
}

#[test]
fn messages_may_be_nested_a_few_times() {
    for compressed in [false, true] {
        let packet = nested(b"\x08hi".to_vec(), NESTING_MAX, compressed);
        assert_eq!(read(&packet), [Ok(b"\x08hi".to_vec())]);
        let packet = nested(b"\x08hi".to_vec(), NESTING_MAX + 1, compressed);
        assert_eq!(read(&packet), [Err(DropReason::Malformed)]);
    }
}

#[test]
fn parts_before_a_cut_are_read() {
    let packet = b"\x07\x03\x00\x02\x00\x02\x00\x02\x08a\x08b\x08";
    let found = read(packet);
    assert_eq!(found, [Ok(b"\x08a".to_vec()), Ok(b"\x08b".to_vec()), Err(DropReason::Malformed)]);
    // An empty part is dropped alone.
    let found = read(b"\x07\x03\x00\x02\x00\x00\x00\x02\x08a\x08b");
    assert_eq!(found, [Ok(b"\x08a".to_vec()), Err(DropReason::Truncated), Ok(b"\x08b".to_vec())]);
}

/// A compressed user message of this many zeros.
fn bomb(size: usize) -> Vec<u8> {
    let mut text = vec![0; size];
    text[0] = 8;
    nested(text, 1, true)
}

#[test]
fn s35_a_decompression_bomb_is_capped() {
    let fits = bomb(UNPACKED_PACKET_MAX);
    assert!(fits.len() < 2500, "{}", fits.len());
    assert!(matches!(read(&fits)[..], [Ok(_)]));
    let too_large = bomb(UNPACKED_PACKET_MAX + 1);
    assert_eq!(read(&too_large), [Err(DropReason::TooLarge)]);
}

#[test]
fn s35_the_parts_of_a_packet_share_the_cap() {
    // Go allows each part 40 MiB.
    let bomb = bomb(UNPACKED_PACKET_MAX / 4);
    let length = u16::try_from(bomb.len()).unwrap().to_be_bytes();
    let packet = [&[7, 40], &length.repeat(40)[..], &bomb.repeat(40)].concat();
    assert!(packet.len() < 65_507);
    let found = read(&packet);
    assert_eq!(found.len(), 40);
    assert_eq!(found.iter().filter(|message| message.is_ok()).count(), 4);
    // All other parts are too large, and so is a bomb within a bomb.
    assert!(found[4..].iter().all(|message| *message == Err(DropReason::TooLarge)));
    let inner = nested(vec![8; UNPACKED_PACKET_MAX], 2, true);
    assert_eq!(read(&inner), [Err(DropReason::TooLarge)]);
}

#[test]
fn s35_what_failed_counts_against_the_cap() {
    // Cut before its end, so none of it is used; but it was decompressed.
    let mut text = vec![];
    Lzw::default().compress(&vec![0; UNPACKED_PACKET_MAX], &mut text);
    text.pop();
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    let cut = [b"\x09\x82\xa4Algo\x00\xa3Buf\xda", &length[..], &text].concat();
    let good = bomb(2000);
    let lengths = [&cut, &good].map(|part| u16::try_from(part.len()).unwrap().to_be_bytes());
    let packet = [&[7, 2], &lengths.concat()[..], &cut, &good].concat();
    assert_eq!(read(&packet), [Err(DropReason::Malformed), Err(DropReason::TooLarge)]);
}

#[test]
fn s35_a_packet_of_many_small_compressed_messages_is_cut_off() {
    let small = nested(b"\x08hi".to_vec(), 1, true);
    let length = u16::try_from(small.len()).unwrap().to_be_bytes();
    let compound = [&[7, 200], &length.repeat(200)[..], &small.repeat(200)].concat();
    let length = u16::try_from(compound.len()).unwrap().to_be_bytes();
    let packet = [&[7, 2], &length.repeat(2)[..], &compound.repeat(2)].concat();
    let found = read(&packet);
    assert_eq!(found.len(), 400);
    assert_eq!(found.iter().filter(|message| message.is_ok()).count(), 256);
}

#[test]
fn the_shortest_text_that_compression_makes_shorter_has_25_bytes() {
    let compressed = |size: usize| {
        let mut packet = BytesMut::zeroed(size);
        compress_packet(&mut packet, 0, &mut Lzw::default())
    };
    assert!(compressed(25));
    assert!(!compressed(24));
    // Shorter texts are not even tried. Zeros compress best.
    let mut out = BytesMut::zeroed(24);
    compress_stream(&mut out, 0, &mut Lzw::default());
    assert!(out.len() >= 24);
}
