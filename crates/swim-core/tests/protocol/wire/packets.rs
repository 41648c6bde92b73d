//! Packets: the header, foreign bytes, the bytes of each message, and malformed input.

use bytes::BytesMut;
use swim_core::wire::{self, Ack, Claim, LABEL_SIZE_MAX, Message, Ping, Update};
use swim_core::{DropReason, Incarnation, MessageKind, NAME_SIZE_MAX, State, Versions};

const LABEL: &[u8] = b"staging";

pub fn packet(label: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    wire::begin_packet(label, &mut out);
    assert_eq!(out.len(), wire::header_len(label));
    out.extend_from_slice(body);
    out.to_vec()
}

fn opened(datagram: &[u8]) -> Result<(), DropReason> {
    wire::open_packet(datagram, LABEL).map(|_| ())
}

/// All messages of a packet with this body.
fn messages(body: &[u8]) -> Vec<Result<Message<'static>, DropReason>> {
    wire::open_packet(packet(b"", body).leak(), b"").unwrap().collect()
}

fn encoded(message: Message<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    assert_eq!(out.len(), message.encoded_len());
    out.to_vec()
}

fn alive<'a>(name: &'a str, address: &str, meta: &'a [u8], versions: Versions) -> Update<'a> {
    let claim = Claim::Alive { address: address.parse().unwrap(), meta, versions };
    Update { name, incarnation: Incarnation(0x6530_8A80), claim }
}

const MALFORMED: Result<Message<'_>, DropReason> = Err(DropReason::Malformed);

#[test]
fn a_packet_starts_with_magic_version_and_label() {
    assert_eq!(packet(LABEL, b""), b"\xC1\x10\x07staging");
    assert_eq!(packet(b"", b""), b"\xC1\x10\x00");
    assert_eq!(opened(b"\xC1\x10\x07staging"), Ok(()));
}

#[test]
fn the_magic_byte_opens_nothing_else() {
    assert!(!wire::MAGIC.is_ascii());
    assert!(!(0..=14).contains(&wire::MAGIC) && wire::MAGIC != 244, "memberlist");
    assert!(!(20..=23).contains(&wire::MAGIC), "TLS");
    for second in 0..=u8::MAX {
        assert!(str::from_utf8(&[wire::MAGIC, second]).is_err());
    }
}

#[test]
fn a_packet_of_another_version_or_with_unknown_flags_is_named() {
    for second in 0..=u8::MAX {
        let expected = match second {
            0x10 => Ok(()),
            0x11 | 0x13 => Err(DropReason::Sealed),
            0x12 => Err(DropReason::Compressed),
            _ => Err(DropReason::WireVersion),
        };
        assert_eq!(opened(&[b"\xC1", &[second][..], b"\x07staging"].concat()), expected);
    }
}

#[test]
fn another_label_is_a_mismatch_and_half_of_ours_is_cut_short() {
    for other in [&b""[..], b"s", b"stagin", b"staging2", b"stagjng", b"STAGING"] {
        let datagram = packet(other, b"\x08\x08some more");
        assert_eq!(opened(&datagram), Err(DropReason::LabelMismatch), "{other:?}");
    }
    let datagram = packet(LABEL, b"");
    for size in 0..datagram.len() {
        assert_eq!(opened(&datagram[..size]), Err(DropReason::Truncated), "{size} bytes");
    }
}

#[test]
fn the_longest_label_fits_the_header() {
    let label = [b'x'; LABEL_SIZE_MAX];
    assert!(wire::open_packet(&packet(&label, b""), &label).is_ok());
    assert_eq!(wire::header_len(&label), 258);
}

#[test]
fn foreign_bytes_are_recognised() {
    use DropReason::{Http, Memberlist, Tls, TlsRequired, Truncated, Unrecognised};
    let cases: [(&[u8], DropReason); 22] = [
        (b"", Truncated),
        (b"\x16\x03\x01\x02\x00\x01", Tls),
        (b"\x16\xFE\xFD\x00\x00", Tls),
        (b"\x16\x04", Unrecognised),
        (b"\x15\x03\x03\x00\x02", TlsRequired),
        (b"\x15\x04", Unrecognised),
        (b"GET / HTTP/1.1\r\n", Http),
        (b"HEAD /", Http),
        (b"POST /v1", Http),
        (b"PUT /", Http),
        (b"DELETE /", Http),
        (b"OPTIONS *", Http),
        (b"CONNECT a:443", Http),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Http),
        (b"GETTING", Unrecognised),
        (b"\x00\x82", Memberlist),
        (b"\x0E", Memberlist),
        (b"\x0F", Unrecognised),
        (b"\xF4\x03abc", Memberlist),
        (b"hello", Unrecognised),
        (b"\xC3\xA9", Unrecognised),
        (b"\x80\x00\x00\x00", Unrecognised),
    ];
    for (bytes, reason) in cases {
        assert_eq!(opened(bytes), Err(reason), "{bytes:?}");
        if !bytes.is_empty() {
            assert_eq!(wire::open_header(bytes, LABEL), Err(reason), "{bytes:?}");
        }
    }
}

#[test]
fn a_stream_is_refused_at_the_first_byte_that_differs() {
    let header = packet(LABEL, b"");
    for size in 0..header.len() {
        assert_eq!(wire::open_header(&header[..size], LABEL), Ok(None));
        let mut other = header[..=size].to_vec();
        other[size] ^= 0x40;
        assert!(wire::open_header(&other, LABEL).is_err(), "byte {size}");
    }
    assert_eq!(wire::open_header(&header, LABEL), Ok(Some(10)));
    assert_eq!(wire::open_header(&packet(LABEL, b"more"), LABEL), Ok(Some(10)));
}

#[test]
fn an_alive_has_the_documented_bytes() {
    let update = alive("node-00001", "10.0.0.7:7946", b"", Versions::DEFAULT);
    let expected = [
        &b"\x2A\x19"[..],
        b"\x0A\x0Anode-00001",
        b"\x15\x80\x8A\x30\x65",
        b"\x1A\x06\x0A\x00\x00\x07\x1F\x0A",
    ];
    assert_eq!(encoded(Message::Update(update)), expected.concat());
    assert_eq!(update.encoded_len(), 27);
}

#[test]
fn a_suspect_has_the_documented_bytes() {
    let claim = Claim::Suspect { accuser: "node-00002" };
    let update = Update { name: "node-00001", incarnation: Incarnation(0x6530_8A80), claim };
    let expected =
        [&b"\x32\x1D"[..], b"\x0A\x0Anode-00001", b"\x15\x80\x8A\x30\x65", b"\x1A\x0Anode-00002"];
    assert_eq!(encoded(Message::Update(update)), expected.concat());
    assert_eq!(update.encoded_len(), 31);
}

#[test]
fn an_update_is_encoded_alike_alone_and_as_a_message() {
    for claim in [
        Claim::Alive {
            address: ([10, 0, 0, 7], 1).into(),
            meta: b"m",
            versions: Versions::DEFAULT,
        },
        Claim::Suspect { accuser: "c" },
        Claim::Failed { accuser: "c" },
        Claim::Left,
    ] {
        let update = Update { name: "b", incarnation: Incarnation(9), claim };
        let mut out = BytesMut::new();
        update.encode(&mut out);
        assert_eq!(out, encoded(Message::Update(update)));
        assert_eq!(update.encoded_len(), out.len());
        let kind =
            [MessageKind::Alive, MessageKind::Suspect, MessageKind::Failed, MessageKind::Left]
                [update.state() as usize];
        assert_eq!(Message::Update(update).kind(), kind);
    }
}

#[test]
fn defaults_are_left_out() {
    assert_eq!(encoded(Message::Nack { sequence: 0 }), b"\x22\x00");
    assert_eq!(encoded(Message::Ack(Ack { sequence: 0, payload: b"", view: 0 })), b"\x1A\x00");
    let left = Update { name: "b", incarnation: Incarnation(0), claim: Claim::Left };
    assert_eq!(encoded(Message::Update(left)), b"\x42\x03\x0A\x01b");
    assert_eq!(messages(b"\x22\x00"), [Ok(Message::Nack { sequence: 0 })]);
}

#[test]
fn names_have_1_to_255_bytes_of_utf8() {
    let ping = |target: &[u8]| -> Vec<u8> {
        let mut body = b"\x12".to_vec();
        prost::encoding::encode_varint(target.len() as u64, &mut body);
        body.extend_from_slice(target);
        body.extend_from_slice(b"\x1A\x01a");
        let mut whole = b"\x0A".to_vec();
        prost::encoding::encode_varint(body.len() as u64, &mut whole);
        [whole, body].concat()
    };
    assert_eq!(messages(&ping(b"")), [MALFORMED]);
    assert_eq!(messages(&ping(b"\xFF")), [MALFORMED]);
    assert_eq!(messages(&ping("é".as_bytes()))[0].unwrap().kind(), MessageKind::Ping);
    assert!(messages(&ping(&[b'n'; NAME_SIZE_MAX]))[0].is_ok());
    assert_eq!(messages(&ping(&[b'n'; NAME_SIZE_MAX + 1])), [MALFORMED]);
}

#[test]
fn a_message_without_a_required_field_is_malformed_and_the_next_one_counts() {
    let next = b"\x22\x05\x0D\x01\x00\x00\x00";
    let cases: [(&str, &[u8]); 12] = [
        ("a ping without a target", b"\x0A\x03\x1A\x01a"),
        ("a ping without a source", b"\x0A\x03\x12\x01b"),
        ("an indirect ping without an address", b"\x12\x03\x12\x01b"),
        ("an alive without a name", b"\x2A\x08\x1A\x06\x0A\x00\x00\x07\x1F\x0A"),
        ("an alive without an address", b"\x2A\x03\x0A\x01b"),
        ("an alive with an empty address", b"\x2A\x05\x0A\x01b\x1A\x00"),
        ("an alive with 5 bytes of address", b"\x2A\x0A\x0A\x01b\x1A\x05\x0A\x00\x00\x07\x1F"),
        ("a suspect without an accuser", b"\x32\x03\x0A\x01b"),
        ("a failed without an accuser", b"\x3A\x03\x0A\x01b"),
        ("a left without a name", b"\x42\x00"),
        ("a user message without a sender", b"\x4A\x03\x12\x01x"),
        ("a broadcast without an origin", b"\x52\x03\x22\x01x"),
    ];
    for (what, body) in cases {
        let found = messages(&[body, next].concat());
        assert_eq!(found, [MALFORMED, Ok(Message::Nack { sequence: 1 })], "{what}");
    }
}

#[test]
fn addresses_of_4_and_16_bytes_are_read() {
    for size in 0..24 {
        let mut body = vec![0x12, 0x02 + 3 + size, 0x12, 0x01, b'b', 0x1A, size];
        body.resize(body.len() + usize::from(size), 1);
        assert_eq!(messages(&body)[0].is_ok(), size == 6 || size == 18, "{size} bytes");
    }
}

#[test]
fn versions_have_six_bytes_or_none() {
    for size in 0..9 {
        let mut body = b"\x2A\x00\x0A\x01b\x1A\x06\x0A\x00\x00\x07\x1F\x0A".to_vec();
        body.extend_from_slice(&[0x2A, size]);
        body.resize(body.len() + usize::from(size), 2);
        body[1] = u8::try_from(body.len() - 2).unwrap();
        assert_eq!(messages(&body)[0].is_ok(), size == 6 || size == 0, "{size} bytes");
    }
}

#[test]
fn a_known_field_of_another_type_is_malformed() {
    // A ping as a varint; a nack whose sequence is a varint.
    let body = b"\x08\x07\x22\x02\x08\x07\x22\x00";
    assert_eq!(messages(body), [MALFORMED, MALFORMED, Ok(Message::Nack { sequence: 0 })]);
}

#[test]
fn the_last_of_repeated_fields_counts() {
    let body = b"\x42\x10\x0A\x01a\x15\x01\x00\x00\x00\x0A\x01b\x15\x02\x00\x00\x00";
    let left = Update { name: "b", incarnation: Incarnation(2), claim: Claim::Left };
    assert_eq!(messages(body), [Ok(Message::Update(left))]);
    assert_eq!(left.state(), State::Left);
}

#[test]
fn a_broken_structure_ends_the_packet_with_one_error() {
    let first = b"\x22\x00";
    let cases: [(&str, &[u8]); 12] = [
        ("a key without a value", b"\x0A"),
        ("a length beyond the end", b"\x0A\x05abc"),
        ("a length of 64 bits", b"\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
        ("a varint of 11 bytes", b"\x0A\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
        ("a varint above 64 bits", b"\x78\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"),
        ("a varint without an end", b"\x78\x80\x80"),
        ("field number 0", b"\x02\x00"),
        ("a key above 32 bits", b"\x82\x80\x80\x80\x10\x00"),
        ("a group", b"\x7B\x7C"),
        ("the end of a group", b"\x7C"),
        ("an unknown type", b"\x7F\x00"),
        ("half a fixed64", b"\x79\x00\x00\x00\x00"),
    ];
    for (what, broken) in cases {
        let found = messages(&[first, broken].concat());
        assert_eq!(found, [Ok(Message::Nack { sequence: 0 }), MALFORMED], "{what}");
    }
}

#[test]
fn a_broken_message_does_not_break_the_packet() {
    // A nack whose content announces more than there is, then a good one.
    assert_eq!(
        messages(b"\x22\x02\x0D\x01\x22\x00"),
        [MALFORMED, Ok(Message::Nack { sequence: 0 })]
    );
}

#[test]
fn unknown_fields_of_every_type_are_passed_over() {
    let unknown: &[u8] = b"\xA0\x06\x96\x01\xA1\x06\x01\x02\x03\x04\x05\x06\x07\x08\
        \xA2\x06\x03abc\xA5\x06\x01\x02\x03\x04";
    let ping = Message::Ping(Ping { sequence: 1, target: "b", source: "a", reply_to: None });
    let mut inner = encoded(ping)[2..].to_vec();
    inner.splice(5..5, unknown.iter().copied());
    let mut body = unknown.to_vec();
    body.extend_from_slice(&[0x0A, u8::try_from(inner.len()).unwrap()]);
    body.extend_from_slice(&inner);
    body.extend_from_slice(unknown);
    assert_eq!(messages(&body), [Ok(ping)]);
}

#[test]
fn a_sequence_number_above_32_bits_is_malformed_not_cut() {
    let body = b"\x52\x09\x0A\x01a\x18\x80\x80\x80\x80\x10";
    assert_eq!(messages(body), [MALFORMED]);
}

#[test]
fn an_empty_packet_has_no_messages() {
    assert_eq!(messages(b""), []);
}
