//! Failure detection: this node's own probes, pings relayed for other nodes, pings that settle
//! which member is at an address, the application's pings, and this node's own health.
//!
//! SWIM, section 3, with Lifeguard's nacks and local health (section IV.A), and memberlist's ping
//! over a stream. A [`Detector`] reports which probe failed; its callers act on that.

mod answering;
mod asking;
mod check;
mod doubting;
mod health;
mod isolation;
mod own_address;
mod pings;
mod probing;

use alloc::collections::BTreeMap;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use crate::config::Config;
use crate::context::Context;
use crate::members::{Members, Picked, Slot};
use crate::output::{Event, HealthReason};
use crate::random::Random;
use crate::time::Instant;
use crate::wire::{Ping, Wire};

use answering::Generosity;
pub(crate) use answering::{Question, where_to_answer};
use asking::Asked;
use health::Health;
use isolation::Isolation;
use own_address::OwnAddress;
use pings::{Pending, Pings, Relay};
pub(crate) use probing::{Accusation, Probe, StreamPing};

/// This node's pings in flight, and their results.
#[derive(Debug)]
pub(crate) struct Detector {
    /// The probe of this protocol period.
    current: Option<Probe>,
    /// Members that were asked to ping its target, too.
    helpers: Picked,
    /// When the period ends.
    period_ends: Instant,
    /// When the direct ping of the probe counts as unanswered.
    help_due: Instant,
    pings: Pings,
    /// Members whose latest probes were answered only through relays or TCP, and how many in a row.
    detours: BTreeMap<Slot, u8>,
    health: Health,
    isolation: Isolation,
    own_address: OwnAddress,
    asked: Asked,
    generosity: Generosity,
    /// The application's payload for acks.
    ack_payload: Bytes,
}

/// An ack that the caller has to act on.
#[derive(Debug)]
pub(crate) enum Acked {
    /// Of this node's own probe, for [`Detector::probe_answered`]; and whether it came from the
    /// target's own address.
    Probe(Probe, bool),
    /// From a member that was asked whether it is there.
    Asked(Slot),
    /// From a member that only had to be there: the application pinged it, and is answered, or this
    /// node did during isolation.
    There(Slot),
    /// From a member that was asked because two addresses have its name.
    Check(Slot),
    /// From a member that failed or left.
    Gone(Slot),
    /// From a suspect that was asked before it is declared failed.
    LastCall(Slot),
    /// From a member that received this node's leave message.
    Goodbye(Slot),
    /// From the node that has this node's name; `relayed` if another member asked it.
    Holder { relayed: bool },
}

impl Acked {
    /// The member that was pinged.
    #[inline]
    pub(crate) fn member(&self) -> Slot {
        match self {
            Acked::Probe(probe, _) => probe.target(),
            Acked::Asked(member)
            | Acked::There(member)
            | Acked::Check(member)
            | Acked::Gone(member)
            | Acked::LastCall(member)
            | Acked::Goodbye(member) => *member,
            Acked::Holder { .. } => Slot::LOCAL,
        }
    }
}

/// A missing answer that the caller has to act on.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// From a member that was asked because two addresses have its name.
    Check(Slot),
    /// From a suspect that was asked before it is declared failed.
    LastCall(Slot),
    /// From a member that was pinged during isolation.
    Silent(Accusation),
    /// From the node that has this node's name.
    Holder,
    /// Nothing came to this node's announced address.
    OwnAddress,
}

impl Detector {
    /// Creates a detector that probes no member yet. Its pings take their numbers from `sequences`.
    pub(crate) fn new(config: &Config, sequences: Random) -> Self {
        Detector {
            current: None,
            helpers: Picked::default(),
            period_ends: Instant::NEVER,
            help_due: Instant::NEVER,
            pings: Pings::new(sequences),
            detours: BTreeMap::new(),
            health: Health::new(config.awareness_max, config.lifeguard_health),
            isolation: Isolation::default(),
            own_address: OwnAddress::default(),
            asked: Asked::default(),
            generosity: Generosity::default(),
            ack_payload: Bytes::new(),
        }
    }

    /// Starts; the first period ends after `first_period`.
    pub(crate) fn start(&mut self, now: Instant, first_period: Duration) {
        self.period_ends = now + first_period;
        self.isolation.start(now);
    }

    pub(crate) fn set_ack_payload(&mut self, payload: Bytes) {
        self.ack_payload = payload;
    }

    /// Drops all records of a member that leaves the table.
    pub(crate) fn forget(&mut self, slot: Slot) {
        self.detours.remove(&slot);
        self.own_address.forget(slot);
        self.pings.forget(slot);
        match &self.current {
            Some(probe) if probe.target() == slot => self.current = None,
            Some(_) | None => self.helpers.remove(slot),
        }
    }

    /// When the period ends, [`Instant::NEVER`] if there is none.
    #[inline]
    pub(crate) fn period_ends(&self) -> Instant {
        self.period_ends
    }

    /// When the direct ping of the probe counts as unanswered, [`Instant::NEVER`] if none waits.
    #[inline]
    pub(crate) fn help_due(&self) -> Instant {
        self.help_due
    }

    /// When the first ping outside a probe is over.
    #[inline]
    pub(crate) fn next_ping_deadline(&self) -> Instant {
        self.pings.next_deadline()
    }

    /// Local health: 0 is healthy.
    pub(crate) fn health(&self) -> u8 {
        self.health.score()
    }

    /// Changes the local health.
    pub(crate) fn change_health(&mut self, cx: &mut Context, by: i16, reason: HealthReason) {
        let from = self.health.score();
        if self.health.change(by) {
            let to = self.health.score();
            cx.emit(Event::HealthChanged { from, to, reason });
        }
    }
}

/// A ping of this node to a member of this name.
#[inline]
fn ping<'a>(config: &'a Config, sequence: u32, target: &'a str) -> Ping<'a> {
    Ping { sequence, target, source: config.name.as_str(), reply_to: config.reply_to() }
}

/// Whether a member speaks a version of memberlist's protocol. On the native wire every member can
/// do what later versions brought.
#[inline]
fn speaks(config: &Config, members: &Members, slot: Slot, memberlist_version: u8) -> bool {
    config.wire == Wire::Swim || members.entry(slot).speaks(memberlist_version)
}

/// Whether this is the address of a member.
#[inline]
fn is_at(members: &Members, slot: Slot, address: SocketAddr) -> bool {
    members.entry(slot).is_at(address)
}
