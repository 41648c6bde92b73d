//! The results of a simulation.

use core::time::Duration;

use crate::simulation::cluster::{Agreement, Cluster};
use crate::simulation::durations::Durations;
use crate::simulation::mistake::Mistakes;

/// The results of a simulation, over all its runs.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How many runs were completed.
    pub runs: u32,
    /// Whether the simulation was interrupted: the figures then include a part of one more run.
    pub interrupted: bool,
    /// The virtual time of all runs together.
    pub simulated: Duration,
    /// How many nodes crashed.
    pub crashes: usize,
    /// For each noticed crash: how long until the first node declared it failed.
    pub first_declared: Durations,
    /// For each crash known to every running node: how long until the last one heard of it. Crashes
    /// not known everywhere at the end of their run are missing.
    pub known_everywhere: Durations,
    /// False positives, without those of the next two fields.
    pub false_failures: Mistakes,
    /// False positives across a partition, or while it healed.
    pub separated_failures: Mistakes,
    /// False positives about or by a stalled node, or as an echo of a stall.
    pub stalled_failures: Mistakes,
    /// Running nodes that were suspected, with neither a partition nor a stall as the reason.
    pub false_suspicions: Mistakes,
    /// For each run that began with joining: how long until all nodes knew each other. Runs in
    /// which they never did are missing.
    pub formed: Durations,
    /// How many partitions ended.
    pub partitions: usize,
    /// For each partition that healed: how long until all nodes knew each other again. Those that
    /// did not heal before the next one, or before the end, are missing.
    pub healed: Durations,
    /// The traffic of the nodes.
    pub rates: Rates,
    /// How many push/pulls were completed.
    pub push_pulls: u64,
}

/// The average traffic of a node per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Rates {
    /// Datagrams sent.
    pub packets: f64,
    /// Bytes of datagrams, without the headers of IP and UDP.
    pub packet_bytes: f64,
    /// Streams opened.
    pub streams: f64,
    /// Bytes written to streams, by either side.
    pub stream_bytes: f64,
    /// The time averaged over: the running times of all nodes together.
    pub node_time: Duration,
}

impl Rates {
    fn add(&mut self, cluster: &Cluster) {
        let more = Duration::from_nanos(u64::try_from(cluster.node_nanos).unwrap_or(u64::MAX));
        let total = self.node_time + more;
        if total.is_zero() {
            return;
        }
        let traffic = cluster.traffic();
        let (before, all) = (self.node_time.as_secs_f64(), total.as_secs_f64());
        // Counts stay below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let averaged = |rate: f64, count: u64| (rate * before + count as f64) / all;
        *self = Rates {
            packets: averaged(self.packets, traffic.packets),
            packet_bytes: averaged(self.packet_bytes, traffic.packet_bytes),
            streams: averaged(self.streams, traffic.streams),
            stream_bytes: averaged(self.stream_bytes, traffic.stream_bytes),
            node_time: total,
        };
    }
}

impl Report {
    /// Adds a run, or the completed part of it.
    pub(super) fn add(&mut self, cluster: &Cluster, whole: bool) {
        self.runs += u32::from(whole);
        self.simulated += cluster.now();
        let tally = &cluster.tally;
        self.crashes += tally.crashes.len();
        for crash in &tally.crashes {
            crash.first.into_iter().for_each(|time| self.first_declared.insert(time));
            if tally.known_everywhere(crash) {
                crash.last.into_iter().for_each(|time| self.known_everywhere.insert(time));
            }
        }
        self.false_failures.add(&tally.failures);
        self.separated_failures.add(&tally.separated);
        self.stalled_failures.add(&tally.stalled);
        self.false_suspicions.add(&tally.suspicions);
        for (agreement, time) in &cluster.agreed {
            match agreement {
                Agreement::Joining => self.formed.insert(*time),
                Agreement::Healing => self.healed.insert(*time),
            }
        }
        self.partitions += cluster.heals;
        self.rates.add(cluster);
        self.push_pulls += cluster.push_pulls();
    }
}
