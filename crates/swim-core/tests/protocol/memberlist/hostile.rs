//! Input that anybody may send: no panic, and no more than its bytes in memory and time.

use std::hint::black_box;

use bytes::BytesMut;
use swim_core::wire::memberlist::{
    HEADER_SIZE_MAX, Lzw, MEMBER_SIZE_MAX, SIMPLE_SIZE_MAX, Scanner, StreamLimits, StreamMessage,
    UNPACKED_PACKET_MAX, compress_packet, compress_stream, decode_stream, encode_push_pull,
    encode_user, read_packet, unpack_stream,
};
use swim_core::wire::{Claim, Message};
use swim_core::{DropReason, Incarnation, MemberRef, State, Versions};
use swim_test_support::counting::{Spent, spent};

use super::lzw::noise;
use super::messages::{read, table};
use super::streams::scan;
use super::vectors::{self, bytes, unhex};

const NOTHING: Spent = Spent { count: 0, largest: 0, peak: 0 };

fn member() -> MemberRef<'static> {
    MemberRef {
        name: "n",
        address: ([10, 0, 0, 7], 7946).into(),
        state: State::Suspect,
        incarnation: Incarnation(7),
        meta: b"zone-a",
        versions: Versions::DEFAULT,
    }
}

/// Every datagram and stream of the vectors, good and bad, that is not sealed, and that is short
/// enough to be damaged in each place.
fn originals() -> Vec<Vec<u8>> {
    let mut found = vec![];
    for (file, fields) in [
        ("messages.json", &["hex"][..]),
        ("packets.json", &["hex", "plaintext"]),
        ("packets_input.json", &["hex"]),
        ("streams.json", &["client_to_server", "server_to_client", "client_plaintext"]),
        ("streams_input.json", &["hex", "answer"]),
    ] {
        for vector in vectors::read(file) {
            found.extend(fields.iter().map(|field| bytes(&vector[field])));
        }
    }
    for vector in vectors::read("decode.json") {
        found.extend([0, 1, 3, 4, 6, 9].map(|kind| [&[kind], &bytes(&vector["hex"])[..]].concat()));
    }
    found.retain(|bytes| (1..600).contains(&bytes.len()));
    found.sort();
    found.dedup();
    found
}

/// Reads bytes as a packet and as a stream.
fn walk(bytes: &[u8], lzw: &mut Lzw) {
    read_packet(bytes, 7946, lzw, &mut |message| _ = black_box(message));
    let scanned = scan(bytes);
    let decoded = decode_stream(bytes, 7946);
    if let Ok(StreamMessage::PushPull(table)) = decoded {
        table.members().for_each(|member| _ = black_box(member));
    }
    if decoded.is_ok() && !matches!(scanned, Err(DropReason::TooLarge)) {
        let end = scanned.unwrap().unwrap();
        assert_eq!(decode_stream(&bytes[..end], 7946), decoded, "all of it is there");
    }
}

#[test]
fn damaged_bytes_are_read_without_a_panic_and_without_memory() {
    let originals = originals();
    assert!(originals.len() > 300, "{}", originals.len());
    let mut lzw = Lzw::default();
    // The coder's tables and its first buffer.
    read_packet(&unhex("0982a4416c676f00a3427566a70011e819a82720"), 1, &mut lzw, &mut |_| {});
    for original in originals {
        let mut bytes = original.clone();
        let packed = original.contains(&9);
        let spent = spent(|| {
            for place in 0..original.len() {
                for byte in [0, 1, 7, 9, 12, 0x7f, 0x80, 0x9f, 0xc0, 0xc1, 0xc6, 0xdb, 0xdf, 0xff] {
                    bytes[place] = byte;
                    walk(&bytes, &mut lzw);
                }
                bytes[place] = original[place] ^ 1;
                walk(&bytes, &mut lzw);
                bytes[place] = original[place];
                walk(&bytes[..place], &mut lzw);
            }
        });
        // A text within a text takes a second buffer.
        let allowed = if packed { 16 << 10 } else { 0 };
        assert!(spent.largest <= allowed, "{spent:?} {original:02x?}");
    }
}

#[test]
fn packets_are_compressed_and_read_without_memory_in_the_long_run() {
    let mut lzw = Lzw::default();
    let text = [b"\x08", &noise(200).repeat(6)[..]].concat();
    let mut packet = BytesMut::with_capacity(2000);
    let mut work = || {
        packet.clear();
        packet.extend_from_slice(&text);
        assert!(compress_packet(&mut packet, 0, &mut lzw));
        read_packet(&packet, 7946, &mut lzw, &mut |message| {
            assert!(matches!(message, Ok(Message::User(_))));
        });
    };
    work();
    assert_eq!(spent(work), NOTHING);
}

#[test]
fn buffers_of_large_texts_are_given_back() {
    let mut lzw = Lzw::default();
    let mut stream = BytesMut::new();
    encode_user(&noise(1 << 20), &mut stream);
    compress_stream(&mut stream, 0, &mut lzw);
    let mut bomb = BytesMut::from(&[8; UNPACKED_PACKET_MAX][..]);
    compress_packet(&mut bomb, 0, &mut lzw);
    read_packet(&bomb, 7946, &mut lzw, &mut |_| {});
    // If the buffer were still large, it would not grow again.
    let spent = spent(|| read_packet(&bomb, 7946, &mut lzw, &mut |_| {}));
    assert!(spent.largest >= UNPACKED_PACKET_MAX / 2, "{spent:?}");
}

#[test]
fn writing_into_a_large_enough_buffer_takes_no_memory() {
    let mut out = BytesMut::with_capacity(4000);
    let member = member();
    let claim = Claim::Alive { address: member.address, meta: b"m", versions: member.versions };
    let incarnation = Incarnation(7);
    let update = Message::Update(swim_core::wire::Update { name: "n", incarnation, claim });
    let spent = spent(|| {
        swim_core::wire::memberlist::encode(&update, &mut out);
        encode_push_pull(true, [member; 3].into_iter(), b"state", &mut out);
    });
    assert_eq!(spent, NOTHING);
}

#[test]
fn s33_a_push_pull_that_claims_too_many_nodes_is_refused() {
    let header = |nodes: &[u8], state: &[u8]| {
        [b"\x06\x82\xa5Nodes", nodes, b"\xacUserStateLen", state].concat()
    };
    let int = |value: i64| [&[0xd3], &value.to_be_bytes()[..]].concat();
    let cases = [
        (int(1 << 31), int(0), DropReason::TooLarge),
        (int((1 << 20) + 1), int(0), DropReason::TooLarge),
        (int(i64::MAX), int(0), DropReason::TooLarge),
        (int(-1), int(0), DropReason::Malformed),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), int(0), DropReason::Malformed),
        (int(1), int((20 << 20) + 1), DropReason::TooLarge),
        (int(1), int(i64::MAX), DropReason::TooLarge),
        (int(1), int(-1), DropReason::Malformed),
    ];
    for (nodes, state, reason) in cases {
        let stream = header(&nodes, &state);
        let spent = spent(|| {
            // At the end of the head, before any of it could come in.
            assert_eq!(scan(&stream[..stream.len() - 1]), Ok(None));
            assert_eq!(scan(&stream), Err(reason), "{nodes:02x?} {state:02x?}");
            assert_eq!(decode_stream(&stream, 7946), Err(DropReason::Malformed));
        });
        assert_eq!(spent, NOTHING);
    }
    let most = header(&int(1 << 20), &int(20 << 20));
    assert_eq!(scan(&most), Ok(None));
    let limits = StreamLimits { nodes_max: 10, user_state_size_max: 20, ..Default::default() };
    for (nodes, state, outcome) in [
        (10, 20, Ok(None)),
        (11, 20, Err(DropReason::TooLarge)),
        (10, 21, Err(DropReason::TooLarge)),
    ] {
        assert_eq!(Scanner::new(limits).advance(&header(&int(nodes), &int(state))), outcome);
    }
}

#[test]
fn s33_a_head_or_a_member_without_end_is_refused() {
    let value = |size: usize| {
        let size = u32::try_from(size).unwrap();
        [&b"\x81\xa1x\xc6"[..], &size.to_be_bytes()].concat()
    };
    let one_node = b"\x06\x81\xa5Nodes\x01";
    let cases = [
        (&b"\x06"[..], HEADER_SIZE_MAX),
        (b"\x08", HEADER_SIZE_MAX),
        (one_node, MEMBER_SIZE_MAX),
        (b"\x00", SIMPLE_SIZE_MAX),
        (b"\x02", SIMPLE_SIZE_MAX),
        (b"\x0d", SIMPLE_SIZE_MAX),
    ];
    for (before, size_max) in cases {
        let fits = [before, &value(size_max - 8)].concat();
        assert_eq!(scan(&fits), Ok(None), "{before:02x?}");
        let too_large = [before, &value(size_max - 7)].concat();
        assert_eq!(scan(&too_large), Err(DropReason::TooLarge), "{before:02x?}");
        // A map of four thousand million entries, and arrays in arrays.
        let map = [before, b"\xdf\xff\xff\xff\xff"].concat();
        assert_eq!(scan(&map), Err(DropReason::TooLarge), "{before:02x?}");
        let arrays = [before, &[0x9f].repeat(size_max)].concat();
        assert_eq!(scan(&arrays), Err(DropReason::TooLarge), "{before:02x?}");
    }
}

#[test]
fn s34_a_user_message_with_a_huge_length_is_refused() {
    for (length, outcome) in [
        (&b"\xd2\x01\x40\x00\x00"[..], Ok(None)),
        (b"\xd2\x01\x40\x00\x01", Err(DropReason::TooLarge)),
        (b"\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", Err(DropReason::TooLarge)),
        (b"\xce\xff\xff\xff\xff", Err(DropReason::TooLarge)),
        (b"\xff", Err(DropReason::Malformed)),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", Err(DropReason::Malformed)),
    ] {
        let stream = [b"\x08\x81\xaaUserMsgLen", length].concat();
        let spent = spent(|| {
            assert_eq!(scan(&stream), outcome, "{length:02x?}");
            assert_eq!(decode_stream(&stream, 7946), Err(DropReason::Malformed));
        });
        assert_eq!(spent, NOTHING);
    }
}

#[test]
fn s34_sealed_and_compressed_messages_with_a_huge_length_are_refused() {
    for (sealed, outcome) in [
        (&b"\x0a\x01\x40\x00\x00"[..], Ok(None)),
        (b"\x0a\x01\x40\x00\x01", Err(DropReason::TooLarge)),
        (b"\x0a\xff\xff\xff\xff", Err(DropReason::TooLarge)),
    ] {
        assert_eq!(scan(sealed), outcome);
    }
    let packed = |length: &[u8]| [b"\x09\x82\xa4Algo\x00\xa3Buf\xdb", length].concat();
    assert_eq!(scan(&packed(b"\x01\x00\x00\x00")), Ok(None));
    assert_eq!(scan(&packed(b"\x7f\xff\xff\xff")), Err(DropReason::TooLarge));
    let limits = StreamLimits { packed_size_max: 100, ..Default::default() };
    let outcome = Scanner::new(limits).advance(&packed(b"\x00\x00\x20\x00"));
    assert_eq!(outcome, Err(DropReason::TooLarge));
}

#[test]
fn s35_a_compressed_stream_is_capped() {
    let mut lzw = Lzw::default();
    let mut bomb = BytesMut::new();
    encode_user(&vec![0; 3 << 20], &mut bomb);
    let size = bomb.len();
    compress_stream(&mut bomb, 0, &mut lzw);
    assert!(bomb.len() < 4096);
    let mut text = vec![];
    let spent = spent(|| {
        let outcome = unpack_stream(&bomb, 1 << 20, &mut lzw, &mut text);
        assert_eq!(outcome, Err(DropReason::TooLarge));
    });
    assert!(spent.largest <= (1 << 20) + 1, "{spent:?}");
    assert_eq!(unpack_stream(&bomb, size - 1, &mut lzw, &mut text), Err(DropReason::TooLarge));
    assert_eq!(unpack_stream(&bomb, size, &mut lzw, &mut text), Ok(()));
}

/// Each clear code makes the decoder set up its table again. Without a bound, 60 KB of such codes
/// cost it as much as a hundred times as much text.
#[test]
fn s35_a_text_of_nothing_but_clear_codes_is_no_text() {
    let mut bits = vec![];
    for _ in 0..50_000 {
        bits.extend((0..9).map(|bit| bit == 8));
    }
    let packed: Vec<u8> = bits
        .chunks(8)
        .map(|byte| byte.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
        .collect();
    let mut text = vec![];
    let outcome = Lzw::default().decompress(&packed, &mut text, 1 << 20);
    assert_eq!((outcome, text.len()), (Err(DropReason::Malformed), 0));
}

#[test]
fn s37_versions_that_are_too_few_are_refused() {
    let alive = |versions: &[u8]| {
        let head = b"\x04\x83\xa4Addr\xa4\x0a\x00\x00\x07\xa4Node\xa1n\xa3Vsn";
        [head, versions].concat()
    };
    for few in [&b"\xc0"[..], b"\xa0", b"\xa2\x01\x05", b"\xa5\x01\x05\x02\x00\x00"] {
        assert_eq!(read(&alive(few)), [Err(DropReason::Versions)], "{few:02x?}");
    }
    for enough in [&b"\xa6\x01\x05\x02\x00\x00\x00"[..], b"\xa7\x01\x05\x02\x00\x00\x00\x09"] {
        assert!(read(&alive(enough))[0].is_ok(), "{enough:02x?}");
    }
    let missing = b"\x04\x82\xa4Addr\xa4\x0a\x00\x00\x07\xa4Node\xa1n";
    assert_eq!(read(missing), [Err(DropReason::Versions)]);
}

/// A scanner that began again with each byte would look at a hundred thousand million bytes here.
#[test]
fn a_message_that_comes_in_byte_by_byte_is_looked_at_once() {
    let stream = table(&vec![member(); 7000]);
    let mut scanner = Scanner::new(StreamLimits::default());
    for size in 0..stream.len() {
        assert_eq!(scanner.advance(&stream[..size]), Ok(None));
    }
    assert_eq!(scanner.advance(&stream), Ok(Some(stream.len())));
    assert_eq!(scanner.advance(&stream), Ok(Some(stream.len())));
}
