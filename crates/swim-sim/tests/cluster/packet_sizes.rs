//! The size of datagrams, with everything around their messages.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use swim_core::wire::Wire;
use swim_core::{Config, Key, Keyring, VersionRange};
use swim_sim::checkers::{Checker, Sight, Verdict};
use swim_sim::{World, WorldOptions, bounds, secs};

/// How packets are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seal {
    Plain,
    Aes,
    XChaCha20,
    /// Memberlist's older version, which pads.
    Version0,
}

/// Notes the size of the largest packet, and complains about those that are too large.
#[derive(Debug)]
struct Largest {
    seen: Arc<AtomicUsize>,
}

impl Checker for Largest {
    fn name(&self) -> &'static str {
        "largest packet"
    }

    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        self.seen.fetch_max(payload.len(), Ordering::Relaxed);
        let max = by.node.config().packet_size_max;
        if payload.len() <= max {
            Ok(())
        } else {
            Err(format!("{} bytes to {to}, at most {max} are allowed", payload.len()))
        }
    }
}

/// Sets the longest label, and with it the longest metadata, that fit in packets of this size.
fn fill(config: &mut Config) {
    for label in (0..=255).rev() {
        for meta in [512, 400, 256] {
            config.label = vec![b'l'; label].into();
            config.meta_size_max = meta;
            if config.validate().is_ok() {
                config.meta = vec![b'm'; meta].into();
                return;
            }
        }
    }
    panic!("no label fits: {config:?}");
}

fn configure(config: &mut Config, wire: Wire, seal: Seal, size: usize, compression: bool) {
    if wire == Wire::Memberlist {
        *config = config.clone().memberlist();
        config.compression = compression;
    }
    config.packet_size_max = size;
    match seal {
        Seal::Plain => {}
        Seal::XChaCha20 => config.keyring = Keyring::new(Key::xchacha([7; 32])),
        Seal::Aes | Seal::Version0 => {
            config.keyring = Keyring::new(Key::aes(&[7; 32]).expect("a size of a key"));
        }
    }
    if seal == Seal::Version0 {
        config.versions.protocol = VersionRange { min: 1, max: 5, current: 1 };
    }
    fill(config);
}

/// Bytes that do not compress.
struct Noise(u32);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.to_le_bytes()[3]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        core::iter::repeat_with(|| self.byte()).take(count).collect()
    }

    /// Returns a number below `end`, which is at most 65,536.
    fn below(&mut self, end: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % end
    }
}

const NODES: usize = 8;

/// The size of the largest datagram of a cluster under load.
///
/// The load is metadata of the full length, which changes, and broadcasts, messages and ack
/// payloads of every size up to the longest, while members fail, leave and return.
fn largest(wire: Wire, seal: Seal, size: usize, compression: bool) -> usize {
    let seen = Arc::new(AtomicUsize::new(0));
    let mut world = WorldOptions::new(39)
        .configure(move |_, config| configure(config, wire, seal, size, compression))
        .check(Largest { seen: Arc::clone(&seen) })
        .checked()
        .build();
    world.form(NODES);
    let mut noise = Noise(1);
    for round in 0..40 {
        for number in 0..NODES {
            let (name, to) = (format!("n{number}"), format!("n{}", (number + 1) % NODES));
            if world.running().any(|running| running == name) {
                talk(&mut world, &name, &to, round % 4 == 0, &mut noise);
            }
        }
        match round {
            10 => world.crash("n7"),
            20 => _ = world.leave("n6"),
            30 => {
                world.restart("n7");
                world.join("n7", "n0");
            }
            _ => {}
        }
        world.run(secs(1));
    }
    world.run(secs(30));
    let config = world.node("n0").config().clone();
    world.settle(bounds::settling(&config, NODES) * 2);
    let found = seen.load(Ordering::Relaxed);
    println!(
        "{wire:?} {seal:?} {size} compression {compression}: {found}, label {}",
        config.label.len()
    );
    found
}

/// Sends a node's data of one round. The node may refuse: its queue is full.
fn talk(world: &mut World, name: &str, to: &str, also_meta: bool, noise: &mut Noise) {
    let node = world.node(name);
    let (broadcast_max, message_max) = (node.broadcast_size_max(), node.message_size_max());
    let (ack_max, meta_max) = (node.ack_payload_size_max(), node.config().meta_size_max);
    let sizes = [broadcast_max - noise.below(3), noise.below(broadcast_max), noise.below(60)];
    for size in sizes {
        let payload = noise.bytes(size);
        let _ = world.request(name, |node, now| node.broadcast(now, &payload));
    }
    if also_meta {
        let meta = noise.bytes(meta_max);
        let _ = world.request(name, |node, now| node.set_meta(now, meta.into()));
    }
    let (ack, message) = (noise.below(ack_max), noise.bytes(message_max));
    let ack = noise.bytes(ack);
    world.command(name, |node, now| {
        let _ = node.set_ack_payload(now, ack.into());
        let _ = node.send(now, to, &message);
    });
}

#[test]
fn s39_no_datagram_exceeds_the_configured_size_whatever_stands_around_it() {
    for size in [1400, 1280, 1178] {
        for seal in [Seal::Plain, Seal::Aes, Seal::XChaCha20] {
            let found = largest(Wire::Swim, seal, size, false);
            assert!(found <= size && found + 8 >= size, "{found} of {size}, {seal:?}");
        }
        for seal in [Seal::Plain, Seal::Aes, Seal::Version0] {
            for compression in [false, true] {
                let found = largest(Wire::Memberlist, seal, size, compression);
                assert!(found <= size && found + 24 >= size, "{found} of {size}, {seal:?}");
            }
        }
    }
}

/// Finds the smallest size that fits a label, name and metadata of full length. Smaller ones are
/// refused with an error.
#[test]
fn s39_what_does_not_fit_is_refused_when_a_node_is_made() {
    for wire in [Wire::Swim, Wire::Memberlist] {
        let fits = |size: usize| {
            let mut config =
                Config::lan("n".parse().expect("a name"), SocketAddr::from(([10, 0, 0, 1], 1)));
            if wire == Wire::Memberlist {
                config = config.memberlist();
            }
            config.keyring = Keyring::new(Key::aes(&[1; 16]).expect("a size of a key"));
            config.label = vec![b'l'; 255].into();
            config.packet_size_max = size;
            config.validate().is_ok()
        };
        let smallest = (800..1400).find(|size| fits(*size)).expect("the usual size has room");
        println!("{wire:?}: {smallest}");
        assert!((smallest..1500).all(fits), "{wire:?}: more room never hurts");
        assert!((1000..1250).contains(&smallest), "{wire:?}: {smallest}");
    }
}
