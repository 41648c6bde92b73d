//! Time limits from the configuration of the agents.

use std::time::Duration;

use swim_core::Config;

/// Limits for clusters with the LAN profile.
///
/// They are those of `docs/how-to/tune.md` and of the simulator's tests, plus
/// [`BUSY`](Bounds::BUSY).
#[derive(Debug)]
pub(crate) struct Bounds {
    config: Config,
    members: usize,
}

impl Bounds {
    /// An allowance for a busy machine, on which processes wait for each other.
    pub(crate) const BUSY: Duration = Duration::from_secs(15);

    /// Computes the limits for this number of members.
    pub(crate) fn new(members: usize) -> Self {
        let name = "bounds".parse().expect("it is a name");
        let address = "127.0.0.1:7946".parse().expect("it is an address");
        Bounds { config: Config::lan(name, address), members }
    }

    /// The time for members that join through one of them to know each other.
    ///
    /// A member that gossip misses learns of the rest by push/pull, within two intervals.
    pub(crate) fn forming(&self) -> Duration {
        self.config.stream_timeout + self.config.push_pull_interval * 2 + Bounds::BUSY
    }

    /// The time for all healthy members to learn of a failure without loss: `(2 n + 2) T + max`.
    pub(crate) fn detection(&self) -> Duration {
        let probes = u32::try_from(2 * self.members + 2).unwrap_or(u32::MAX);
        self.config.probe_interval * probes
            + self.config.suspicion_timeouts(self.members).max
            + self.spread()
            + Bounds::BUSY
    }

    /// Like [`detection`](Bounds::detection), under loss or with many members gone.
    ///
    /// Members whose probes fail probe more slowly, and push/pull repeats lost gossip. This allows
    /// for local health up to 1, which doubles all times.
    pub(crate) fn detection_in_trouble(&self) -> Duration {
        self.detection() * 2 + self.config.push_pull_interval
    }

    /// The time for members to agree again after a cut.
    ///
    /// All nodes of a side together try a lost member once an interval, at the worst local health.
    /// Push/pull delivers updates that gossip misses.
    pub(crate) fn healing(&self) -> Duration {
        self.config.probe_interval * u32::from(self.config.awareness_max) * 2
            + self.spread() * 3
            + self.config.push_pull_interval
            + Bounds::BUSY
    }

    /// The longest suspicion. A suspect that was not declared failed by then has refuted.
    pub(crate) fn suspicion(&self) -> Duration {
        self.config.suspicion_timeouts(self.members).max
    }

    /// The time for a stream to give up.
    pub(crate) fn stream(&self) -> Duration {
        self.config.stream_timeout * 2 + Bounds::BUSY
    }

    fn spread(&self) -> Duration {
        self.config.dissemination_bound(self.members) * 2
    }
}
