//! Whole exchanges over streams, in both roles.

use std::time::Duration;

use bytes::BytesMut;
use serde_json::Value;
use swim_core::wire::memberlist::{COMPRESSED, Lzw, compress_stream, encode};
use swim_core::wire::{Ack, Claim, Message, Update};
use swim_core::{
    Answer, DropReason, Encryption, Failure, Incarnation, Output, RequestId, StreamId, Versions,
};

use super::differences::Found;
use super::harness::{Peer, Row, SENDER, Said, at, config, dialled, row, secured, sorted, written};
use crate::memberlist::vectors::{self, bytes, case};

/// A case, the aspects of a server that differ, and why.
const SERVER_DIFFERENCES: &[(&str, &str, &str)] = &[];

/// The dialled node; in some vectors it has the dialler's address.
const SERVER: &str = "127.0.0.9:7946";

fn peer(vector: &Value, name: &str, role: &str) -> Peer {
    let key = match &vector["key"] {
        Value::Null => &vector[format!("{role}_key")],
        key => key,
    };
    // Vectors that end in an error name the label of each side only in their description.
    let label = match (case(vector), role) {
        ("err_wrong_label" | "err_missing_label", "server") => "red".into(),
        ("err_wrong_label", "client") => "blue".into(),
        ("err_unexpected_label", "client") => "red".into(),
        _ => vector["label"].clone(),
    };
    let mut config = secured(config(name), key, &label);
    config.meta = format!("meta-{name}").into();
    config.compression = case(vector).contains("compressed");
    if case(vector).contains("v0") {
        config.versions.protocol.current = 1;
    }
    let mut peer = Peer::new(config);
    let last = name.rsplit('-').next().unwrap();
    peer.node.set_user_state(peer.now, format!("state-of-{last}").into()).unwrap();
    peer
}

fn is_error(vector: &Value) -> bool {
    case(vector).starts_with("err_")
}

#[test]
fn as_a_server_a_node_answers_what_go_answers() {
    let mut found = Found::default();
    for vector in vectors::read("streams.json") {
        let name = case(&vector);
        let mut peer = peer(&vector, "node-b", "server");
        let before = peer.drops();
        let (id, outputs) = peer.receive(at(SENDER), &bytes(&vector["client_to_server"]));
        let answer = peer.said(&written(&outputs, id), false);
        let expected = peer.said(&bytes(&vector["server_to_client"]), false);
        found.compare(name, "answer", &answer, &expected);
        let effects = vector.get("server_effects").map(sorted).unwrap_or_default();
        found.compare(name, "events", &peer.told(&outputs), &effects);
        let go_logs = vector["server_log"] != Value::Array(vec![]);
        let complained = peer.complained(&outputs, before, go_logs);
        found.compare(name, "complaint", &complained, &go_logs);
    }
    found.check(SERVER_DIFFERENCES);
}

fn result(outputs: &[Output], request: RequestId) -> Option<&Result<Answer, Failure>> {
    outputs.iter().find_map(|output| match output {
        Output::Answer { request: of, result } if *of == request => Some(result),
        _ => None,
    })
}

fn join(peer: &mut Peer) -> (RequestId, StreamId, Vec<Output>) {
    let request = peer.node.join(peer.now, at(SERVER)).unwrap();
    let outputs = peer.outputs();
    (request, dialled(&outputs).unwrap(), outputs)
}

fn node_of_go(fields: &Value) -> Row {
    row(&vectors::member(fields).unwrap())
}

#[test]
fn as_a_client_a_node_joins_as_go_does() {
    let mut joined = 0;
    for vector in vectors::read("streams.json") {
        if !case(&vector).starts_with("pushpull") {
            continue;
        }
        let mut peer = peer(&vector, "node-a", "client");
        let (request, id, outputs) = join(&mut peer);
        // The node sends the same as Go, except for other members that Go knows there.
        let sent = peer.said(&written(&outputs, id), true);
        let Said::PushPull { join, rows, user_state } = sent else { panic!("{sent:?}") };
        let question = peer.said(&bytes(&vector["client_to_server"]), true);
        let Said::PushPull { rows: rows_of_go, user_state: state_of_go, .. } = question else {
            panic!("{question:?}")
        };
        assert!(join);
        assert_eq!((&rows[..], user_state), (&rows_of_go[..1], state_of_go));

        let outputs = peer.answered(id, &bytes(&vector["server_to_client"]));
        let members = 2;
        let answer = Answer::Joined { contact: at(SERVER), members };
        assert_eq!(result(&outputs, request), Some(&Ok(answer)), "{vector}");
        let expected = &vector["client_result"];
        let state = expected["user_state"].as_str().unwrap();
        let join = case(&vector).contains("join");
        let events = [format!("MergeRemoteState join={join} {state}"), "NotifyJoin node-b".into()];
        assert_eq!(peer.told(&outputs), events, "{vector}");
        let node_b = node_of_go(&expected["nodes"][0]);
        assert!(peer.table().contains(&node_b), "{vector}");
        joined += 1;
    }
    assert!(joined >= 7, "{joined}");
}

/// A node that was told of `node-b`.
fn knows_node_b(vector: &Value) -> Peer {
    let mut peer = peer(vector, "node-a", "client");
    let versions = Versions::MEMBERLIST;
    let claim = Claim::Alive { address: at(SERVER), meta: b"", versions };
    let update = Update { name: "node-b", incarnation: Incarnation(1), claim };
    let member = swim_core::MemberRef {
        name: update.name,
        address: at(SERVER),
        state: swim_core::State::Alive,
        incarnation: update.incarnation,
        meta: b"",
        versions,
    };
    let mut text = BytesMut::new();
    let members = [member].into_iter();
    swim_core::wire::memberlist::encode_push_pull(false, members, &[], &mut text);
    let text = peer.dialled_with(&text);
    peer.receive(at(SENDER), &text);
    assert_eq!(peer.node.members().count(), 2);
    peer
}

#[test]
fn as_a_client_a_node_sends_what_go_sends_to_one_member() {
    let mut sent = 0;
    for vector in vectors::read("streams.json") {
        if !case(&vector).starts_with("user") {
            continue;
        }
        let mut peer = knows_node_b(&vector);
        let expected = peer.said(&bytes(&vector["client_to_server"]), true);
        let Said::Other(text) = &expected else { panic!("{expected:?}") };
        let payload = &text[b"\x08\x81\xaaUserMsgLen\x00".len()..];
        let request = peer.node.send_reliable(peer.now, "node-b", payload).unwrap();
        let outputs = peer.outputs();
        let id = dialled(&outputs).unwrap();
        assert_eq!(peer.said(&written(&outputs, id), true), expected, "{vector}");
        let outputs = peer.answered(id, &bytes(&vector["server_to_client"]));
        assert_eq!(result(&outputs, request), Some(&Ok(Answer::Delivered)), "{vector}");
        sent += 1;
    }
    assert!(sent >= 7, "{sent}");
}

#[test]
fn as_a_client_a_node_pings_over_a_stream_as_go_does() {
    let mut pinged = 0;
    for vector in vectors::read("streams.json") {
        if !case(&vector).starts_with("ping") {
            continue;
        }
        for acked in [false, true] {
            let mut peer = knows_node_b(&vector);
            let mut outputs = vec![];
            let id = loop {
                if let Some(id) = dialled(&outputs) {
                    break id;
                }
                outputs = peer.run(Duration::from_millis(100));
            };
            let question = peer.said(&written(&outputs, id), true);
            let Said::Other(text) = question else { panic!("{question:?}") };
            let StreamPing { sequence } = stream_ping(&text);
            // The vector's answer is to another ping.
            let mut answer = bytes(&vector["server_to_client"]);
            if acked {
                answer = renumbered(&mut peer, &answer, sequence);
            }
            peer.answered(id, &answer);
            let saved = |peer: &Peer| peer.node.stats().probes_saved_by_stream;
            peer.run(Duration::from_secs(3001));
            assert_eq!(saved(&peer) == 1, acked, "{vector}");
        }
        pinged += 1;
    }
    assert!(pinged >= 7, "{pinged}");
}

struct StreamPing {
    sequence: u32,
}

/// Decodes a ping over a stream, and checks its target, source and reply address.
fn stream_ping(text: &[u8]) -> StreamPing {
    let message = swim_core::wire::memberlist::decode_stream(text, 7946).unwrap();
    let swim_core::wire::memberlist::StreamMessage::Ping(ping) = message else {
        panic!("{message:?}")
    };
    assert_eq!((ping.target, ping.source), ("node-b", "node-a"));
    assert_eq!(ping.reply_to, Some(at("127.0.0.1:7946")));
    StreamPing { sequence: ping.sequence }
}

/// An ack with the same framing and another sequence number.
fn renumbered(peer: &mut Peer, answer: &[u8], sequence: u32) -> Vec<u8> {
    let said = peer.said(answer, false);
    let mut text = BytesMut::new();
    encode(&Message::Ack(Ack { sequence: 77, payload: &[], view: 0 }), &mut text);
    assert_eq!(said, Said::Other(text.to_vec()));
    text.clear();
    encode(&Message::Ack(Ack { sequence, payload: &[], view: 0 }), &mut text);
    if peer.node.config().compression {
        compress_stream(&mut text, 0, &mut Lzw::default());
        assert_eq!(text[0], COMPRESSED);
    }
    peer.answered_with(&text)
}

#[test]
fn a_join_that_go_ends_with_an_error_fails_and_says_why() {
    let mut failed = 0;
    for vector in vectors::read("streams.json").iter().filter(|vector| is_error(vector)) {
        let mut peer = peer(vector, "node-a", "client");
        let (request, id, _) = join(&mut peer);
        let outputs = peer.answered(id, &bytes(&vector["server_to_client"]));
        let failure = match vector["client_result"]["err"].as_str().unwrap() {
            "EOF" => Failure::Refused,
            "encryption is configured but remote state is not encrypted" => {
                Failure::BadAnswer { reason: DropReason::Plaintext }
            }
            "remote state is encrypted and encryption is not configured" => {
                Failure::BadAnswer { reason: DropReason::Sealed }
            }
            "no installed keys could decrypt the message" => {
                Failure::BadAnswer { reason: DropReason::WrongKey }
            }
            other => panic!("{other}"),
        };
        assert_eq!(result(&outputs, request), Some(&Err(failure)), "{vector}");
        failed += 1;
    }
    assert_eq!(failed, 6);
}

#[test]
fn what_the_other_side_says_is_wrong_is_passed_on() {
    // The answer of a node without a key, to a node that does not require sealed answers.
    let vectors = vectors::read("streams.json");
    let vector = vectors.iter().find(|vector| case(vector) == "err_enc_to_plain").unwrap();
    let config = secured(config("node-a"), &vector["client_key"], &Value::Null);
    let mut peer = Peer::new(config.with(|config| config.encryption = Encryption::Outgoing));
    let (request, id, _) = join(&mut peer);
    let outputs = peer.answered(id, &bytes(&vector["server_to_client"]));
    let message = "remote state is encrypted and encryption is not configured".to_owned();
    let failure = Failure::Complained { message };
    assert_eq!(result(&outputs, request), Some(&Err(failure)));
}
