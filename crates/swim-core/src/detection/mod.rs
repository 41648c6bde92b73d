//! Failure detection: this node's own probes, the pings it relays for others, those that settle who
//! is where, those of the application, and what this node thinks of its own health.
//!
//! SWIM, section 3, with Lifeguard's nacks and local health (section IV.A), and memberlist's ping
//! over a stream. A [`Detector`] says which probe failed; what follows from it is not its business.

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

/// Which pings of this node are under way, and how it goes.
#[derive(Debug)]
pub(crate) struct Detector {
    /// The probe of this protocol period.
    current: Option<Probe>,
    /// Who was asked to ping its target, too.
    helpers: Picked,
    /// When the period ends.
    period_ends: Instant,
    /// When the direct ping of the probe counts as unanswered.
    help_due: Instant,
    pings: Pings,
    /// Members whose latest probes were answered by detours alone, and how many in a row.
    detours: BTreeMap<Slot, u8>,
    health: Health,
    isolation: Isolation,
    own_address: OwnAddress,
    asked: Asked,
    generosity: Generosity,
    /// What the application sends with acks.
    ack_payload: Bytes,
}

/// An ack that somebody else has to act on.
#[derive(Debug)]
pub(crate) enum Acked {
    /// Of this node's own probe, to be told with [`Detector::probe_answered`]; and whether it came
    /// from its target's own address.
    Probe(Probe, bool),
    /// A member that was asked whether it is there.
    Asked(Slot),
    /// A member of which nothing else was to be known: the application pinged it, and is answered,
    /// or this node did while it heard nobody.
    There(Slot),
    /// A member that was asked because two addresses have its name.
    Check(Slot),
    /// A member that failed or left.
    Gone(Slot),
    /// A suspect that was asked before it is declared failed.
    LastCall(Slot),
    /// A member that heard this node's goodbye.
    Goodbye(Slot),
    /// The node that has this node's name; `relayed` if another member asked it.
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

/// What was not answered, and on which somebody else has to act.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// It was asked because two addresses have its name.
    Check(Slot),
    /// It was asked before it is declared failed.
    LastCall(Slot),
    /// It was pinged while nobody was heard.
    Silent(Accusation),
    /// It has this node's name.
    Holder,
    /// This node, of whose address it is not known whether it is reached there.
    OwnAddress,
}

impl Detector {
    /// A detector that probes nobody yet. The numbers of its pings are drawn from `sequences`.
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

    /// The first period ends so much later.
    pub(crate) fn start(&mut self, now: Instant, first_period: Duration) {
        self.period_ends = now + first_period;
        self.isolation.start(now);
    }

    /// Sets what is sent with acks.
    pub(crate) fn set_ack_payload(&mut self, payload: Bytes) {
        self.ack_payload = payload;
    }

    /// Drops all that is kept about a member that leaves the table.
    pub(crate) fn forget(&mut self, slot: Slot) {
        self.detours.remove(&slot);
        self.own_address.forget(slot);
        self.pings.forget(slot);
        match &self.current {
            Some(probe) if probe.target() == slot => self.current = None,
            Some(_) | None => self.helpers.remove(slot),
        }
    }

    /// When the period ends, [`Instant::NEVER`] if none is under way.
    #[inline]
    pub(crate) fn period_ends(&self) -> Instant {
        self.period_ends
    }

    /// When the direct ping of the probe counts as unanswered, [`Instant::NEVER`] if none waits.
    #[inline]
    pub(crate) fn help_due(&self) -> Instant {
        self.help_due
    }

    /// When the first ping is over that is no part of a probe.
    #[inline]
    pub(crate) fn next_ping_deadline(&self) -> Instant {
        self.pings.next_deadline()
    }

    /// Local health: 0 is healthy.
    pub(crate) fn health(&self) -> u8 {
        self.health.score()
    }

    /// Moves the local health.
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

/// Whether a member speaks a version of memberlist's protocol; on the native wire all can do what
/// later versions brought.
#[inline]
fn speaks(config: &Config, members: &Members, slot: Slot, memberlist_version: u8) -> bool {
    config.wire == Wire::Swim || members.entry(slot).speaks(memberlist_version)
}

/// Whether this is the address of a member.
#[inline]
fn is_at(members: &Members, slot: Slot, address: SocketAddr) -> bool {
    members.entry(slot).is_at(address)
}
