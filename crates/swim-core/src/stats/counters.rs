//! The counters as a list. Exhaustive, so that no counter is ever left out.

use alloc::vec::Vec;

use super::Stats;

/// One value of [`Stats`], with its name and meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counter {
    /// The name in `snake_case`, for metrics and JSON. Stable across releases.
    pub name: &'static str,
    /// The key and value of a label, if several values share the name.
    pub label: Option<(&'static str, &'static str)>,
    /// Whether it only grows.
    pub kind: CounterKind,
    /// Its meaning.
    pub help: &'static str,
    /// The value.
    pub value: u64,
}

/// Whether a [`Counter`] can fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterKind {
    /// It only grows, from 0 at the start of the node.
    Counter,
    /// It can rise and fall.
    Gauge,
}

impl Stats {
    /// Returns all counters and gauges in a fixed order, grouped by name.
    ///
    /// `round_trip_us` is missing until the first round trip is measured.
    ///
    /// ```
    /// # use swim_core::Stats;
    /// let mut stats = Stats::default();
    /// stats.probes = 7;
    /// let counters = stats.counters();
    /// let probes = counters.iter().find(|counter| counter.name == "probes");
    /// assert_eq!(probes.map(|counter| counter.value), Some(7));
    /// assert_eq!(probes.map(|counter| counter.help), Some("Probes started by this node"));
    /// ```
    #[must_use]
    pub fn counters(&self) -> Vec<Counter> {
        let Stats {
            // Listed in `plain` and in `gauges`. No `..`, so that a new field must be added there.
            packets_received: _,
            packet_bytes_received: _,
            packets_sent: _,
            packet_bytes_sent: _,
            stream_bytes_received: _,
            stream_bytes_sent: _,
            streams_opened: _,
            streams_accepted: _,
            probes: _,
            probes_failed: _,
            probes_saved_by_stream: _,
            suspicions_raised: _,
            suspicions_refuted: _,
            failures_declared: _,
            accusations_refuted: _,
            push_pulls: _,
            repairs: _,
            seals: _,
            stalls: _,
            tls_failures: _,
            round_trip: _,
            health: _,
            members_live: _,
            members_lost: _,
            updates_queued: _,
            broadcasts_queued: _,
            streams_open: _,
            received,
            sent,
            drops,
        } = self;
        let mut counters: Vec<_> = self.plain().chain(self.gauges()).collect();
        for (name, help, counts) in [
            ("messages_received", "Messages received, by kind", received),
            ("messages_sent", "Messages sent, by kind", sent),
        ] {
            let label = |(kind, value): (super::MessageKind, u64)| {
                counter(name, help, value).labelled("kind", kind.key())
            };
            counters.extend(counts.iter().map(label));
        }
        let label = |(reason, value): (super::DropReason, u64)| {
            counter("drops", "Dropped input, by reason", value).labelled("reason", reason.key())
        };
        counters.extend(drops.iter().map(label));
        counters
    }

    /// The counters without a label.
    fn plain(&self) -> impl Iterator<Item = Counter> {
        [
            counter("packets_received", "Datagrams received", self.packets_received),
            counter(
                "packet_bytes_received",
                "Bytes of datagrams received",
                self.packet_bytes_received,
            ),
            counter("packets_sent", "Datagrams sent", self.packets_sent),
            counter("packet_bytes_sent", "Bytes of datagrams sent", self.packet_bytes_sent),
            counter(
                "stream_bytes_received",
                "Bytes received on streams",
                self.stream_bytes_received,
            ),
            counter("stream_bytes_sent", "Bytes sent on streams", self.stream_bytes_sent),
            counter("streams_opened", "Streams opened by this node", self.streams_opened),
            counter("streams_accepted", "Streams accepted by this node", self.streams_accepted),
            counter("probes", "Probes started by this node", self.probes),
            counter("probes_failed", "Probes without any answer", self.probes_failed),
            counter(
                "probes_saved_by_stream",
                "Probes answered only over a stream",
                self.probes_saved_by_stream,
            ),
            counter(
                "suspicions_raised",
                "Suspicions raised by this node's probes",
                self.suspicions_raised,
            ),
            counter(
                "suspicions_refuted",
                "Suspicions of members that were refuted",
                self.suspicions_refuted,
            ),
            counter(
                "failures_declared",
                "Members declared failed by this node",
                self.failures_declared,
            ),
            counter(
                "accusations_refuted",
                "Accusations of this node, each refuted",
                self.accusations_refuted,
            ),
            counter("push_pulls", "Push/pull exchanges completed", self.push_pulls),
            counter("repairs", "Push/pull exchanges started because views differed", self.repairs),
            counter("seals", "Datagrams and parts of streams sealed", self.seals),
            counter("stalls", "Pauses in which this node did not run", self.stalls),
            counter("tls_failures", "Connections on which TLS failed", self.tls_failures),
        ]
        .into_iter()
    }

    fn gauges(&self) -> impl Iterator<Item = Counter> {
        let size = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let round_trip = self.round_trip.map(|round_trip| {
            let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
            gauge("round_trip_us", "Smoothed round trip, in microseconds", micros)
        });
        [
            gauge("health", "Local health; 0 is healthy", self.health.into()),
            gauge("members_live", "Live members, including this node", size(self.members_live)),
            gauge(
                "members_lost",
                "Failed and left members no longer listed, but remembered",
                size(self.members_lost),
            ),
            gauge("updates_queued", "Updates waiting to be gossiped", size(self.updates_queued)),
            gauge(
                "broadcasts_queued",
                "User broadcasts waiting to be gossiped",
                size(self.broadcasts_queued),
            ),
            gauge("streams_open", "Open streams", size(self.streams_open)),
        ]
        .into_iter()
        .chain(round_trip)
    }
}

impl Counter {
    fn labelled(self, key: &'static str, value: &'static str) -> Self {
        Counter { label: Some((key, value)), ..self }
    }
}

const fn counter(name: &'static str, help: &'static str, value: u64) -> Counter {
    Counter { name, label: None, kind: CounterKind::Counter, help, value }
}

const fn gauge(name: &'static str, help: &'static str, value: u64) -> Counter {
    Counter { name, label: None, kind: CounterKind::Gauge, help, value }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use core::time::Duration;

    use super::*;
    use crate::stats::{DropReason, MessageKind};

    #[test]
    fn every_counter_is_listed_once() {
        let stats = Stats { round_trip: Some(Duration::from_micros(1500)), ..Stats::default() };
        let counters = stats.counters();
        let distinct: BTreeSet<_> = counters.iter().map(|it| (it.name, it.label)).collect();
        assert_eq!(distinct.len(), counters.len());
        assert_eq!(counters.len(), 27 + 2 * MessageKind::ALL.len() + DropReason::ALL.len());
        let round_trip = counters.iter().find(|it| it.name == "round_trip_us").unwrap();
        assert_eq!((round_trip.value, round_trip.kind), (1500, CounterKind::Gauge));
    }

    #[test]
    fn counts_by_kind_have_a_label() {
        let mut stats = Stats::default();
        stats.drops[DropReason::Stale] = 3;
        let counters = stats.counters();
        let stale = counters.iter().find(|it| it.label == Some(("reason", "stale"))).unwrap();
        assert_eq!((stale.name, stale.value), ("drops", 3));
    }
}
