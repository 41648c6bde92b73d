//! How long things may take, from the configuration of the agents.

use std::time::Duration;

use swim_core::Config;

/// Bounds for clusters of the LAN profile. They are those of `docs/how-to/tune.md` and of the
/// simulator's tests, with [`BUSY`](Bounds::BUSY) on top.
#[derive(Debug)]
pub(crate) struct Bounds {
    config: Config,
    members: usize,
}

impl Bounds {
    /// What a busy machine may add: there each process waits for the others.
    pub(crate) const BUSY: Duration = Duration::from_secs(15);

    /// For that many members.
    pub(crate) fn new(members: usize) -> Self {
        let name = "bounds".parse().expect("it is a name");
        let address = "127.0.0.1:7946".parse().expect("it is an address");
        Bounds { config: Config::lan(name, address), members }
    }

    /// By when members that join through one of them know each other: gossip misses some, who hear
    /// of it by push/pull within two of its intervals.
    pub(crate) fn forming(&self) -> Duration {
        self.config.stream_timeout + self.config.push_pull_interval * 2 + Bounds::BUSY
    }

    /// By when all healthy members know of a failure, if nothing is lost: `(2 n + 2) T + max`.
    pub(crate) fn detection(&self) -> Duration {
        let probes = u32::try_from(2 * self.members + 2).unwrap_or(u32::MAX);
        self.config.probe_interval * probes
            + self.config.suspicion_timeouts(self.members).max
            + self.spread()
            + Bounds::BUSY
    }

    /// The same where much is lost, or many are gone at once: members whose probes fail probe more
    /// slowly, and news is gossiped again by push/pull. Local health up to 1 is allowed for, which
    /// stretches everything to twice the time.
    pub(crate) fn detection_in_trouble(&self) -> Duration {
        self.detection() * 2 + self.config.push_pull_interval
    }

    /// By when the members agree again after a cut: all nodes of a side together look for a lost
    /// member once an interval, at the worst local health, and what gossip misses comes by
    /// push/pull.
    pub(crate) fn healing(&self) -> Duration {
        self.config.probe_interval * u32::from(self.config.awareness_max) * 2
            + self.spread() * 3
            + self.config.push_pull_interval
            + Bounds::BUSY
    }

    /// The longest that a suspicion lasts: what was accused before and not declared failed by then
    /// has refuted.
    pub(crate) fn suspicion(&self) -> Duration {
        self.config.suspicion_timeouts(self.members).max
    }

    /// How long a stream may take to give up.
    pub(crate) fn stream(&self) -> Duration {
        self.config.stream_timeout * 2 + Bounds::BUSY
    }

    fn spread(&self) -> Duration {
        self.config.dissemination_bound(self.members) * 2
    }
}
