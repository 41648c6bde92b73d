//! Keys in memory: freed memory holds none.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::net::SocketAddr;

use bytes::BytesMut;
use swim_core::channel::Sealer;
use swim_core::wire::{self, Message, Ping, SealVersion};
use swim_core::{CipherKind, Config, Instant, Key, Keyring, Node};
use swim_test_support::counting::{SECRET_SIZE, left_behind};

/// The first bytes of each key here, which are also its first round key.
const SECRET: [u8; SECRET_SIZE] = [
    0x93, 0x1d, 0xc4, 0x07, 0x6a, 0xf2, 0x58, 0xbe, 0x21, 0x9f, 0x03, 0xd8, 0x74, 0xe5, 0x4b, 0xa6,
];

fn secret(size: usize) -> Vec<u8> {
    SECRET.iter().copied().cycle().take(size).collect()
}

fn keys() -> Vec<Key> {
    let aes = [16, 24, 32].map(|size| Key::aes(&secret(size)).unwrap());
    let xchacha = Key::xchacha(secret(32).try_into().unwrap());
    aes.into_iter().chain([xchacha]).collect()
}

#[test]
fn what_is_left_behind_is_found() {
    let kept = secret(32);
    assert_eq!(left_behind(SECRET, || drop(kept.clone())), 1);
    assert_eq!(left_behind(SECRET, || drop(vec![0; 32])), 0);
    let grows = || {
        let mut bytes = kept.clone();
        bytes.reserve(4096);
        bytes.fill(0);
    };
    assert_eq!(left_behind(SECRET, grows), 1);
}

#[test]
fn no_memory_that_a_node_frees_holds_a_key() {
    for key in keys() {
        let other = Key::aes(&[7; 32]).unwrap();
        let lives = || {
            let now = Instant::ORIGIN;
            let text = key.to_text();
            let ring = Keyring::new(text.parse().unwrap());
            let config = config().with(|config| config.keyring = ring);
            let mut node = Node::new(config.clone(), [3; 32], now).unwrap();
            let ping = Ping { sequence: 1, target: "self", source: "a", reply_to: None };
            let mut sealed = BytesMut::new();
            wire::begin_packet(b"", &mut sealed);
            Message::Ping(ping).encode(&mut sealed);
            sealed[1] |= 1;
            let head = sealed[..3].to_vec();
            let mut sealer = Sealer::new(config.keyring.clone(), [4; 32]);
            sealer.seal_native(&[&head], &mut sealed, 3);
            node.handle_packet(now, address(1), &sealed);
            assert!(node.poll_output().is_some(), "an answer");
            assert_eq!(node.stats().seals, 1);

            node.install_key(now, other.clone()).unwrap();
            node.use_key(now, &other).unwrap();
            node.remove_key(now, &key).unwrap();
            node.install_key(now, key.clone()).unwrap();
            let _ = format!("{key} {:?} {:?}", node.config(), node);
        };
        assert_eq!(left_behind(SECRET, lives), 0, "{key:?}");
    }
}

#[test]
fn no_memory_that_a_sealer_for_memberlist_frees_holds_a_key() {
    for key in keys().into_iter().filter(|key| key.cipher() != CipherKind::XChaCha20Poly1305) {
        let lives = || {
            let mut sealer = Sealer::new(Keyring::new(key.clone()), [4; 32]);
            for version in [SealVersion::V0, SealVersion::V1] {
                let mut out = BytesMut::from(&b"text"[..]);
                sealer.seal_memberlist_packet(version, b"", &mut out, 0);
                assert_eq!(sealer.open_memberlist_packet(b"", &mut out), Ok(&b"text"[..]));
            }
        };
        assert_eq!(left_behind(SECRET, lives), 0, "{key:?}");
    }
}

fn config() -> Config {
    Config::lan("self".parse().unwrap(), address(0))
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 7946))
}
