//! The most expensive inputs of a node, to be counted under valgrind.
//!
//! `swim-attacks work` prints a line for each case; [`measured`] does the work.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use swim_core::wire::memberlist::{self, Lzw};
use swim_core::wire::{self, Broadcast, Claim, Message, Ping, Scope, Update, User};
use swim_core::{
    Config, Incarnation, Instant, Key, Keyring, MemberRef, Node, State, StreamInput, Wire,
};

use crate::stage::{Pace, Size, Stage, loopback};
use crate::voice::{Voice, alive};

/// The input.
enum Input {
    Datagrams(Vec<Bytes>),
    /// One stream, in pieces of this length.
    Stream(Bytes, usize),
}

/// A case: a node's settings, and its input.
struct Case {
    name: String,
    config: Config,
    input: Input,
}

/// Runs the cases with this in their name, and prints the name and bytes of each.
pub(crate) fn run(wanted: &str) {
    for case in cases().into_iter().filter(|case| case.name.contains(wanted)) {
        let mut node =
            Node::new(case.config, [1; 32], Instant::ORIGIN).expect("settings that work");
        let bytes: usize = match &case.input {
            Input::Datagrams(datagrams) => datagrams.iter().map(Bytes::len).sum(),
            Input::Stream(bytes, _) => bytes.len(),
        };
        // One-time work of the first packets.
        node.handle_packet(Instant::ORIGIN, stranger(), b"\x51");
        node.handle_packet(Instant::ORIGIN, stranger(), &lzw(&[8, 0]));
        let stream = node.handle_accept(Instant::ORIGIN, stranger()).expect("no stream is open");
        let first = lzw(&long_user(1));
        node.handle_stream(Instant::ORIGIN, stream, StreamInput::Data(&first));
        drain(&mut node);
        measured(&mut node, &case.input);
        told(bytes, &case.name);
    }
}

/// Before each call valgrind writes its counts.
#[inline(never)]
fn told(bytes: usize, name: &str) {
    println!("{bytes} {name}");
}

fn stranger() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 7946))
}

/// The counted work. valgrind finds it by its name.
#[inline(never)]
fn measured(node: &mut Node, input: &Input) {
    let now = Instant::ORIGIN;
    match input {
        Input::Datagrams(datagrams) => {
            for datagram in datagrams {
                node.handle_packet(now, stranger(), datagram);
                drain(node);
            }
        }
        Input::Stream(bytes, piece) => {
            let stream = node.handle_accept(now, stranger()).expect("no other stream is open");
            for piece in bytes.chunks(*piece) {
                node.handle_stream(now, stream, StreamInput::Data(piece));
                drain(node);
            }
        }
    }
}

fn drain(node: &mut Node) {
    while node.poll_output().is_some() {}
}

fn cases() -> Vec<Case> {
    [Wire::Swim, Wire::Memberlist].into_iter().flat_map(cases_of).collect()
}

fn cases_of(wire: Wire) -> Vec<Case> {
    let open = Stage::new(wire, false, Pace::Lan, Size::Small);
    let mut at = loopback(0, 1);
    at.set_port(7946);
    let config = open.config("a", at).with(|config| {
        config.packet_size_max = 65_507;
        config.compression = false;
    });
    let sealed = config.clone().with(|config| config.keyring = sixteen_keys());
    let voice = || Voice::of(&config);
    let case = |name: &str, config: &Config, input: Input| Case {
        name: format!("{}, {name}", if wire == Wire::Swim { "native" } else { "memberlist" }),
        config: config.clone(),
        input,
    };
    let one = |datagram: Bytes| Input::Datagrams(vec![datagram]);
    let mut cases = vec![
        case("shortest datagrams, 16 keys", &sealed, Input::Datagrams(vec![garbage(wire, 29); 20])),
        case("a datagram of 1,400 bytes, 16 keys", &sealed, one(garbage(wire, 1_400))),
        case("a datagram of 65,000 bytes, 16 keys", &sealed, one(garbage(wire, 65_000))),
        case("a stream of 1 MiB, 16 keys", &sealed, Input::Stream(sealed_stream(wire), 4096)),
        case("pings, sealed with the last of 16 keys", &sealed, sealed_pings(&config)),
        case("pings", &config, Input::Datagrams(vec![voice().datagram(&[ping()]); 20])),
        case("accusations of unknown members", &config, one(accusations(&mut voice(), 1_000))),
        case("members that are new", &config, one(newcomers(&mut voice(), 1_000))),
        case("a stream byte by byte", &config, Input::Stream(table(&mut voice(), 100), 1)),
        case("a table of known members", &config, Input::Stream(table(&mut voice(), 8_000), 4096)),
    ];
    cases.push(case("datagrams of one byte", &config, Input::Datagrams(vec![one_byte(wire); 20])));
    cases.push(case("each byte in a datagram", &config, Input::Datagrams(each_byte())));
    let further = match wire {
        Wire::Swim => {
            let keys = (0..16).map(|number| Key::xchacha([number; 32]));
            let keyring = Keyring::with_keys(keys).expect("no key twice");
            let longer = config.clone().with(|config| config.keyring = keyring);
            let shortest = Input::Datagrams(vec![garbage_for(&longer.keyring); 20]);
            cases.push(case("shortest datagrams, 16 XChaCha20 keys", &longer, shortest));
            let jumps = broadcasts(&mut voice());
            cases.push(case("broadcasts that jump ahead", &config, one(jumps)));
            in_lz4(&mut voice())
        }
        Wire::Memberlist => {
            // A message of the application, with no content.
            let empty = Input::Datagrams(vec![Bytes::from_static(&[8]); 20]);
            cases.push(case("messages of one byte", &config, empty));
            in_lzw(&mut voice())
        }
    };
    cases.extend(further.into_iter().map(|(name, input)| case(&name, &config, input)));
    cases
}

/// Compressed inputs of the native wire.
fn in_lz4(voice: &mut Voice) -> Vec<(String, Input)> {
    let known = lz4(&accusations(voice, 5_000));
    let few = lz4(&accusations(voice, 6));
    let seven = lz4(&newcomers(voice, 7));
    let new = lz4(&newcomers(voice, 3_000));
    let alike = lz4(&look_alikes(voice, 50));
    let mut datagrams = vec![
        ("accusations", known),
        ("few accusations", few),
        ("seven members", seven),
        ("members that are new", new),
        ("members that look alike", alike),
    ];
    datagrams.extend(texts().map(|(name, text)| (name, lz4_within(&text, 40))));
    let named =
        |(name, bytes): (&str, Bytes)| (format!("{name} in LZ4"), Input::Datagrams(vec![bytes]));
    datagrams.into_iter().map(named).collect()
}

/// Compressed inputs of memberlist's wire.
fn in_lzw(voice: &mut Voice) -> Vec<(String, Input)> {
    let datagrams = [
        ("accusations", packed_accusations()),
        ("a message of 1 MiB", lzw(&zeros(1 << 20))),
        ("a message of 2 KiB", lzw(&zeros(2 << 10))),
        ("a message of 8 KiB", lzw(&zeros(8 << 10))),
        ("few accusations", lzw(&voice.datagram(&vec![accusation("x"); 6]))),
        ("seven members", lzw(&newcomers(voice, 7))),
        ("members that are new", lzw(&newcomers(voice, 255))),
        ("members that look alike", lzw(&look_alikes(voice, 16))),
        ("many small texts", many_small()),
        ("texts that start over", starting_over()),
        ("a ping of many fields", lzw(&long_ping(60_000))),
        ("a ping of some fields", lzw(&long_ping(1_500))),
    ];
    let datagrams = datagrams.map(|(name, bytes)| (name, Input::Datagrams(vec![bytes])));
    let streams = [
        ("a table of known members", table(voice, 8_000)),
        ("a table of new members", new_table(voice, 8_000, false)),
        ("a table of 40 new members", new_table(voice, 40, false)),
        ("a table of members that look alike", new_table(voice, 3_000, true)),
        ("a stream of 1 MiB", long_user(1 << 20).into()),
        ("a stream of 8 KiB", long_user(8 << 10).into()),
    ];
    let streams = streams.map(|(name, text)| (name, Input::Stream(lzw(&text), 4096)));
    let named = |(name, input): (&str, Input)| (format!("{name} in LZW"), input);
    datagrams.into_iter().chain(streams).map(named).collect()
}

/// Texts that compress well.
fn texts() -> [(&'static str, Vec<u8>); 4] {
    let user = |size: usize| {
        let mut text = BytesMut::new();
        Message::User(User { from: "m", payload: &vec![0; size], envelope: None })
            .encode(&mut text);
        text.to_vec()
    };
    [
        ("unknown fields", [0x7a, 0].repeat(30_000)),
        ("empty pings", [0x0a, 0].repeat(30_000)),
        ("a payload of 2 KiB", user(1_900)),
        ("a payload of 16 KiB", user(16_000)),
    ]
}

/// Returns a datagram of the native wire, compressed as no node would do it.
fn lz4(datagram: &[u8]) -> Bytes {
    let mut out = BytesMut::from(&datagram[..3]);
    out[1] |= 2;
    let text = &datagram[3..];
    out.put_u16(u16::try_from(text.len()).expect("a text of a datagram"));
    out.put_slice(&lz4_flex::block::compress(text));
    out.freeze()
}

/// Returns a compressed datagram with as much of a text as `ratio` times its own length.
fn lz4_within(text: &[u8], ratio: usize) -> Bytes {
    let whole =
        |size: usize| lz4(&[&[wire::MAGIC, wire::WIRE_VERSION << 4, 0], &text[..size]].concat());
    let fits = |size: &usize| *size <= whole(*size).len() * ratio;
    let size = (1..=text.len()).rev().step_by(16).find(fits).unwrap_or(1);
    whole(size)
}

/// Returns a message of memberlist's wire, compressed as no node would do it.
fn lzw(text: &[u8]) -> Bytes {
    let mut out = BytesMut::from(text);
    memberlist::compress_stream(&mut out, 0, &mut Lzw::default());
    out.freeze()
}

/// Returns a user message of zeros, for a datagram.
fn zeros(size: usize) -> Vec<u8> {
    let mut zeros = vec![0; size - 1];
    zeros[0] = 8;
    zeros
}

/// Returns a user message of zeros, for a stream.
fn long_user(size: usize) -> Vec<u8> {
    let mut out = BytesMut::new();
    memberlist::encode_user(&vec![0; size], &mut out);
    out.to_vec()
}

/// Returns a ping with unknown fields.
fn long_ping(fields: u16) -> Vec<u8> {
    let mut text = vec![0, 0xde];
    text.extend((fields + 2).to_be_bytes());
    text.extend(b"\xa4Node\xa1a\xa5SeqNo\x01");
    text.extend([0xa0, 0].repeat(fields.into()));
    text
}

/// Returns a compound of tiny compressed messages.
fn many_small() -> Bytes {
    let one = lzw(&[8, 0]);
    let mut out: BytesMut = one.repeat(250).into_iter().collect();
    let length = u16::try_from(one.len()).expect("a short part");
    memberlist::make_compound(&mut out, 0, &vec![length; 250]);
    out.freeze()
}

/// Returns a text with only codes that start over: nine bits, 256 each.
fn starting_over() -> Bytes {
    let mut codes = Vec::new();
    let (mut held, mut bits) = (0u32, 0);
    for _ in 0..1_000 {
        held |= 256 << bits;
        bits += 9;
        while bits >= 8 {
            codes.push((held & 0xff) as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    let mut out = lzw(&zeros(8)).to_vec();
    let head = out.len() - out.iter().rev().position(|&byte| byte == b'f').expect("Buf");
    out.truncate(head);
    out.push(0xc5);
    out.extend(u16::try_from(codes.len()).expect("a short text").to_be_bytes());
    out.extend(codes);
    Bytes::from(out)
}

fn sixteen_keys() -> Keyring {
    Keyring::with_keys((0..16).map(aes_key)).expect("no key twice")
}

fn aes_key(number: u8) -> Key {
    Key::aes(&[number; 32]).expect("a size of a key")
}

/// Pings as during a key rotation.
fn sealed_pings(config: &Config) -> Input {
    let config = config.clone().with(|config| config.keyring = Keyring::new(aes_key(15)));
    Input::Datagrams(vec![Voice::of(&config).datagram(&[ping()]); 20])
}

/// Returns bytes that look sealed, but that no key opens.
fn garbage(wire: Wire, size: usize) -> Bytes {
    let mut bytes = BytesMut::new();
    match wire {
        Wire::Swim => {
            wire::begin_packet(b"", &mut bytes);
            bytes[1] |= 1;
        }
        Wire::Memberlist => bytes.put_u8(1),
    }
    bytes.resize(bytes.len() + size, 0x5a);
    bytes.freeze()
}

/// Returns the shortest bytes that look sealed with one of these XChaCha20 keys.
fn garbage_for(keyring: &Keyring) -> Bytes {
    let mut bytes = BytesMut::from(&garbage(Wire::Swim, 41)[..]);
    // The last byte of the nonce names a key.
    bytes[3 + 23] = keyring.primary().expect("a key").fingerprint().to_bytes()[0];
    bytes.freeze()
}

/// The beginning of a longer message.
fn one_byte(wire: Wire) -> Bytes {
    Bytes::from_static(if wire == Wire::Swim { &[wire::MAGIC] } else { &[4] })
}

/// Returns a datagram for each byte value.
fn each_byte() -> Vec<Bytes> {
    (0..=u8::MAX).map(|byte| Bytes::copy_from_slice(&[byte])).collect()
}

fn sealed_stream(wire: Wire) -> Bytes {
    let mut bytes = BytesMut::new();
    match wire {
        Wire::Swim => {
            wire::begin_packet(b"", &mut bytes);
            bytes[1] |= 1;
        }
        Wire::Memberlist => bytes.put_u8(memberlist::SEALED),
    }
    bytes.put_u32(1 << 20);
    // The version of memberlist's seal.
    bytes.put_u8(1);
    bytes.resize(bytes.len() + (1 << 20) - 1, 0x5a);
    bytes.freeze()
}

fn ping() -> Message<'static> {
    Message::Ping(Ping { sequence: 1, target: "a", source: "m", reply_to: None })
}

fn accusation(name: &str) -> Message<'_> {
    let claim = Claim::Suspect { accuser: "m" };
    Message::Update(Update { name, incarnation: Incarnation(1), claim })
}

fn accusations(voice: &mut Voice, count: usize) -> Bytes {
    voice.datagram(&vec![accusation("x"); count])
}

fn newcomers(voice: &mut Voice, count: usize) -> Bytes {
    let names: Vec<String> = (0..count).map(|number| format!("{number}")).collect();
    let config = voice.config().clone();
    let alive = |name| alive(&config, name, stranger(), 1);
    voice.datagram(&names.iter().map(|name| alive(name)).collect::<Vec<_>>())
}

/// Broadcasts that each jump ahead so far that all remembered ones are forgotten.
fn broadcasts(voice: &mut Voice) -> Bytes {
    let jump = |number: u32| Broadcast {
        origin: "b",
        life: 1,
        sequence: 1 + number * 2_000,
        key: &[],
        payload: &[],
        known: Incarnation::MAX,
    };
    voice.datagram(&(0..1_000).map(|number| Message::Broadcast(jump(number))).collect::<Vec<_>>())
}

/// Nested compounds of one repeated message, as deep as a node reads them.
fn packed_accusations() -> Bytes {
    let repeated = |part: &[u8]| {
        let count = (1..=255_usize).rev().find(|count| count * (part.len() + 2) < 60_000);
        let count = count.unwrap_or(1);
        let mut out: BytesMut = part.repeat(count).into_iter().collect();
        let length = u16::try_from(part.len()).expect("a short part");
        memberlist::make_compound(&mut out, 0, &vec![length; count]);
        out
    };
    let mut one = BytesMut::new();
    memberlist::encode(&accusation("x"), &mut one);
    let inner = repeated(&one);
    let count = ((1 << 20) - 1_000) / (inner.len() + 2);
    let mut outer: BytesMut = inner.repeat(count).into_iter().collect();
    let length = u16::try_from(inner.len()).expect("a part of a datagram");
    memberlist::make_compound(&mut outer, 0, &vec![length; count]);
    lzw(&outer)
}

/// Returns a push/pull of unknown members.
///
/// With `apart` each has its own address, as in a real cluster.
fn new_table(voice: &mut Voice, count: u16, apart: bool) -> Bytes {
    let versions = voice.config().versions;
    let names: Vec<String> = (0..count).map(|number| format!("{number}")).collect();
    let members = (0..count).zip(&names).map(|(number, name)| MemberRef {
        name,
        address: if apart { nth(number) } else { stranger() },
        state: State::Alive,
        incarnation: Incarnation(1),
        meta: &[],
        versions,
    });
    voice.push_pull(Scope::Full, &members.collect::<Vec<_>>())
}

/// Members whose names and addresses differ little.
fn look_alikes(voice: &mut Voice, count: u16) -> Bytes {
    let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
    let config = voice.config().clone();
    let members = (0..count).zip(&names).map(|(number, name)| alive(&config, name, nth(number), 1));
    voice.datagram(&members.collect::<Vec<_>>())
}

fn nth(number: u16) -> SocketAddr {
    let [high, low] = number.to_be_bytes();
    SocketAddr::from(([192, 0, high, low], 7946))
}

/// Returns a push/pull that repeats one member.
fn table(voice: &mut Voice, count: usize) -> Bytes {
    let versions = voice.config().versions;
    let (address, incarnation) = (stranger(), Incarnation(1));
    let member =
        MemberRef { name: "x", address, state: State::Alive, incarnation, meta: &[], versions };
    voice.push_pull(Scope::Full, &vec![member; count])
}
