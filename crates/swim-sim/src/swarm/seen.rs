//! Counts of events in one or many runs, which show what a sweep covered.

use core::fmt;
use std::collections::BTreeMap;

use swim_core::wire::Wire;
use swim_core::{Config, Event};

use super::lasting::Lasting;
use super::setup::{Hostility, LastingFaults, Setup};
use super::wires::Wires;
use crate::hostile::Trick;
use crate::world::World;

/// Counts of events, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    counts: BTreeMap<&'static str, u64>,
}

impl Seen {
    /// The events that every sweep of some size must see. A sweep without faults shows nothing.
    pub const EXPECTED: [&'static str; 39] = [
        "accusations refuted",
        "broadcasts received",
        "clock jumps",
        "clocks adrift",
        "crashes",
        "datagrams blocked",
        "failures",
        "healed without a join",
        "joins failed",
        "leaves",
        "members back",
        "members unlisted",
        "messages received",
        "metadata changes",
        "name conflicts",
        "packets clogged",
        "packets cut",
        "packets duplicated",
        "packets lost",
        "packets overflowed",
        "packets reordered",
        "packets throttled",
        "packets to nobody",
        "partitions",
        "power failures",
        "processes late",
        "refutations",
        "repairs",
        "restarts",
        "restarts at an equal or lower incarnation",
        "stalls",
        "streams clogged",
        "streams failed",
        "streams refused",
        "streams stalled",
        "strangers at an address",
        "suspicions",
        "suspicions confirmed",
        "twins",
    ];

    /// How often an event was seen.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// All counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counts.iter().map(|(what, count)| (*what, *count))
    }

    /// The expected events that were not seen.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        Seen::EXPECTED.into_iter().filter(|what| self.count(what) == 0).collect()
    }

    /// Like [`missing`](Seen::missing), for clusters of this setup.
    ///
    /// On memberlist's wire, receivers do not recognise broadcasts. Its nodes send no digests of
    /// their views, so there are no repairs.
    pub(super) fn missing_of(&self, setup: Setup, runs: u64) -> Vec<&'static str> {
        let wires = setup.wires;
        const HOSTILE: [&str; 4] =
            ["hostile datagrams", "hostile hosts", "hostile streams", "sieges"];
        const NATIVE: [&str; 2] = ["broadcasts received", "repairs"];
        const MEMBERLIST: [&str; 3] = ["clusters on memberlist's wire", "compressed", "sealed"];
        let mut missing = self.missing();
        if wires == Wires::Memberlist {
            missing.retain(|what| !NATIVE.contains(what));
        }
        let new = MEMBERLIST.into_iter().filter(|what| self.count(what) == 0);
        missing.extend(new.filter(|_| wires != Wires::Swim));
        let both = ["compressed on the native wire"].into_iter();
        missing.extend(both.filter(|what| wires == Wires::Both && self.count(what) == 0));
        let hostile = HOSTILE.into_iter().filter(|what| self.count(what) == 0);
        missing.extend(hostile.filter(|_| setup.hostile != Hostility::Never));
        if setup.lasting != LastingFaults::Never {
            /// Fewer runs may miss a kind that needs keys: half of the clusters have keys, and a
            /// third of the runs lasting faults.
            const RUNS_WITH_KEYS: u64 = 256;
            let keyed = wires != Wires::Swim && runs >= RUNS_WITH_KEYS;
            let kinds = Lasting::ALL.into_iter().filter(|kind| keyed || !kind.needs_keys());
            missing.extend(kinds.map(Lasting::as_str).filter(|what| self.count(what) == 0));
        }
        missing
    }

    /// Counts the properties of a run's configuration.
    pub(super) fn add_config(&mut self, config: &Config) {
        for (what, is_so) in [
            ("clusters on memberlist's wire", config.wire == Wire::Memberlist),
            ("compressed", config.compression),
            ("compressed on the native wire", config.compression && config.wire == Wire::Swim),
            ("sealed", !config.keyring.is_empty()),
        ] {
            if is_so {
                self.add(what, 1);
            }
        }
    }

    pub(super) fn add(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    pub(super) fn merge(&mut self, other: &Seen) {
        for (what, count) in other.iter() {
            self.add(what, count);
        }
    }

    /// Adds a world's counts at the end of a run.
    pub(super) fn add_world(&mut self, world: &World) {
        let traffic = world.traffic();
        for (what, count) in [
            ("packets", traffic.packets),
            ("packets lost", traffic.packets_lost),
            ("packets cut", traffic.packets_cut),
            ("packets to nobody", traffic.packets_to_nobody),
            ("packets overflowed", traffic.packets_overflowed),
            ("packets duplicated", traffic.packets_duplicated),
            ("packets reordered", traffic.packets_reordered),
            ("packets throttled", traffic.packets_throttled),
            ("packets clogged", traffic.packets_clogged),
            ("streams", traffic.streams),
            ("streams refused", traffic.streams_refused),
            ("streams failed", traffic.streams_failed),
            ("streams stalled", traffic.streams_stalled),
            ("streams clogged", traffic.streams_clogged),
        ] {
            self.add(what, count);
        }
        self.add_hostile(world);
        for host in &world.hosts {
            for record in &host.records {
                if let Some(what) = name_of(&record.event) {
                    self.add(what, 1);
                }
            }
            let repairs = host.node().map_or(0, |node| node.stats().repairs);
            self.add("repairs", repairs);
        }
    }
}

impl Seen {
    /// Adds the deeds of a hostile host, if there was one.
    fn add_hostile(&mut self, world: &World) {
        let traffic = world.traffic();
        let deeds = Trick::ALL.map(|trick| (trick.as_str(), world.deeds(trick)));
        let sums = [
            ("hostile datagrams", traffic.packets_hostile),
            ("hostile streams", traffic.streams_hostile),
        ];
        for (what, count) in deeds.into_iter().chain(sums).filter(|(_, count)| *count > 0) {
            self.add(what, count);
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (what, count)) in self.iter().enumerate() {
            write!(f, "{}{what} {count}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

fn name_of(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::Joined { previous: Some(_), .. } => "members back",
        Event::Suspected { .. } => "suspicions",
        Event::Confirmed { .. } => "suspicions confirmed",
        Event::Refuted { .. } => "refutations",
        Event::Failed { .. } => "failures",
        Event::Left { .. } => "leaves",
        Event::Unlisted { .. } => "members unlisted",
        Event::Accused { .. } => "accusations refuted",
        Event::DatagramsBlocked { .. } => "datagrams blocked",
        Event::StreamsBlocked { .. } => "streams blocked",
        Event::Broadcast { .. } => "broadcasts received",
        Event::Message { .. } => "messages received",
        Event::Isolated { .. } => "nodes isolated",
        Event::AddressUnreachable { .. } => "addresses unreachable",
        Event::Late { .. } => "processes late",
        Event::NameConflict { .. } => "name conflicts",
        _ => return None,
    })
}
