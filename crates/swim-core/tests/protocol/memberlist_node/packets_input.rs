//! Datagrams, good and malformed.

use bytes::Bytes;
use serde_json::Value;
use swim_core::Encryption;

use super::differences::Found;
use super::harness::{LOCAL, Peer, Row, SENDER, at, config, secured, sorted};
use crate::memberlist::vectors::{self, bytes, case, hex};

/// Why some pings have no answer.
const SHORT: &str = "the ping is shorter than its answer, and its sender never answered this node";

/// A case, the aspects that differ, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("alive_addr0", "events, complaint, table", "an address has 4 or 16 bytes"),
    ("alive_addr5", "events, complaint, table", "an address has 4 or 16 bytes"),
    (
        "alive_conflict",
        "sent, events",
        "the known address is asked first; a conflict is that both answer",
    ),
    (
        "alive_meta600",
        "events, complaint, table",
        "what exceeds meta_size_max is dropped on receipt, too",
    ),
    (
        "alive_pcur_out",
        "events, complaint, table",
        "whoever passed it on would have push/pulls refused",
    ),
    ("alive_same_ip_16", "events, complaint, table", "the same address, however it is written"),
    (
        "alive_vsn2",
        "events, complaint, table",
        "whoever passed it on would have push/pulls refused",
    ),
    (
        "alive_vsn5",
        "events, complaint, table",
        "whoever passed it on would have push/pulls refused",
    ),
    (
        "alive_vsn_nil",
        "events, complaint, table",
        "whoever passed it on would have push/pulls refused",
    ),
    ("ping_no_name", "sent", SHORT),
    (
        "skiplabel_enc",
        "sent, complaint",
        "no header means no label, also to the seal: label_also is to migrate",
    ),
    (
        "skiplabel_present",
        "sent, complaint",
        "label_also accepts both, for a cluster that is on its way",
    ),
    (
        "user_empty",
        "events, complaint",
        "a single byte does not pay for an event; with a checksum it does",
    ),
];

/// A node that knows `node-b` already.
fn peer(vector: &Value) -> Peer {
    let mut config = secured(config("local"), &vector["key"], &vector["label"]);
    if vector["verify_incoming"] == false {
        config.encryption = Encryption::Outgoing;
    }
    if vector["case"].as_str().is_some_and(|name| name.starts_with("skiplabel")) {
        // The closest to `SkipInboundLabelCheck`.
        config.label_also = Some(Bytes::new());
    }
    let mut peer = Peer::new(config);
    let node_b = b"\x06\x83\xa4Join\xc2\xa5Nodes\x01\xacUserStateLen\x00\
        \x87\xa4Addr\xa4\x7f\x00\x00\x02\xabIncarnation\x05\xa4Meta\xc0\xa4Name\xa6node-b\
        \xa4Port\xcd\x1f\x0a\xa5State\x00\xa3Vsn\xa6\x01\x05\x02\x00\x00\x00";
    let node_b = peer.dialled_with(node_b);
    peer.receive(at("127.0.0.2:4242"), &node_b);
    peer
}

fn line(row: &Row) -> String {
    let Row { name, incarnation, address, versions: v, .. } = row;
    let state = row.state_in_go();
    let versions = format!("[{} {} {} {} {} {}]", v[0], v[1], v[2], v[3], v[4], v[5]);
    format!("{name} {state} inc={incarnation} addr={address} vsn={versions}")
}

#[test]
fn a_datagram_does_what_it_does_to_go() {
    let mut found = Found::default();
    for vector in vectors::read("packets_input.json") {
        let name = case(&vector);
        let mut peer = peer(&vector);
        let before = peer.drops();
        let outputs = peer.datagram(at(SENDER), &bytes(&vector["hex"]));

        let sent = vector["sent"].as_array().unwrap().iter().map(|sent| {
            let text = hex(&peer.opened(&bytes(&sent["hex"])));
            (at(sent["to"].as_str().unwrap()), text)
        });
        found.compare(name, "sent", &peer.sent(&outputs), &sent.collect());
        found.compare(name, "events", &peer.told(&outputs), &sorted(&vector["events"]));
        let go_logs = vector["log"] != Value::Array(vec![]) || !vector["panic"].is_null();
        let complained = peer.complained(&outputs, before, go_logs);
        found.compare(name, "complaint", &complained, &go_logs);
        let table = peer.table().iter().map(line).collect();
        found.compare(name, "table", &table, &sorted(&vector["table"]));
    }
    found.check(DIFFERENCES);
}

#[test]
fn the_node_is_that_of_the_vectors() {
    let peer = peer(&Value::Null);
    assert_eq!(peer.node.local().address, at(LOCAL));
    assert_eq!(peer.node.members().count(), 2);
}
