//! Old and new versions in one cluster.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::{BufMut, Bytes, BytesMut};
use core::net::SocketAddr;
use swim_core::wire::{self, Broadcast, Claim, Message, Ping, Scope, Update};
use swim_core::{
    Config, DropReason, Event, Incarnation, Instant, MemberRef, MessageKind, Node, Output, State,
    StreamInput, StreamOp, VersionRange, Versions,
};
use swim_sim::{World, WorldOptions, millis, secs};

/// Fields that no version of the schema has: one of each type, with numbers up to the largest.
fn unknown_fields() -> Vec<u8> {
    let mut fields = BytesMut::new();
    // Field 100 is a varint, 200 eight bytes, 300 a text, and 536,870,911 four bytes.
    for (number, kind) in [(100_u32, 0_u32), (200, 1), (300, 2), (536_870_911, 5)] {
        put_varint(&mut fields, number << 3 | kind);
        match kind {
            0 => fields.put_slice(&[0xff, 0x01]),
            1 => fields.put_slice(&[9; 8]),
            2 => fields.put_slice(b"\x05hello"),
            _ => fields.put_slice(&[9; 4]),
        }
    }
    fields.to_vec()
}

fn put_varint(out: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.put_u8(u8::try_from(value).unwrap());
}

/// A message of a later version: with unknown fields before and after its own.
fn of_the_future(message: &Message<'_>) -> Vec<u8> {
    let mut known = BytesMut::new();
    message.encode(&mut known);
    let (key, length) = (known[0], usize::from(known[1]));
    assert!(length < 0x80 && known.len() == length + 2, "short enough for this helper");
    let body = [&unknown_fields(), &known[2..], &unknown_fields()].concat();
    let mut out = BytesMut::new();
    out.put_u8(key);
    put_varint(&mut out, u32::try_from(body.len()).unwrap());
    out.put_slice(&body);
    out.to_vec()
}

fn alive(world: &World) -> Update<'static> {
    let (address, versions) = (world.address("n1"), Versions::DEFAULT);
    let claim = Claim::Alive { address, meta: b"of the future", versions };
    let incarnation = world.node("n1").local().incarnation.next();
    Update { name: "n1", incarnation, claim }
}

#[test]
fn s54_unknown_messages_and_fields_in_a_packet_leave_the_rest_of_it_in_force() {
    let mut world = World::new(1);
    world.form(3);
    let broadcast = Broadcast {
        origin: "n1",
        life: 9,
        sequence: 0,
        key: b"",
        payload: b"hello",
        known: Incarnation(0),
    };
    let messages = [
        Message::Ping(Ping { sequence: 4, target: "n0", source: "n1", reply_to: None }),
        Message::Update(alive(&world)),
        Message::Broadcast(broadcast),
    ];
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    for message in &messages {
        packet.put_slice(&unknown_fields());
        packet.put_slice(&of_the_future(message));
    }
    packet.put_slice(&unknown_fields());

    let before = world.node("n0").stats();
    let from = world.address("n1");
    world.inject(from, "n0", packet.freeze());
    world.run(millis(3));
    let after = world.node("n0").stats();
    assert!(after.sent[MessageKind::Ack] > before.sent[MessageKind::Ack], "the ping is answered");
    assert_eq!(world.node("n0").member("n1").unwrap().meta, b"of the future");
    let heard = world.events("n0").iter().filter(
        |record| matches!(&record.event, Event::Broadcast { payload, .. } if payload == "hello"),
    );
    assert_eq!(heard.count(), 1);
    for reason in [DropReason::Malformed, DropReason::Unrecognised, DropReason::WireVersion] {
        assert_eq!(after.drops[reason], 0, "{reason}");
    }
}

#[test]
fn s54_a_broken_message_in_a_packet_leaves_the_others_in_force() {
    let mut world = World::new(2);
    world.form(3);
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    // An alive message without a name, in a complete field.
    packet.put_slice(&[5 << 3 | 2, 2, 2 << 3, 1]);
    Message::Update(alive(&world)).encode(&mut packet);
    let from = world.address("n1");
    world.inject(from, "n0", packet.freeze());
    world.run(millis(3));
    assert_eq!(world.node("n0").member("n1").unwrap().meta, b"of the future");
    assert_eq!(world.node("n0").stats().drops[DropReason::Malformed], 1);
}

#[test]
fn s54_members_with_newer_protocol_ranges_join_one_by_one() {
    let newer =
        Versions { protocol: VersionRange { min: 1, max: 3, current: 1 }, ..Versions::DEFAULT };
    let mut world = WorldOptions::new(3).build();
    world.form(6);
    // A rolling upgrade: each node restarts with the new version.
    for number in 0..6 {
        let name = format!("n{number}");
        world.restart_with(&name, |config| config.versions = newer);
        world.join(&name, &format!("n{}", (number + 1) % 6));
        world.settle(secs(10));
        world.run(secs(5));
        let other = format!("n{}", (number + 3) % 6);
        assert_eq!(world.node(&other).member(&name).unwrap().versions, newer);
    }
    for number in 0..6 {
        world.expect_never_failed(&format!("n{number}"));
    }
}

#[test]
fn s54_a_member_without_a_common_version_is_rejected_and_the_rest_of_the_exchange_is_merged() {
    let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
    let now = Instant::ORIGIN;
    let mut node = Node::new(config, [7; 32], now).unwrap();
    let ranges = [("old", 1, 1), ("both", 1, 3), ("new", 2, 3), ("odd", 3, 1), ("last", 1, 2)];
    let member = |(number, &(name, min, max)): (u8, &(&'static str, u8, u8))| MemberRef {
        name,
        address: SocketAddr::from(([10, 0, 1, number], 7946)),
        state: State::Alive,
        incarnation: Incarnation(1),
        meta: b"",
        versions: Versions {
            protocol: VersionRange { min, max, current: min },
            ..Versions::DEFAULT
        },
    };
    let members = (0..).zip(&ranges).map(member);
    let mut bytes = BytesMut::new();
    wire::begin_packet(b"", &mut bytes);
    wire::encode_push_pull(Scope::Join, 0, members, &[], &mut bytes);

    let from = "10.0.1.0:4000".parse().unwrap();
    let stream = node.handle_accept(now, from).unwrap();
    node.handle_stream(now, stream, StreamInput::Data(&bytes));
    let known: Vec<&str> = node.members().map(|member| member.name).collect();
    assert_eq!(known, ["a", "old", "both", "last"]);
    assert_eq!(node.stats().drops[DropReason::Versions], 2);
    // The push/pull is answered.
    let outputs: Vec<Output> = core::iter::from_fn(|| node.poll_output()).collect();
    assert!(outputs.iter().any(|output| {
        matches!(output, Output::Stream { id, op: StreamOp::Send(_) } if *id == stream)
    }));
    let told = |output: &&Output| {
        matches!(output, Output::Event(Event::BadInput { reason: DropReason::Versions, .. }))
    };
    assert_eq!(outputs.iter().filter(told).count(), 1, "said once");
}

#[test]
fn s54_a_member_that_moves_on_to_versions_of_its_own_is_dropped_by_nobody_else() {
    // n3 announces a range that its peers do not speak: they keep its former entry, and do not take
    // it for another member.
    let mut world = World::new(4);
    world.form(5);
    let claim = Claim::Alive {
        address: world.address("n3"),
        meta: b"",
        versions: Versions {
            protocol: VersionRange { min: 2, max: 3, current: 2 },
            ..Versions::DEFAULT
        },
    };
    let incarnation = world.node("n3").local().incarnation.next();
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    Message::Update(Update { name: "n3", incarnation, claim }).encode(&mut packet);
    let packet: Bytes = packet.freeze();
    let from = world.address("n3");
    world.inject(from, "n0", packet);
    world.run(secs(60));
    assert_eq!(world.node("n0").stats().drops[DropReason::Versions], 1);
    world.expect_converged();
    for number in 0..5 {
        world.expect_never_failed(&format!("n{number}"));
    }
}
