//! Indirect pings: the relay's messages, and their times.

use std::time::Duration;

use serde_json::Value;
use swim_core::wire::memberlist::{Lzw, encode, read_packet};
use swim_core::wire::{Message, Ping};

use super::differences::Found;
use super::harness::{Peer, at, config};
use crate::memberlist::vectors::{self, bytes, case, hex, unhex};

/// A case, the aspects that differ, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[];

/// The sequence number of Go's ping in the vectors. Here it is random.
const SEQUENCE: u32 = 1001;

/// A node that knows the target already: no other member is pinged on request.
fn peer() -> Peer {
    let probe_timeout = Duration::from_millis(300);
    let mut peer = Peer::new(config("local").with(|config| config.probe_timeout = probe_timeout));
    let node_b = b"\x06\x83\xa4Join\xc2\xa5Nodes\x01\xacUserStateLen\x00\
        \x87\xa4Addr\xa4\x7f\x00\x00\x02\xabIncarnation\x05\xa4Meta\xc0\xa4Name\xa6node-b\
        \xa4Port\xcd\x1f\x0a\xa5State\x00\xa3Vsn\xa6\x01\x05\x02\x00\x00\x00";
    peer.receive(at("127.0.0.2:4242"), node_b);
    peer
}

/// Changes the sequence number of a datagram, if it has this one.
fn renumbered(text: &[u8], from: u32, to: u32) -> Vec<u8> {
    let mut out = bytes::BytesMut::new();
    read_packet(text, 7946, &mut Lzw::default(), &mut |message| {
        let message = match message.unwrap() {
            Message::Ping(ping) if ping.sequence == from => {
                Message::Ping(Ping { sequence: to, ..ping })
            }
            Message::Ack(ack) if ack.sequence == from => {
                Message::Ack(swim_core::wire::Ack { sequence: to, ..ack })
            }
            other => other,
        };
        encode(&message, &mut out);
    });
    out.to_vec()
}

/// The sequence number of a ping.
fn sequence(text: &[u8]) -> Option<u32> {
    let mut sequence = None;
    read_packet(text, 7946, &mut Lzw::default(), &mut |message| {
        if let Ok(Message::Ping(ping)) = message {
            sequence = Some(ping.sequence);
        }
    });
    sequence
}

#[test]
fn a_helper_sends_what_go_sends() {
    let mut found = Found::default();
    for vector in vectors::read("indirect.json") {
        let (mut peer, mut own) = (peer(), SEQUENCE);
        for step in vector["steps"].as_array().unwrap() {
            let outputs = match &step["in"] {
                Value::Null => peer.run(Duration::from_millis(step["wait_ms"].as_u64().unwrap())),
                datagram => {
                    let datagram = renumbered(&bytes(datagram), SEQUENCE, own);
                    peer.datagram(at(step["from"].as_str().unwrap()), &datagram)
                }
            };
            let mut sent = peer.sent(&outputs);
            for (_, text) in &mut sent {
                own = sequence(&unhex(text)).unwrap_or(own);
                *text = hex(&renumbered(&unhex(text), own, SEQUENCE));
            }
            let expected = step["sent"].as_array().unwrap().iter().map(|sent| {
                let to = at(sent["to"].as_str().unwrap());
                (to, sent["hex"].as_str().unwrap().to_owned())
            });
            found.compare(case(&vector), "sent", &sent, &expected.collect());
        }
    }
    found.check(DIFFERENCES);
}

#[test]
fn a_nack_leaves_at_four_fifths_of_the_probe_timeout() {
    // In Go it comes after the whole timeout, which is too late to count. The vectors list messages
    // sent within 400 ms, with a timeout of 300 ms.
    let vectors = vectors::read("indirect.json");
    let vector = vectors.iter().find(|vector| case(vector) == "nack_from").unwrap();
    let mut peer = peer();
    peer.datagram(at("127.0.0.9:9999"), &bytes(&vector["steps"][0]["in"]));
    assert_eq!(peer.run(Duration::from_millis(239)), []);
    let outputs = peer.run(Duration::from_millis(1));
    assert_eq!(peer.sent(&outputs), [(at("127.0.0.9:9999"), "0b81a55365714e6f46".to_owned())]);
}
