//! Hostile input to a running cluster: endless lengths, bombs, truncated fields. Memory stays
//! bounded, the node reports the fault, and the cluster goes on.

use core::net::SocketAddr;

use bytes::BytesMut;
use swim_core::channel::Sealer;
use swim_core::wire::memberlist::{self, Lzw};
use swim_core::wire::{self, SealVersion, Wire};
use swim_core::{Answer, Config, DropReason, Event, Key, Keyring, StreamInput};
use swim_sim::{World, WorldOptions, millis, secs};
use swim_test_support::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The peak of additional bytes in use during `work`.
fn spent(work: impl FnOnce()) -> usize {
    counting::spent(work).peak
}

const MEBIBYTE: usize = 1 << 20;

fn key() -> Key {
    Key::aes(&[7; 16]).expect("a size of a key")
}

/// Three nodes that accept at most 1 MiB of anything.
fn cluster(wire: Wire, sealed: bool) -> World {
    let mut world = WorldOptions::new(33)
        .configure(move |_, config: &mut Config| {
            if wire == Wire::Memberlist {
                *config = config.clone().memberlist();
            }
            if sealed {
                config.keyring = Keyring::new(key());
            }
            config.reliable_size_max = MEBIBYTE;
            config.user_state_size_max = MEBIBYTE;
            config.stream_buffer_max = 2 * MEBIBYTE;
        })
        .checked()
        .build();
    world.form(3);
    world.run(secs(5));
    world
}

fn stranger() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 50_000))
}

/// Connects to n0, writes this in pieces as a network would, and keeps the connection.
fn write(world: &mut World, bytes: &[u8]) {
    let stream = world.connect(stranger(), "n0").expect("few streams are open");
    for piece in bytes.chunks(1400) {
        world.bring("n0", stream, StreamInput::Data(piece));
    }
}

fn complaints(world: &World) -> Vec<DropReason> {
    let of = |event: &Event| match event {
        Event::BadInput { from, reason, .. } if from.ip() == stranger().ip() => Some(*reason),
        _ => None,
    };
    world.events("n0").iter().filter_map(|record| of(&record.event)).collect()
}

/// Checks that the node answers, is not suspected, and has dropped the stranger's state.
fn expect_unharmed(world: &mut World, what: &str) {
    let ping = world.request("n1", |node, now| node.ping(now, "n0")).expect("a member");
    world.run(secs(1));
    assert!(matches!(world.answer(ping), Some(Ok(Answer::Pong { .. }))), "{what}");
    world.run(secs(60));
    for name in ["n0", "n1", "n2"] {
        world.expect_never_suspected(name);
        assert_eq!(world.node(name).members().count(), 3, "{what}");
        assert_eq!(world.node(name).stats().streams_open, 0, "{what}");
    }
    world.set_meta("n0", what);
    world.settle(secs(60));
}

/// Seals this for a cluster on memberlist's wire with [`key`].
fn sealed_stream(text: &[u8]) -> Vec<u8> {
    let mut stream = BytesMut::from(text);
    Sealer::new(Keyring::new(key()), [9; 32]).seal_memberlist_stream(
        SealVersion::V1,
        b"",
        &mut stream,
        0,
    );
    stream.to_vec()
}

fn sealed_packet(text: &[u8]) -> Vec<u8> {
    let mut packet = BytesMut::from(text);
    Sealer::new(Keyring::new(key()), [9; 32]).seal_memberlist_packet(
        SealVersion::V1,
        b"",
        &mut packet,
        0,
    );
    packet.to_vec()
}

/// A number as memberlist encodes large ones.
fn int(value: i64) -> Vec<u8> {
    [&[0xd3], &value.to_be_bytes()[..]].concat()
}

fn push_pull(nodes: i64, user_state: i64) -> Vec<u8> {
    [&b"\x06\x82\xa5Nodes"[..], &int(nodes), b"\xacUserStateLen", &int(user_state)].concat()
}

fn user_message(size: i64) -> Vec<u8> {
    [&b"\x08\x81\xaaUserMsgLen"[..], &int(size)].concat()
}

#[test]
fn s33_s34_streams_of_memberlist_that_claim_to_be_endless_cost_nothing() {
    let claims = [
        ("2^31 nodes", push_pull(1 << 31, 0), DropReason::TooLarge),
        ("every node there could be", push_pull(i64::MAX, 0), DropReason::TooLarge),
        ("less than no nodes", push_pull(-1, 0), DropReason::Malformed),
        ("2^31 bytes of state", push_pull(0, 1 << 31), DropReason::TooLarge),
        ("a byte of state too many", push_pull(0, (1 << 20) + 1), DropReason::TooLarge),
        ("2^31 bytes of a message", user_message(1 << 31), DropReason::TooLarge),
        ("a message without end", user_message(i64::MAX), DropReason::TooLarge),
        ("a message of less than nothing", user_message(-1), DropReason::Malformed),
        ("sealed without end", b"\x0a\xff\xff\xff\xff".to_vec(), DropReason::TooLarge),
    ];
    for sealed in [false, true] {
        for (what, claim, reason) in &claims {
            let claim = match (sealed, claim[0]) {
                (false, memberlist::SEALED) => continue,
                (true, kind) if kind != memberlist::SEALED => sealed_stream(claim),
                _ => claim.clone(),
            };
            let mut world = cluster(Wire::Memberlist, sealed);
            let before = world.node("n0").stats().drops[*reason];
            let spent = spent(|| {
                for _ in 0..30 {
                    write(&mut world, &claim);
                    world.run(millis(100));
                }
            });
            assert!(spent < 256 << 10, "{what}, sealed: {sealed}: {spent} bytes");
            assert_eq!(complaints(&world), [*reason], "{what}, sealed: {sealed}");
            assert_eq!(world.node("n0").stats().drops[*reason] - before, 30, "{what}");
            expect_unharmed(&mut world, what);
        }
    }
}

/// The number allows 2^20 members. Only the bytes that arrive count.
#[test]
fn s33_a_table_that_trickles_in_is_held_to_the_buffer_and_the_deadline() {
    let mut world = cluster(Wire::Memberlist, false);
    let mut table = push_pull(1 << 20, 0);
    let member = b"\x87\xa4Addr\xa4\x0a\x00\x00\x09\xa3Inc\x01\xa4Meta\xc0\xa4Name\xa1x\xa4Port\
                   \xcd\x1f\x0a\xa5State\x00\xa3Vsn\xc0";
    for _ in 0..80_000 {
        table.extend_from_slice(member);
    }
    assert!(table.len() > 3 * MEBIBYTE);
    let spent = spent(|| write(&mut world, &table));
    assert!(spent < 6 * MEBIBYTE, "{spent} bytes");
    assert_eq!(complaints(&world), [DropReason::TooLarge]);
    // A table that stops in the middle is dropped at its deadline.
    write(&mut world, &table[..100_000]);
    world.run(secs(60));
    expect_unharmed(&mut world, "a table that ends in the middle");
}

#[test]
fn s33_s34_streams_of_the_native_wire_that_claim_to_be_endless_cost_nothing() {
    let mut head = BytesMut::new();
    wire::begin_packet(b"", &mut head);
    for length in [u32::MAX, 1 << 31, (2 << 20) + 100] {
        let mut world = cluster(Wire::Swim, false);
        let claim = [&head[..], &length.to_be_bytes()].concat();
        let spent = spent(|| {
            for _ in 0..30 {
                write(&mut world, &claim);
                world.run(millis(100));
            }
        });
        assert!(spent < 256 << 10, "{length}: {spent} bytes");
        assert_eq!(complaints(&world), [DropReason::TooLarge], "{length}");
        expect_unharmed(&mut world, "a frame without end");
    }
}

#[test]
fn s35_decompression_bombs_in_datagrams_are_capped() {
    for sealed in [false, true] {
        // A datagram that unpacks to 48 MiB of a user message, or of an unknown one.
        for (kind, size, reason) in [
            (8, 48 * MEBIBYTE, DropReason::TooLarge),
            (0xff, 48 * MEBIBYTE, DropReason::TooLarge),
            (8, 2 * MEBIBYTE, DropReason::Overpacked),
        ] {
            let mut bomb = BytesMut::zeroed(size);
            bomb[0] = kind;
            assert!(memberlist::compress_packet(&mut bomb, 0, &mut Lzw::default()));
            assert!(bomb.len() < 65_000, "{}", bomb.len());
            let datagram = if sealed { sealed_packet(&bomb) } else { bomb.to_vec() };
            drop(bomb);
            let mut world = cluster(Wire::Memberlist, sealed);
            let before = world.node("n0").stats().drops[reason];
            let spent = spent(|| {
                for _ in 0..20 {
                    world.inject(stranger(), "n0", datagram.clone());
                    world.run(millis(100));
                }
            });
            assert!(spent < 5 * MEBIBYTE, "{size}: {spent} bytes");
            assert_eq!(complaints(&world), [reason]);
            assert_eq!(world.node("n0").stats().drops[reason] - before, 20);
            expect_unharmed(&mut world, "bombs in datagrams");
        }
    }
}

/// As many compressed messages as fit, each of them alone below the cap.
#[test]
fn s35_many_small_bombs_in_one_datagram_are_one() {
    let mut part = BytesMut::zeroed(MEBIBYTE - 1);
    part[0] = 8;
    assert!(memberlist::compress_packet(&mut part, 0, &mut Lzw::default()));
    let count = (60_000 / (part.len() + 2)).min(255);
    let mut datagram: BytesMut = part.repeat(count).into_iter().collect();
    let length = u16::try_from(part.len()).expect("a part of a datagram");
    memberlist::make_compound(&mut datagram, 0, &vec![length; count]);
    assert!(count >= 20, "{count}");
    let mut world = cluster(Wire::Memberlist, false);
    let spent = spent(|| {
        world.inject(stranger(), "n0", datagram.to_vec());
        world.run(millis(100));
    });
    assert!(spent < 8 * MEBIBYTE, "{spent} bytes");
    let delivered = world.events("n0").iter().filter(
        |record| matches!(&record.event, Event::Message { payload, .. } if payload.len() > 1000),
    );
    assert_eq!(delivered.count(), 1, "what the cap had room for");
    assert_eq!(complaints(&world), [DropReason::TooLarge]);
    expect_unharmed(&mut world, "many small bombs");
}

#[test]
fn s35_decompression_bombs_on_streams_are_capped() {
    for sealed in [false, true] {
        // By its length, a large one might unpack to more than fits.
        for (size, reason) in
            [(3, DropReason::Overpacked), (39, DropReason::TooLarge), (200, DropReason::TooLarge)]
        {
            let mut bomb = BytesMut::new();
            memberlist::encode_user(&vec![0; size * MEBIBYTE], &mut bomb);
            memberlist::compress_stream(&mut bomb, 0, &mut Lzw::default());
            let stream = if sealed { sealed_stream(&bomb) } else { bomb.to_vec() };
            drop(bomb);
            let mut world = cluster(Wire::Memberlist, sealed);
            let spent = spent(|| {
                for _ in 0..5 {
                    write(&mut world, &stream);
                    world.run(millis(100));
                }
            });
            assert!(spent < 6 * MEBIBYTE, "{size} MiB, sealed: {sealed}: {spent} bytes");
            assert_eq!(complaints(&world), [reason], "{size} MiB, sealed: {sealed}");
            expect_unharmed(&mut world, "bombs on streams");
        }
    }
}

/// An alive message of a stranger with this address and these versions, on memberlist's wire.
fn alive(name: &str, address: &[u8], versions: &[u8]) -> Vec<u8> {
    let text = |text: &[u8]| {
        let length = u8::try_from(text.len()).expect("short");
        [&[0xda, 0, length], text].concat()
    };
    let fields = [
        (&b"\xa4Addr"[..], text(address)),
        (b"\xabIncarnation", vec![1]),
        (b"\xa4Meta", vec![0xc0]),
        (b"\xa4Node", text(name.as_bytes())),
        (b"\xa4Port", b"\xcd\x1f\x0a".to_vec()),
        (b"\xa3Vsn", text(versions)),
    ];
    let fields = fields.map(|(key, value)| [key, &value].concat()).concat();
    [&[4, 0x86][..], &fields].concat()
}

#[test]
fn s37_fields_cut_short_on_memberlists_wire_cost_that_member_alone() {
    const FULL: &[u8] = &[1, 5, 2, 0, 0, 0];
    for sealed in [false, true] {
        for (address, versions, reason) in [
            (&[10, 0, 1, 1][..], &FULL[..5], DropReason::Versions),
            (&[10, 0, 1, 1], &FULL[..1], DropReason::Versions),
            (&[10, 0, 1, 1], &[], DropReason::Versions),
            (&[10, 0, 1], FULL, DropReason::BadAddress),
            (&[], FULL, DropReason::BadAddress),
            (&[10; 17], FULL, DropReason::BadAddress),
        ] {
            // In a datagram, between two whole ones. Their senders do not exist, as the nodes find
            // out.
            let parts = [
                alive("a", &[10, 0, 1, 1], FULL),
                alive("b", address, versions),
                alive("c", &[10, 0, 1, 2], FULL),
            ];
            let lengths = parts.each_ref().map(|part| u16::try_from(part.len()).expect("short"));
            let mut datagram: BytesMut = parts.concat().into_iter().collect();
            memberlist::make_compound(&mut datagram, 0, &lengths);
            let datagram = if sealed { sealed_packet(&datagram) } else { datagram.to_vec() };
            let mut world = cluster(Wire::Memberlist, sealed);
            world.inject(stranger(), "n0", datagram);
            world.run(millis(10));
            let known = |name: &str| world.node("n0").member(name).is_some();
            assert_eq!(["a", "b", "c"].map(known), [true, false, true], "{address:?} {versions:?}");
            assert_eq!(complaints(&world), [reason], "{address:?} {versions:?}");

            // In a push/pull.
            let mut world = cluster(Wire::Memberlist, sealed);
            let mut table = push_pull(3, 0);
            for part in &parts {
                // Its fields have other names.
                let text = part[1..].to_vec();
                table.extend(as_of_a_table(&text));
            }
            let table = if sealed { sealed_stream(&table) } else { table };
            write(&mut world, &table);
            world.run(millis(10));
            let known = |name: &str| world.node("n0").member(name).is_some();
            assert_eq!(["a", "b", "c"].map(known), [true, false, true], "{address:?} {versions:?}");
            assert_eq!(complaints(&world), [reason], "{address:?} {versions:?}");
            for name in ["n0", "n1", "n2"] {
                world.expect_never_suspected(name);
            }
        }
    }
}

/// The same member as in push/pulls: "Name" for "Node".
fn as_of_a_table(alive: &[u8]) -> Vec<u8> {
    let place = alive.windows(5).position(|window| window == b"\xa4Node").expect("it has a name");
    let mut member = alive.to_vec();
    member[place..place + 5].copy_from_slice(b"\xa4Name");
    member
}
