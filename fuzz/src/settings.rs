//! The nodes that are fuzzed: their names, addresses and limits.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use bytes::Bytes;
use swim_core::wire::{SealVersion, Wire};
use swim_core::{Config, Encryption, Incarnation, Key, Keyring};

use super::input::Input;
use super::voice::Voice;

/// The label of nodes that have one.
pub const LABEL: &[u8] = b"fuzz";

/// The labels that a node may get.
pub const LABELS: [&[u8]; 4] = [b"", LABEL, b"other", &[b'l'; 255]];

/// Names; the first is the node's own. They are few, so that most messages are about known members.
pub const NAMES: [&str; 12] = [
    "self",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
    "i",
    "j",
    "n\u{e4}me",
    // The longest name: 255 bytes.
    concat!(
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234",
    ),
];

/// Returns the address of the member with that number in [`NAMES`].
#[must_use]
pub fn home(number: usize) -> SocketAddr {
    let [.., host] = number.to_be_bytes();
    SocketAddr::from(([10, 0, 0, host.wrapping_add(1)], 7946))
}

/// Returns an address: mostly that of a member, or of a stranger, or an invalid one.
pub fn address(input: &mut Input<'_>) -> SocketAddr {
    match input.below(24) {
        number @ 0..12 => home(number),
        12 => SocketAddr::from(([10, 0, 0, 2], 8000)),
        13 => SocketAddr::from(([192, 168, 7, 7], 1)),
        14 => SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 7946),
        15 => SocketAddr::from(([0, 0, 0, 0], 7946)),
        16 => SocketAddr::from(([10, 0, 0, 3], 0)),
        _ => SocketAddr::from(([10, 1, 0, input.byte()], 7946)),
    }
}

/// Returns a configuration with the usual limits.
///
/// # Panics
///
/// Never: the name is valid.
#[must_use]
pub fn usual(label: bool) -> Config {
    let name = NAMES[0].parse().expect("a name of 4 bytes is valid");
    let mut config = Config::lan(name, home(0));
    if label {
        config.label = LABEL.into();
    }
    config
}

/// Returns a configuration with very small or usual limits.
///
/// A few operations reach the small ones. Some parts of the node are switched off.
pub fn config(input: &mut Input<'_>) -> Config {
    let switches = input.byte();
    let on = |bit: u8| switches & (1 << bit) == 0;
    let mut config = usual(!on(0));
    config.lifeguard_health = on(1);
    config.lifeguard_suspicion = on(2);
    config.lifeguard_buddy = on(3);
    config.lateness = on(4);
    config.stream_ping = on(5);
    if !on(6) {
        config.push_pull_interval = Duration::ZERO;
    }
    if on(7) {
        limit(&mut config, input);
    }
    config.incarnation = input.pick(&[
        Incarnation(1),
        Incarnation(0),
        Incarnation(7),
        Incarnation(u32::MAX - 1),
        Incarnation::MAX,
    ]);
    config.indirect_probes = input.below(4);
    config.gossip_nodes = 1 + input.below(4);
    config
}

fn limit(config: &mut Config, input: &mut Input<'_>) {
    let mut up_to = |bound| 1 + input.below(bound);
    config.packet_size_max = 800 + up_to(100);
    config.meta_size_max = up_to(100);
    config.members_max = up_to(8);
    config.lost_members_max = up_to(4);
    config.update_queue_max = 15 + up_to(4);
    config.broadcast_queue_max = up_to(4);
    config.broadcast_queue_bytes_max = 1000;
    config.broadcast_origins_max = up_to(3);
    config.reliable_size_max = up_to(200);
    config.user_state_size_max = up_to(200);
    config.streams_max = up_to(4);
    config.streams_per_source_max = up_to(4);
    config.stream_buffer_max = 200 + up_to(256);
    // Skips a byte of a removed setting, so that older inputs keep their meaning.
    up_to(3);
    config.requests_max = up_to(6);
    config.relays_max = up_to(3);
}

/// The keys. All but the last work on both wires.
///
/// # Panics
///
/// Never: the keys have valid lengths.
#[must_use]
pub fn keys() -> [Key; 4] {
    let aes = |bytes: &[u8]| Key::aes(bytes).expect("16, 24 or 32 bytes");
    [aes(&[1; 16]), aes(&[2; 32]), aes(&[3; 24]), Key::xchacha([4; 32])]
}

/// Changes the wire, the keys and the encryption of a node. 0 changes nothing.
///
/// # Panics
///
/// Never: the keys are different.
pub fn vary(config: &mut Config, kind: u8) {
    let bit = |bit: u8| kind & (1 << bit) != 0;
    if bit(0) {
        *config = config.clone().memberlist();
        config.compression = !bit(3);
        config.versions.protocol.current = if bit(4) { 1 } else { 2 };
    } else {
        config.compression = bit(4);
    }
    let [first, second, third, native] = keys();
    let other = if config.wire == Wire::Swim { native } else { third };
    let ring = match kind >> 1 & 3 {
        0 => vec![],
        1 => vec![first],
        2 => vec![second, first],
        _ => vec![other, second],
    };
    config.keyring = Keyring::with_keys(ring).expect("different keys");
    if bit(5) {
        config.label_also = Some(Bytes::from_static(LABELS[2]));
    }
    if bit(6) {
        config.encryption = if bit(3) { Encryption::Outgoing } else { Encryption::Off };
    }
    if bit(7) && config.packet_size_max > 1000 {
        // More small messages than a compound can count.
        config.packet_size_max = 30_000;
    }
}

/// Returns the voice of a peer on memberlist's wire.
pub fn memberlist_voice(input: &mut Input<'_>) -> Voice {
    let switches = input.byte();
    let bit = |bit: u8| switches & (1 << bit) != 0;
    let [first, second, third, _] = keys();
    Voice {
        wire: Wire::Memberlist,
        label: Bytes::from_static(LABELS[usize::from(switches & 3)]),
        key: [None, Some(first), Some(second), Some(third)][usize::from(switches >> 2 & 3)].clone(),
        key_to_answer: None,
        version: if bit(4) { SealVersion::V0 } else { SealVersion::V1 },
        compression: bit(5),
        checksum: bit(6),
    }
}
