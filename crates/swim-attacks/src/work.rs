//! The worst that a datagram or a stream can have a node do, to be counted under valgrind.
//!
//! `swim-attacks work` prints a line for each case; [`measured`] does the work.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use swim_core::wire::memberlist::{self, Lzw};
use swim_core::wire::{self, Broadcast, Claim, Message, Ping, Scope, Update};
use swim_core::{
    Config, Incarnation, Instant, Key, Keyring, MemberRef, Node, State, StreamInput, Wire,
};

use crate::stage::{Pace, Size, Stage, loopback};
use crate::voice::{Voice, alive};

/// What comes in.
enum Input {
    Datagrams(Vec<Bytes>),
    /// One stream, in pieces of this length.
    Stream(Bytes, usize),
}

/// A case: what a node is set up with, and what comes in.
struct Case {
    name: String,
    config: Config,
    input: Input,
}

/// Carries out all cases, and tells the name and the bytes of each.
pub(crate) fn run() {
    for case in cases() {
        let mut node =
            Node::new(case.config, [1; 32], Instant::ORIGIN).expect("settings that work");
        let bytes: usize = match &case.input {
            Input::Datagrams(datagrams) => datagrams.iter().map(Bytes::len).sum(),
            Input::Stream(bytes, _) => bytes.len(),
        };
        // What only the first packet takes.
        node.handle_packet(Instant::ORIGIN, stranger(), b"\x51");
        drain(&mut node);
        measured(&mut node, &case.input);
        told(bytes, &case.name);
    }
}

/// Before each call valgrind writes down what it counted.
#[inline(never)]
fn told(bytes: usize, name: &str) {
    println!("{bytes} {name}");
}

fn stranger() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 7946))
}

/// What is counted. The name is what valgrind looks for.
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
        case("pings", &config, Input::Datagrams(vec![voice().datagram(&[ping()]); 20])),
        case("accusations of unknown members", &config, one(accusations(&mut voice(), 1_000))),
        case("members that are new", &config, one(newcomers(&mut voice(), 1_000))),
        case("a stream byte by byte", &config, Input::Stream(table(&mut voice(), 100), 1)),
        case("a table of known members", &config, Input::Stream(table(&mut voice(), 8_000), 4096)),
    ];
    cases.push(case("datagrams of one byte", &config, Input::Datagrams(vec![one_byte(wire); 20])));
    match wire {
        Wire::Swim => {
            let keys = (0..16).map(|number| Key::xchacha([number; 32]));
            let keyring = Keyring::with_keys(keys).expect("no key twice");
            let longer = config.clone().with(|config| config.keyring = keyring);
            let shortest = Input::Datagrams(vec![garbage(wire, 41); 20]);
            cases.push(case("shortest datagrams, 16 XChaCha20 keys", &longer, shortest));
            let jumps = broadcasts(&mut voice());
            cases.push(case("broadcasts that jump ahead", &config, one(jumps)));
            let mut packer = Voice::of(&config.clone().with(|config| config.compression = true));
            let packed = accusations(&mut packer, 5_000);
            cases.push(case("accusations in LZ4", &config, one(packed)));
        }
        Wire::Memberlist => {
            cases.push(case("accusations in LZW", &config, one(packed_accusations())));
            let mut zeros = BytesMut::zeroed((1 << 20) - 1);
            zeros[0] = 8;
            memberlist::compress_packet(&mut zeros, 0, &mut Lzw::default());
            cases.push(case("a message of 1 MiB in LZW", &config, one(zeros.freeze())));
            let mut packer = Voice::of(&config.clone().with(|config| config.compression = true));
            let packed = Input::Stream(table(&mut packer, 8_000), 4096);
            cases.push(case("a table of known members in LZW", &config, packed));
        }
    }
    cases
}

fn sixteen_keys() -> Keyring {
    let keys = (0..16).map(|number| Key::aes(&[number; 32]).expect("a size of a key"));
    Keyring::with_keys(keys).expect("no key twice")
}

/// What looks sealed, and none of the keys opens.
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

/// As if more were to follow.
fn one_byte(wire: Wire) -> Bytes {
    Bytes::from_static(if wire == Wire::Swim { &[wire::MAGIC] } else { &[4] })
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

/// Each so far ahead of the last one that all that is remembered is to be forgotten.
fn broadcasts(voice: &mut Voice) -> Bytes {
    let jump = |number: u32| Broadcast {
        origin: "b",
        life: 1,
        sequence: 1 + number * 2_000,
        key: &[],
        payload: &[],
    };
    voice.datagram(&(0..1_000).map(|number| Message::Broadcast(jump(number))).collect::<Vec<_>>())
}

/// Compounds of compounds, as deep as they are read, of one message again and again.
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
    memberlist::compress_packet(&mut outer, 0, &mut Lzw::default());
    outer.freeze()
}

/// A push/pull in which one member stands again and again.
fn table(voice: &mut Voice, count: usize) -> Bytes {
    let versions = voice.config().versions;
    let (address, incarnation) = (stranger(), Incarnation(1));
    let member =
        MemberRef { name: "x", address, state: State::Alive, incarnation, meta: &[], versions };
    voice.push_pull(Scope::Full, &vec![member; count])
}
