//! Each message, written and read.

use bytes::BytesMut;
use serde_json::Value;
use swim_core::wire::memberlist::{
    Lzw, StreamMessage, decode_stream, encode, encode_error, encode_push_pull, encode_user,
    encoded_len, make_compound, read_packet,
};
use swim_core::wire::{Broadcast, Message, User};
use swim_core::{DropReason, MemberRef, State};

use super::vectors::{self, bytes, case, check_differences};

/// Messages that cannot be written as by Go, and why.
const WRITING_DIFFERENCES: &[(&str, &str)] = &[
    ("ack_empty_payload", "an empty payload is nil: nobody tells them apart"),
    ("alive_empty_meta", "empty metadata is nil: nobody tells them apart"),
    ("alive_novsn", "versions are always said, as a Go member that hears none is lost"),
    ("pushnode_nilmeta", "versions are always said, as a Go member that hears none is lost"),
];

/// Messages that cannot be read, and why.
const READING_DIFFERENCES: &[(&str, &str)] = &[
    ("alive_novsn", "who passed it on would poison Go members"),
    ("alive_name300", "a name has at most 255 bytes"),
    ("pushnode_nilmeta", "who passed it on would poison Go members"),
];

/// Every message of a packet without a checksum, with the reasons of those that are dropped.
pub fn read(packet: &[u8]) -> Vec<Result<Vec<u8>, DropReason>> {
    let mut found = vec![];
    read_packet(packet, 7946, &mut Lzw::default(), &mut |message| {
        found.push(message.map(|message| written(&message)));
    });
    found
}

/// A message's bytes; also checks its announced length.
pub fn written(message: &Message<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(message, &mut out);
    assert_eq!(out.len(), encoded_len(message), "{message:?}");
    out.to_vec()
}

/// A push/pull of these members.
pub fn table(members: &[MemberRef<'_>]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_push_pull(false, members.iter().copied(), b"", &mut out);
    out.to_vec()
}

enum Expected<'a> {
    Message(Option<Message<'a>>),
    Member(Option<MemberRef<'a>>),
}

/// Vectors that are one message or one member of a push/pull.
fn expected(vector: &Value) -> Option<Expected<'_>> {
    let fields = &vector["decoded"]["fields"];
    match vector["decoded"]["type"].as_u64() {
        Some(7 | 13) => None,
        Some(8) => Some(Expected::Message(Some(vectors::user(&vector["decoded"]["payload"])))),
        Some(kind) => Some(Expected::Message(vectors::message(kind, fields))),
        None if fields.get("State").is_some() => Some(Expected::Member(vectors::member(fields))),
        None => None,
    }
}

#[test]
fn messages_are_written_byte_for_byte_as_by_go() {
    let vectors = vectors::read("messages.json");
    let (mut compared, mut differences) = (0, vec![]);
    for vector in &vectors {
        let ours = match expected(vector) {
            Some(Expected::Message(message)) => message.as_ref().map(written),
            Some(Expected::Member(member)) => {
                let empty = table(&[]).len();
                member.map(|member| table(&[member])[empty..].to_vec())
            }
            None => continue,
        };
        compared += 1;
        if ours != Some(bytes(&vector["hex"])) {
            differences.push(case(vector));
        }
    }
    assert_eq!(compared, 40, "vectors that are a message or a member");
    check_differences(&differences, WRITING_DIFFERENCES);
}

#[test]
fn messages_are_read_as_go_wrote_them() {
    let vectors = vectors::read("messages.json");
    let mut differences = vec![];
    for vector in &vectors {
        let body = bytes(&vector["hex"]);
        let same = match expected(vector) {
            Some(Expected::Message(message)) => {
                let mut found = vec![];
                read_packet(&body, 7946, &mut Lzw::default(), &mut |read| {
                    found.push(message.map(Ok) == Some(read));
                });
                found == [true]
            }
            Some(Expected::Member(member)) => {
                let stream = [b"\x06\x81\xa5Nodes\x01", &body[..]].concat();
                let Ok(StreamMessage::PushPull(table)) = decode_stream(&stream, 7946) else {
                    panic!("{vector}");
                };
                let members: Vec<_> = table.members().collect();
                member.is_some_and(|member| members == [Ok(member)])
            }
            None => continue,
        };
        if !same {
            differences.push(case(vector));
        }
    }
    check_differences(&differences, READING_DIFFERENCES);
}

#[test]
fn heads_of_streams_and_errors_are_written_byte_for_byte_as_by_go() {
    let mut compared = 0;
    for vector in vectors::read("messages.json") {
        let fields = &vector["decoded"]["fields"];
        let theirs = bytes(&vector["hex"]);
        let mut out = BytesMut::new();
        if let Some(text) = fields["Error"].as_str() {
            encode_error(text, &mut out);
            assert_eq!(out, theirs, "{vector}");
            assert_eq!(decode_stream(&theirs, 7946), Ok(StreamMessage::Error(text)));
        } else if let Some(size) = fields["UserMsgLen"].as_u64() {
            encode_user(&vec![7; usize::try_from(size).unwrap()], &mut out);
            assert_eq!(out[..=theirs.len()], [&[8], &theirs[..]].concat(), "{vector}");
            let payload = &out[1 + theirs.len()..];
            assert_eq!(decode_stream(&out, 7946), Ok(StreamMessage::User { payload }));
        } else if let Some(nodes) = fields["Nodes"].as_u64() {
            let member = MemberRef {
                name: "n",
                address: ([10, 0, 0, 7], 7946).into(),
                state: State::Alive,
                incarnation: swim_core::Incarnation(1),
                meta: b"",
                versions: swim_core::Versions::DEFAULT,
            };
            let members = std::iter::repeat_n(member, usize::try_from(nodes).unwrap());
            let state = vec![7; usize::try_from(fields["UserStateLen"].as_u64().unwrap()).unwrap()];
            encode_push_pull(fields["Join"].as_bool().unwrap(), members, &state, &mut out);
            assert_eq!(out[..=theirs.len()], [&[6], &theirs[..]].concat(), "{vector}");
        } else {
            continue;
        }
        compared += 1;
    }
    assert_eq!(compared, 16, "vectors that are a head or an error");
}

#[test]
fn compounds_are_written_and_read_as_by_go() {
    for vector in vectors::read("messages.json") {
        let Some(parts) = vector["decoded"]["parts"].as_array() else { continue };
        let parts: Vec<Vec<u8>> = parts.iter().map(bytes).collect();
        let theirs = bytes(&vector["hex"]);
        let found = read(&theirs);
        assert_eq!(found, parts.iter().cloned().map(Ok).collect::<Vec<_>>(), "{vector}");
        if parts.len() < 2 {
            continue;
        }
        let mut out = BytesMut::from(&b"before"[..]);
        out.extend_from_slice(&parts.concat());
        let lengths: Vec<u16> = parts.iter().map(|part| part.len().try_into().unwrap()).collect();
        make_compound(&mut out, 6, &lengths);
        assert_eq!(out, [b"before", &theirs[..]].concat());
    }
    let full = vectors::read("messages.json");
    let full = full.iter().find(|vector| case(vector) == "compound255").unwrap();
    let found = read(&bytes(&full["hex"]));
    assert_eq!(found.len(), 255);
    assert!(found.iter().all(|message| message.as_ref().is_ok_and(|user| user.len() == 2)));
}

#[test]
fn a_compound_of_one_message_is_the_message() {
    let mut out = BytesMut::from(&b"before\x08hi"[..]);
    make_compound(&mut out, 6, &[3]);
    assert_eq!(out, &b"before\x08hi"[..]);
    make_compound(&mut out, 9, &[]);
    assert_eq!(out, &b"before\x08hi"[..]);
}

#[test]
fn broadcasts_and_user_messages_are_their_payload() {
    let payload = b"hello";
    let user = Message::User(User { from: "somebody", payload, envelope: None });
    let broadcast = Message::Broadcast(Broadcast {
        origin: "a",
        life: 7,
        sequence: 1,
        key: b"k",
        payload,
        known: swim_core::Incarnation(0),
    });
    assert_eq!(written(&user), b"\x08hello");
    assert_eq!(written(&broadcast), b"\x08hello");
}

#[test]
fn port_0_of_protocol_version_1_becomes_the_default_port() {
    let alive =
        b"\x04\x83\xa4Addr\xa4\x0a\x00\x00\x07\xa4Node\xa1n\xa3Vsn\xa6\x01\x05\x01\x00\x00\x00";
    let indirect = b"\x01\x83\xa4Node\xa1n\xa5SeqNo\x07\xa6Target\xa4\x0a\x00\x00\x07";
    for packet in [&alive[..], indirect] {
        let mut ports = vec![];
        read_packet(packet, 4242, &mut Lzw::default(), &mut |message| match message {
            Ok(Message::IndirectPing(ping)) => ports.push(ping.address.port()),
            Ok(Message::Update(update)) => match update.claim {
                swim_core::wire::Claim::Alive { address, .. } => ports.push(address.port()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        });
        assert_eq!(ports, [4242]);
    }
}

#[test]
fn names_have_1_to_255_bytes_of_utf_8() {
    let suspect = |node: &[u8], from: &[u8]| {
        let raw = |bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            [&[0xda], &length[..], bytes].concat()
        };
        [b"\x03\x82\xa4Node", &raw(node)[..], b"\xa4From", &raw(from)].concat()
    };
    let reason = |packet: &[u8]| read(packet)[0].as_ref().err().copied();
    let (short, long, too_long) = ([b'n'; 1], [b'n'; 255], [b'n'; 256]);
    assert_eq!(reason(&suspect(&short, &long)), None);
    for bad in [&b""[..], b"\xff\xfe", b"cut \xc3", &too_long] {
        assert_eq!(reason(&suspect(bad, b"n")), Some(DropReason::Malformed));
        assert_eq!(reason(&suspect(b"n", bad)), Some(DropReason::Malformed));
    }
}

#[test]
fn a_ping_may_be_for_whoever_is_there() {
    let ping = b"\x00\x82\xa4Node\xa0\xa5SeqNo\x07";
    assert_eq!(read(ping), [Ok(ping.to_vec())]);
    let indirect = b"\x01\x83\xa4Node\xa0\xa5SeqNo\x07\xa6Target\xa4\x0a\x00\x00\x07";
    assert_eq!(read(indirect), [Err(DropReason::Malformed)]);
}

#[test]
fn a_ping_is_answered_where_address_and_port_say_if_both_do() {
    let reply_to = |packet: &[u8]| {
        let mut found = None;
        read_packet(packet, 7946, &mut Lzw::default(), &mut |message| match message {
            Ok(Message::Ping(ping)) => found = Some(Ok(ping.reply_to)),
            Err(reason) => found = Some(Err(reason)),
            other => panic!("{other:?}"),
        });
        found.unwrap()
    };
    let address = b"\xaaSourceAddr\xa4\x0a\x00\x00\x07";
    let port = b"\xaaSourcePort\x07";
    assert_eq!(reply_to(&[b"\x00\x81", &address[..]].concat()), Ok(None));
    assert_eq!(reply_to(&[b"\x00\x81", &port[..]].concat()), Ok(None));
    let both = reply_to(&[b"\x00\x82", &address[..], port].concat());
    assert_eq!(both, Ok(Some(([10, 0, 0, 7], 7).into())));
    let short = reply_to(&[b"\x00\x82", &b"\xaaSourceAddr\xa3\x0a\x00\x00"[..], port].concat());
    assert_eq!(short, Err(DropReason::BadAddress));
}
