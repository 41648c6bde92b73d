//! The hostile host itself: its knowledge and its decisions.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use bytes::Bytes;
use swim_core::Config;

use super::Hostile;
use super::talking::{Script, Talk};
use super::tape::{Tape, Taped};
use super::trick::Trick;
use crate::connection::{ConnectionId, Side};
use crate::contents::requires_seals;
use crate::dice::Dice;
use crate::host::Host;
use crate::random::Draws;
use crate::time::nanos;

/// The most datagrams that it sends at once.
const BURST_MAX: usize = 6;

/// A hostile host.
#[derive(Debug)]
pub(crate) struct Attacker {
    /// Its abilities, while it is there.
    plan: Option<Hostile>,
    usable: Vec<Trick>,
    /// Counts its starts and ends: tasks of earlier ones do nothing.
    generation: u32,
    pub(super) dice: Dice,
    pub(super) tape: Tape,
    pub(super) talks: Vec<Talk>,
    pub(super) made_up: BTreeSet<usize>,
    deeds: [u64; Trick::ALL.len()],
}

/// A decision of the hostile host.
#[derive(Debug)]
pub(crate) enum Deed {
    Datagram(Forged),
    Talk { to: u32, from: SocketAddr, script: Script },
}

/// A datagram from the hostile host.
#[derive(Debug)]
pub(crate) struct Forged {
    pub(crate) from: SocketAddr,
    pub(crate) to: u32,
    pub(crate) payload: Bytes,
}

impl Attacker {
    pub(super) fn new(seed: u64) -> Self {
        Attacker {
            plan: None,
            usable: Vec::new(),
            generation: 0,
            dice: Dice::new(seed, Draws::Hostile),
            tape: Tape::default(),
            talks: Vec::new(),
            made_up: BTreeSet::new(),
            deeds: [0; Trick::ALL.len()],
        }
    }

    /// Starts or removes it. Returns the generation of its tasks if it starts.
    pub(super) fn begin(&mut self, plan: Option<Hostile>) -> Option<u32> {
        self.generation += 1;
        self.usable = plan.as_ref().map(Hostile::usable).unwrap_or_default();
        self.plan = plan;
        self.plan.is_some().then_some(self.generation)
    }

    pub(super) fn deeds(&self, trick: Trick) -> u64 {
        self.deeds[place(trick)]
    }

    pub(super) fn note(&mut self, trick: Trick) {
        self.deeds[place(trick)] += 1;
    }

    pub(super) fn made_up(&self) -> usize {
        self.made_up.len()
    }

    /// Whether it has a trick that forges news, for members without keys.
    pub(super) fn makes_up(&self) -> bool {
        self.usable.iter().any(|trick| trick.makes_up())
    }

    /// Whether these tasks belong to the present one.
    pub(super) fn is(&self, generation: u32) -> bool {
        self.plan.is_some() && self.generation == generation
    }

    /// The time until it acts again.
    pub(super) fn pause(&mut self) -> Duration {
        let pause_max = self.plan.as_ref().map_or(Duration::MAX, |plan| plan.pause_max);
        Duration::from_nanos(self.dice.bits() % nanos(pause_max).max(2) + 1)
    }

    /// 32 random bits, for the latency of its traffic.
    pub(super) fn draw(&mut self) -> u32 {
        // The upper half.
        u32::try_from(self.dice.bits() >> 32).unwrap_or(0)
    }

    // Observations.

    fn sees(&mut self) -> bool {
        let percent = self.plan.as_ref().map_or(0, |plan| plan.sees_percent);
        percent > 0 && self.dice.below(100) < percent
    }

    pub(crate) fn see_datagram(
        &mut self,
        from: SocketAddr,
        (sender, receiver): (u32, u32),
        payload: &Bytes,
    ) {
        if self.sees() {
            let taped = Taped { from, sender, receiver, payload: payload.clone() };
            self.tape.keep(&mut self.dice, taped);
        }
    }

    /// Whether it listens to a new stream between these hosts.
    pub(crate) fn see_stream(&mut self, id: ConnectionId, hosts: (u32, u32)) -> bool {
        let sees = self.sees();
        if sees {
            self.tape.begin_talk(&mut self.dice, id, hosts);
        }
        sees
    }

    pub(crate) fn hear(&mut self, id: ConnectionId, by: Side, bytes: &Bytes) {
        self.tape.hear(id, by, bytes);
    }

    /// Whether it waits for a stream with this trick, and uses it now.
    pub(super) fn springs(&mut self, trick: Trick) -> bool {
        const ONE_IN: usize = 4;
        self.usable.contains(&trick) && self.sees() && self.dice.one_in(ONE_IN)
    }

    // Actions.

    /// Decides what to do now.
    pub(super) fn act(&mut self, hosts: &[Host], seed: u64) -> Vec<Deed> {
        let waits = |trick: &&Trick| !trick.lies_in_wait();
        let tricks: Vec<Trick> = self.usable.iter().filter(waits).copied().collect();
        if tricks.is_empty() || hosts.iter().all(|host| host.node().is_none()) {
            return Vec::new();
        }
        let trick = self.dice.pick(&tricks);
        let deeds = match trick {
            Trick::Repeat | Trick::Redirect | Trick::Reflect => self.repeat(trick, hosts),
            Trick::Cut | Trick::Flip | Trick::Mix => self.change(trick, hosts),
            Trick::Lead | Trick::Answer => Vec::new(),
            Trick::RepeatStream
            | Trick::MixStream
            | Trick::Hold
            | Trick::Trickle
            | Trick::Flood
            | Trick::Table => self.open(trick, hosts, seed),
            _ => self.forge(trick, hosts, seed),
        };
        self.deeds[place(trick)] += deeds.len() as u64;
        deeds
    }

    /// The number of datagrams to send at once.
    pub(super) fn burst(&mut self) -> usize {
        self.dice.between(1, BURST_MAX)
    }

    /// A host with a running process. There is one.
    pub(super) fn victim(&mut self, hosts: &[Host]) -> u32 {
        let alive: Vec<u32> =
            (0..).zip(hosts).filter(|(_, host)| host.node().is_some()).map(|(at, _)| at).collect();
        self.dice.pick(&alive)
    }

    /// The source address of a datagram: mostly the given one, sometimes its own, another member's,
    /// or an unused one.
    pub(super) fn source(&mut self, usual: SocketAddr, hosts: &[Host]) -> SocketAddr {
        match self.dice.below(8) {
            0 => own_address(),
            1 => self.outside(),
            2 => hosts[self.dice.below(hosts.len())].address,
            _ => usual,
        }
    }

    /// An address that no member has.
    pub(super) fn outside(&mut self) -> SocketAddr {
        const ADDRESSES: usize = 12;
        let last = u8::try_from(1 + self.dice.below(ADDRESSES)).expect("few addresses");
        SocketAddr::from(([198, 18, 0, last], 7946))
    }
}

/// Its own address.
pub(super) fn own_address() -> SocketAddr {
    SocketAddr::from(([198, 18, 255, 1], 7946))
}

/// The configuration of a host's node, except its keys, as the attacker knows it.
pub(super) fn known_config(host: &Host) -> Config {
    host.node().map_or(&host.config, swim_core::Node::config).clone()
}

/// Whether a host's node accepts only sealed input.
pub(super) fn is_sealed(host: &Host) -> bool {
    requires_seals(host.node().map_or(&host.config, swim_core::Node::config))
}

fn place(trick: Trick) -> usize {
    trick as usize
}
