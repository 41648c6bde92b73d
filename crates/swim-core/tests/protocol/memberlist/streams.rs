//! Whole streams: ends of messages, their contents, and refusals.

use bytes::BytesMut;
use serde_json::Value;
use swim_core::wire::memberlist::{
    COMPRESSED, Lzw, SEALED, Scanner, StreamLimits, StreamMessage, compress_stream, decode_stream,
    encode_error, encode_push_pull, encode_user, unpack_stream,
};
use swim_core::wire::{Ack, Message, Ping};
use swim_core::{DropReason, MemberRef};

use super::messages::written;
use super::vectors::{self, bytes, case, check_differences, hex};

/// Streams that are refused here and taken by Go, or the other way round, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("ping_other", "whose name it is, the node knows"),
    ("type_2", "an ack is for who opened the stream; whether this side did, the node knows"),
    ("type_13", "an error is for who opened the stream; whether this side did, the node knows"),
    ("label_wrong", "taken off by the test: the label is checked elsewhere"),
];

/// Push/pulls whose members are not all taken, and why.
const MEMBER_DIFFERENCES: &[(&str, &str)] = &[
    ("vsn_nil", "Go refuses the push/pull, this side the member"),
    ("vsn_5", "Go refuses the push/pull, this side the member"),
    ("dead_vsn_nil", "Go refuses the push/pull, this side the member"),
];

pub fn scan(bytes: &[u8]) -> Result<Option<usize>, DropReason> {
    Scanner::new(StreamLimits::default()).advance(bytes)
}

/// Like `scan`, but byte by byte, as bytes may come in.
fn scan_slowly(bytes: &[u8]) -> Result<Option<usize>, DropReason> {
    let mut scanner = Scanner::new(StreamLimits::default());
    for size in 0..=bytes.len() {
        match scanner.advance(&bytes[..size]) {
            Ok(None) => {}
            Ok(Some(end)) => {
                assert_eq!(end, size, "found as soon as it is there");
                return Ok(Some(end));
            }
            Err(reason) => return Err(reason),
        }
    }
    Ok(None)
}

/// The text of a stream behind label and seal.
fn unlabelled(vector: &Value, side: &str) -> Vec<u8> {
    let mut text = match &vector[format!("{side}_plaintext")] {
        Value::Null if side == "client" => bytes(&vector["client_to_server"]),
        Value::Null => bytes(&vector["server_to_client"]),
        plaintext => bytes(plaintext),
    };
    if text.first() == Some(&0xf4) {
        text.drain(..2 + usize::from(text[1]));
    }
    text
}

/// The text of a stream behind label, seal and compression, and whether it was compressed.
fn open(vector: &Value, side: &str) -> (Vec<u8>, bool) {
    let text = unlabelled(vector, side);
    if text.first() != Some(&COMPRESSED) {
        return (text, false);
    }
    assert_eq!(scan(&text), Ok(Some(text.len())), "{vector}");
    let mut unpacked = vec![];
    unpack_stream(&text, 1 << 20, &mut Lzw::default(), &mut unpacked).unwrap();
    (unpacked, true)
}

/// Writes a message that was read.
pub fn rewritten(message: &StreamMessage<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    match message {
        StreamMessage::Ping(ping) => return written(&Message::Ping(*ping)),
        StreamMessage::Ack(ack) => return written(&Message::Ack(*ack)),
        StreamMessage::User { payload } => encode_user(payload, &mut out),
        StreamMessage::PushPull(table) => {
            let members = table.members().map(Result::unwrap);
            encode_push_pull(table.join, members, table.user_state, &mut out);
        }
        StreamMessage::Error(text) => encode_error(text, &mut out),
    }
    out.to_vec()
}

#[test]
fn streams_of_go_are_read_and_written_byte_for_byte_in_every_framing() {
    let mut lzw = Lzw::default();
    let mut compared = 0;
    for vector in vectors::read("streams.json") {
        for side in ["client", "server"] {
            let (text, compressed) = open(&vector, side);
            // Nothing was answered, or it cannot be read without the key.
            if text.is_empty() || text[0] == SEALED {
                continue;
            }
            assert_eq!(scan(&text), Ok(Some(text.len())), "{vector}");
            assert_eq!(scan_slowly(&text), Ok(Some(text.len())), "{vector}");
            let message = decode_stream(&text, 7946).unwrap();
            assert_eq!(rewritten(&message), text, "{vector}");
            let mut packed = BytesMut::from(&b"before"[..]);
            packed.extend_from_slice(&text);
            if compressed {
                compress_stream(&mut packed, 6, &mut lzw);
                let sent = unlabelled(&vector, side);
                assert_eq!(packed, [b"before", &sent[..]].concat(), "{vector}");
            }
            compared += 1;
        }
    }
    assert!(compared >= 40, "{compared} texts");
}

#[test]
fn streams_say_what_go_says_they_do() {
    for vector in vectors::read("streams.json") {
        let (text, _) = open(&vector, "server");
        if let Ok(StreamMessage::PushPull(table)) = decode_stream(&text, 7946) {
            let result = &vector["client_result"];
            let nodes = result["nodes"].as_array().unwrap();
            let members: Vec<_> = table.members().collect();
            let expected: Vec<_> =
                nodes.iter().map(|node| Ok(vectors::member(node).unwrap())).collect();
            assert_eq!(members, expected, "{vector}");
            assert_eq!(table.nodes as usize, nodes.len());
            assert_eq!(table.user_state, bytes(&result["user_state"]));
            assert_eq!(table.join, case(&vector).contains("join"));
        }
        let (text, _) = open(&vector, "client");
        if let Ok(StreamMessage::User { payload }) = decode_stream(&text, 7946) {
            let hex = hex(payload);
            let effects = vector["server_effects"].as_array().unwrap();
            match effects.first() {
                Some(effect) => assert_eq!(*effect, format!("NotifyMsg {hex}"), "{vector}"),
                None => assert!(payload.is_empty(), "{vector}"),
            }
        }
    }
}

/// The result of the codec for a stream: scanned, unpacked, scanned again, decoded.
fn outcome(stream: &[u8], unpacked: &mut Vec<u8>) -> Result<Option<usize>, DropReason> {
    let Some(end) = scan(stream)? else { return Ok(None) };
    let mut text = &stream[..end];
    if text[0] == COMPRESSED {
        unpack_stream(text, 1 << 20, &mut Lzw::default(), unpacked)?;
        text = unpacked;
        if scan(text)?.is_none() {
            return Ok(None);
        }
    }
    decode_stream(text, 7946).map(|_| Some(end))
}

#[test]
fn streams_are_taken_and_refused_as_by_go() {
    let vectors = vectors::read("streams_input.json");
    let (mut compared, mut differences, mut member_differences) = (0, vec![], vec![]);
    for vector in &vectors {
        if !vector["key"].is_null() {
            continue;
        }
        compared += 1;
        let mut stream = bytes(&vector["hex"]);
        if stream.first() == Some(&0xf4) && stream[1] > 0 {
            stream.drain(..2 + usize::from(stream[1]));
        }
        let mut unpacked = vec![];
        let outcome = outcome(&stream, &mut unpacked);
        assert_eq!(scan_slowly(&stream), scan(&stream), "{vector}");
        let log = vector["log"].to_string();
        let taken_by_go = vector["log"] == Value::Array(vec![]) && !stream.is_empty()
            || log.contains("Failed push/pull merge");
        let taken = matches!(outcome, Ok(Some(_)));
        if taken != taken_by_go {
            differences.push(case(vector));
        }
        // A cut stream is no error; it does not end.
        let cut = ["EOF", "unexpected EOF"].iter().any(|text| log.contains(text));
        assert_eq!(outcome == Ok(None), cut || stream.is_empty(), "{outcome:?} {vector}");
        let text = if unpacked.is_empty() { &stream } else { &unpacked };
        if let Ok(StreamMessage::PushPull(table)) = decode_stream(text, 7946)
            && table.members().any(|member| member == Err(DropReason::Versions))
        {
            assert!(taken, "{vector}");
            member_differences.push(case(vector));
        }
    }
    assert_eq!(compared, 41, "vectors that are not sealed");
    check_differences(&differences, DIFFERENCES);
    check_differences(&member_differences, MEMBER_DIFFERENCES);
}

#[test]
fn members_in_an_unknown_state_are_passed_over() {
    let vectors = vectors::read("streams_input.json");
    let vector = vectors.iter().find(|vector| case(vector) == "state_9").unwrap();
    let stream = bytes(&vector["hex"]);
    let Ok(StreamMessage::PushPull(table)) = decode_stream(&stream, 7946) else { panic!() };
    assert_eq!((table.nodes, table.members().count()), (1, 0));
}

#[test]
fn a_wrong_member_does_not_take_the_others_with_it() {
    let good = b"\x83\xa4Addr\xa4\x0a\x00\x00\x07\xa4Name\xa1n\xa3Vsn\xa6\x01\x05\x02\x00\x00\x00";
    let bad: &[(&[u8], DropReason)] = &[
        (b"\xc0", DropReason::Malformed),
        (b"\x07", DropReason::Malformed),
        (b"\x81\xa4Name\xa1n", DropReason::BadAddress),
        (b"\x82\xa4Addr\xa4\x0a\x00\x00\x07\xa4Name\xa1n", DropReason::Versions),
        (b"\x82\xa4Port\xce\x00\x01\x00\x00\xa4Name\xa1n", DropReason::Malformed),
    ];
    for (state, reason) in bad {
        let stream = [b"\x06\x81\xa5Nodes\x03", &good[..], state, good, b"ignored"].concat();
        assert_eq!(scan(&stream), Ok(Some(stream.len() - 7)));
        let Ok(StreamMessage::PushPull(table)) = decode_stream(&stream, 4242) else { panic!() };
        let members: Vec<Result<MemberRef<'_>, _>> = table.members().collect();
        assert_eq!(members[0].unwrap().address, ([10, 0, 0, 7], 4242).into());
        assert_eq!(members[1], Err(*reason));
        assert_eq!((members[2], members.len()), (members[0], 3));
    }
}

#[test]
fn an_error_is_told_as_far_as_it_is_text() {
    assert_eq!(decode_stream(b"\x0d\x81\xa5Error\xa3no\xff", 1), Ok(StreamMessage::Error("no")));
    assert_eq!(decode_stream(b"\x0d\x80", 1), Ok(StreamMessage::Error("")));
}

#[test]
fn pings_and_acks_are_the_same_as_in_packets() {
    let ping = Ping { sequence: 7, target: "b", source: "a", reply_to: None };
    let text = written(&Message::Ping(ping));
    assert_eq!(scan(&text), Ok(Some(text.len())));
    assert_eq!(decode_stream(&text, 1), Ok(StreamMessage::Ping(ping)));
    let ack = Ack { sequence: 7, payload: b"", view: 0 };
    let text = written(&Message::Ack(ack));
    assert_eq!(decode_stream(&text, 1), Ok(StreamMessage::Ack(ack)));
}

#[test]
fn a_sealed_message_ends_where_it_says() {
    let stream = b"\x0a\x00\x00\x00\x04sealmore";
    assert_eq!(scan(stream), Ok(Some(9)));
    assert_eq!(scan_slowly(stream), Ok(Some(9)));
    assert_eq!(scan(&stream[..8]), Ok(None));
    assert_eq!(decode_stream(stream, 1), Err(DropReason::Unrecognised));
}

#[test]
fn a_compressed_message_is_unpacked_once() {
    let mut out = BytesMut::new();
    encode_user(b"hi", &mut out);
    let mut lzw = Lzw::default();
    compress_stream(&mut out, 0, &mut lzw);
    compress_stream(&mut out, 0, &mut lzw);
    let mut text = vec![];
    unpack_stream(&out, 1000, &mut lzw, &mut text).unwrap();
    assert_eq!(text[0], COMPRESSED);
    assert_eq!(decode_stream(&text, 1), Err(DropReason::Unrecognised));
    assert_eq!(unpack_stream(b"\x08", 1, &mut lzw, &mut text), Err(DropReason::Unrecognised));
}
