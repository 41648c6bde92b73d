//! The ack payload, if packets have less room than when it was set.

#![allow(clippy::unwrap_used, reason = "test code")]

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Message, Ping, Scope};
use swim_core::{
    Config, Incarnation, Instant, MemberRef, Node, Output, State, StreamInput, Versions,
};

/// The payload of the ack with which a node answers a ping.
fn acked(node: &mut Node) -> Vec<u8> {
    let label = node.config().label.clone();
    let mut ping = BytesMut::new();
    wire::begin_packet(&label, &mut ping);
    Message::Ping(Ping { sequence: 7, target: "a", source: "b", reply_to: None }).encode(&mut ping);
    node.handle_packet(Instant::ORIGIN, "10.0.0.2:7946".parse().unwrap(), &ping);
    let Some(Output::Packet { payload, .. }) = node.poll_output() else { panic!("no ack") };
    let ack = wire::open_packet(&payload, &label).unwrap().next();
    let Some(Ok(Message::Ack(ack))) = ack else { panic!("no ack, but {ack:?}") };
    ack.payload.to_vec()
}

/// Lets `b` start a push/pull with the node, so that the node has heard from it.
fn hear_from_b(node: &mut Node) {
    let b = MemberRef {
        name: "b",
        address: "10.0.0.2:7946".parse().unwrap(),
        state: State::Alive,
        incarnation: Incarnation(1),
        meta: b"",
        versions: Versions::DEFAULT,
    };
    let mut bytes = BytesMut::new();
    wire::begin_packet(b"", &mut bytes);
    wire::encode_push_pull(Scope::Partial, 0, [b].into_iter(), b"", &mut bytes);
    let stream = node.handle_accept(Instant::ORIGIN, "10.0.0.2:5000".parse().unwrap()).unwrap();
    node.handle_stream(Instant::ORIGIN, stream, StreamInput::Data(&bytes));
    while node.poll_output().is_some() {}
}

#[test]
fn a_payload_that_a_longer_label_leaves_no_room_for_is_left_out_and_not_cut() {
    let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
    let mut node = Node::new(config, [7; 32], Instant::ORIGIN).unwrap();
    hear_from_b(&mut node);
    let payload = Bytes::from(vec![1; node.ack_payload_size_max()]);
    node.set_ack_payload(Instant::ORIGIN, payload.clone()).unwrap();
    assert_eq!(acked(&mut node), payload);
    node.set_label(Instant::ORIGIN, "staging".into(), None).unwrap();
    assert_eq!(acked(&mut node), b"");
    node.set_label(Instant::ORIGIN, Bytes::new(), None).unwrap();
    assert_eq!(acked(&mut node), payload, "there is room again");
}
