//! Datagrams that the hostile host forges.
//!
//! If there are no keys, they are like those of members. Otherwise they are sealed with its own
//! key, or not at all.

use core::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use swim_core::wire::memberlist::{self, Lzw};
use swim_core::wire::{
    self, Ack, Broadcast, Claim, IndirectPing, Lz4, Message, Update, User, Wire,
};
use swim_core::{Config, Incarnation, Key, Keyring};

use super::attacker::{Attacker, Deed, Forged, is_sealed, known_config};
use super::trick::Trick;
use crate::contents;
use crate::host::Host;

/// The most made-up members. Nodes have to find out about each of them.
const MADE_UP_MAX: usize = 6;

/// How far forged incarnations are above the announced ones. Accusations are followed up to 65,536.
const JUMPS: [u32; 9] = [0, 0, 1, 1, 10, 1000, 65_536, 65_537, 1 << 20];

/// Forged incarnations rise no further. If there are no keys, anybody can bring a member to the
/// highest one, where no claim can outrank forged ones: see `docs/reference/security.md`, "Known
/// gaps".
const JUMPED_MAX: u32 = 1 << 31;

/// A member, as the hostile host knows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) incarnation: Incarnation,
}

impl Attacker {
    /// Sends forged datagrams.
    pub(super) fn forge(&mut self, trick: Trick, hosts: &[Host], seed: u64) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for _ in 0..self.burst() {
            let to = self.victim(hosts);
            let host = &hosts[to as usize];
            let usual = hosts[self.dice.below(hosts.len())].address;
            let from = self.source(usual, hosts);
            let config = self.forgers_config(host);
            let payload = match trick {
                Trick::Garbage => self.garbage(&config),
                Trick::Bomb => self.bomb(&config),
                Trick::Ping => self.forge_pings(&config, to, hosts, seed),
                Trick::Accuse => self.forge_accusations(&config, hosts, seed),
                Trick::Announce => self.forge_alives(&config, hosts, seed),
                Trick::MakeUp => self.make_up(&config, hosts, seed),
                Trick::Ack => {
                    let sequence = self.draw();
                    let ack = Ack { sequence, payload: b"guessed", view: self.draw() };
                    contents::packet(&config, &[Message::Ack(ack)], seed)
                }
                _ => self.forge_messages(&config, hosts, seed),
            };
            deeds.push(Deed::Datagram(Forged { from, to, payload }));
        }
        deeds
    }

    /// The configuration with which the attacker writes datagrams to this host, without its keys.
    pub(super) fn forgers_config(&mut self, to: &Host) -> Config {
        let mut config = known_config(to);
        if is_sealed(to) {
            config.keyring =
                if self.dice.one_in(2) { wrong_keys(&config) } else { Keyring::default() };
        }
        config
    }

    /// A member, or a made-up one.
    pub(super) fn somebody(&mut self, hosts: &[Host]) -> Known {
        if self.dice.one_in(6)
            && let Some(known) = self.somebody_made_up(hosts)
        {
            return known;
        }
        let host = &hosts[self.dice.below(hosts.len())];
        let incarnation = host.node().map_or(host.config.incarnation, |it| it.local().incarnation);
        Known { name: host.member().to_owned(), address: host.address, incarnation }
    }

    /// A made-up member, at an unused address or that of a member.
    pub(super) fn somebody_made_up(&mut self, hosts: &[Host]) -> Option<Known> {
        let number = self.dice.below(MADE_UP_MAX);
        if !hosts.iter().any(is_sealed) {
            self.made_up.insert(number);
        }
        let of_a_member = self.dice.one_in(4);
        let address = match of_a_member {
            true => hosts[self.dice.below(hosts.len())].address,
            false => self.outside(),
        };
        let incarnation = Incarnation(self.dice.pick(&[1, 1_700_000_000, JUMPED_MAX]));
        Some(Known { name: format!("ghost{number}"), address, incarnation })
    }

    fn jump(&mut self, from: Incarnation) -> Incarnation {
        let jump = self.dice.pick(&JUMPS);
        Incarnation(if from.0 < JUMPED_MAX { from.0 + jump } else { from.0 })
    }

    fn forge_accusations(&mut self, config: &Config, hosts: &[Host], seed: u64) -> Bytes {
        let (subject, accuser) = (self.somebody(hosts), self.somebody(hosts));
        let incarnation = self.jump(subject.incarnation);
        let claim = match self.dice.below(3) {
            0 => Claim::Suspect { accuser: &accuser.name },
            1 => Claim::Failed { accuser: &accuser.name },
            _ => Claim::Left,
        };
        let update = Update { name: &subject.name, incarnation, claim };
        contents::packet(config, &[Message::Update(update)], seed)
    }

    fn forge_alives(&mut self, config: &Config, hosts: &[Host], seed: u64) -> Bytes {
        let subject = self.somebody(hosts);
        let address = match self.dice.below(4) {
            0 => self.outside(),
            1 => hosts[self.dice.below(hosts.len())].address,
            _ => subject.address,
        };
        let meta: &[u8] = if self.dice.one_in(2) { b"made up" } else { b"" };
        let claim = Claim::Alive { address, meta, versions: config.versions };
        let update =
            Update { name: &subject.name, incarnation: self.jump(subject.incarnation), claim };
        contents::packet(config, &[Message::Update(update)], seed)
    }

    fn make_up(&mut self, config: &Config, hosts: &[Host], seed: u64) -> Bytes {
        let made_up: Vec<Known> = (0..3).filter_map(|_| self.somebody_made_up(hosts)).collect();
        let message = |known| announcement(known, config);
        let messages: Vec<Message<'_>> = made_up.iter().map(message).collect();
        contents::packet(config, &messages, seed)
    }

    /// Pings of a host, or requests to ping another one, up to three in a datagram.
    fn forge_pings(&mut self, config: &Config, to: u32, hosts: &[Host], seed: u64) -> Bytes {
        let (source, target) = (self.somebody(hosts), self.somebody(hosts));
        let is_memberlist = config.wire == Wire::Memberlist;
        let reply_to = (is_memberlist && self.dice.one_in(2)).then(|| self.outside());
        let own_name = hosts[to as usize].member().to_owned();
        let message = if self.dice.one_in(3) {
            let address = if self.dice.one_in(2) { self.outside() } else { target.address };
            let request = IndirectPing::new(self.draw(), &target.name, address);
            let source = if is_memberlist { source.name.as_str() } else { "" };
            Message::IndirectPing(IndirectPing { source, reply_to, ..request })
        } else {
            let (sequence, source) = (self.draw(), source.name.as_str());
            Message::Ping(wire::Ping { sequence, target: &own_name, source, reply_to })
        };
        let count = self.dice.between(1, 3);
        contents::packet(config, &vec![message; count], seed)
    }

    /// A message or a broadcast in the name of a member.
    fn forge_messages(&mut self, config: &Config, hosts: &[Host], seed: u64) -> Bytes {
        let from = self.somebody(hosts);
        let payload = format!("made up {}", self.draw());
        let (origin, payload) = (from.name.as_str(), payload.as_bytes());
        let message = if config.wire == Wire::Memberlist || self.dice.one_in(2) {
            let from = if config.wire == Wire::Memberlist { "" } else { origin };
            Message::User(User { from, payload, envelope: None })
        } else {
            Message::Broadcast(Broadcast {
                origin,
                life: self.draw(),
                sequence: self.dice.pick(&[0, 1, 1000, u32::MAX]),
                key: self.dice.pick(&[b"", b"key"]),
                payload,
                known: Incarnation(0),
            })
        };
        contents::packet(config, &[message], seed)
    }

    /// Meaningless bytes, perhaps after a valid beginning.
    fn garbage(&mut self, config: &Config) -> Bytes {
        let begins: [&[u8]; 6] =
            [b"", b"\xc1\x10\0", b"\xc1\x11\0", b"\x07\xff", b"GET / ", b"\x09"];
        let length = self.dice.pick(&[0, 3, 40, 300, 1400]);
        let mut garbage = BytesMut::new();
        if config.wire == Wire::Swim && self.dice.one_in(2) {
            wire::begin_packet(&config.label, &mut garbage);
        } else {
            garbage.extend_from_slice(self.dice.pick(&begins));
        }
        while garbage.len() < length {
            garbage.extend_from_slice(&self.dice.bits().to_le_bytes());
        }
        garbage.freeze()
    }

    /// Zeros, or thousands of equal accusations, packed into a few bytes.
    fn bomb(&mut self, config: &Config) -> Bytes {
        let mut packed = BytesMut::new();
        let is_native = config.wire == Wire::Swim;
        if is_native {
            wire::begin_packet(&config.label, &mut packed);
        } else if !config.label.is_empty() {
            memberlist::put_label(&config.label, &mut packed, 0);
        }
        let start = packed.len();
        let size = if is_native { 60_000 } else { 100_000 };
        if self.dice.one_in(2) {
            packed.resize(start + size, 0);
        } else {
            let part = b"\x32\x08\x0a\x01a\x1a\x01b\x10\x01";
            while packed.len() < start + size {
                packed.extend_from_slice(part);
            }
        }
        if is_native {
            wire::compress_packet(&mut packed, start, &mut Lz4::default());
        } else {
            packed[start] = 8;
            memberlist::compress_packet(&mut packed, start, &mut Lzw::default());
        }
        packed.freeze()
    }
}

/// A message that announces this member.
pub(super) fn announcement<'a>(known: &'a Known, config: &Config) -> Message<'a> {
    let Known { name, address, incarnation } = known;
    let claim = Claim::Alive { address: *address, meta: b"made up", versions: config.versions };
    Message::Update(Update { name, incarnation: *incarnation, claim })
}

/// A key that no member has.
fn wrong_keys(config: &Config) -> Keyring {
    let is_aes = config.keyring.primary().is_none_or(|key| key.cipher().is_aes());
    Keyring::new(match is_aes {
        true => Key::aes(&[0xff; 16]).expect("16 bytes are a key"),
        false => Key::xchacha([0xff; 32]),
    })
}
