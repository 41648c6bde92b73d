//! Streams that a client opens, good and malformed.

use serde_json::Value;

use super::differences::Found;
use super::harness::{Peer, SENDER, Said, at, config, secured, sorted, written};
use crate::memberlist::vectors::{self, bytes, case, unhex};

/// A case, the aspects that differ, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "pcur_bad",
        "events",
        "the member is refused, not the whole exchange, so the user state counts",
    ),
    (
        "poisoned_by_gossip",
        "answer, events, complaint",
        "an alive without versions is not taken in, so nothing is poisoned",
    ),
];

/// An alive of `node-x`, without versions.
const WITHOUT_VERSIONS: &str = "0486a441646472a47f000007ab496e6361726e6174696f6e01a44d657461c0\
    a44e6f6465a66e6f64652d78a4506f7274cd1f0aa356736ec0";

#[test]
fn a_stream_is_answered_as_by_go() {
    let mut found = Found::default();
    for vector in vectors::read("streams_input.json") {
        let name = case(&vector);
        let mut peer = Peer::new(secured(config("local"), &vector["key"], &vector["label"]));
        if name == "poisoned_by_gossip" {
            peer.datagram(at("127.0.0.7:7946"), &unhex(WITHOUT_VERSIONS));
        }
        let before = peer.drops();
        let (id, outputs) = peer.receive(at(SENDER), &bytes(&vector["hex"]));

        let answer = peer.said(&written(&outputs, id), false);
        let expected = match &vector["answer_decoded"]["type"] {
            kind if *kind == 13 => Said::Error,
            _ => {
                let answer = bytes(&vector["answer"]);
                readable(&peer, &answer)
            }
        };
        found.compare(name, "answer", &answer, &expected);
        let events = vector.get("events").map(sorted).unwrap_or_default();
        found.compare(name, "events", &peer.told(&outputs), &events);
        let go_logs = vector["log"] != Value::Array(vec![]) || !vector["panic"].is_null();
        let complained = peer.complained(&outputs, before, go_logs);
        found.compare(name, "complaint", &complained, &go_logs);
    }
    found.check(DIFFERENCES);
}

/// Go's answer, decoded.
fn readable(peer: &Peer, answer: &[u8]) -> Said {
    peer.said(answer, false)
}
