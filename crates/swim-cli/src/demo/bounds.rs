//! Time limits of the stages, from the timing of the nodes.

use std::time::Duration;

use swim_tokio::Config;

/// Extra time for a busy machine.
const SLACK: Duration = Duration::from_secs(3);

/// The time limits for a configuration and a cluster size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The shortest suspicion, with confirmations.
    pub(super) suspicion_min: Duration,
    /// The longest suspicion, without confirmations.
    pub(super) suspicion_max: Duration,
    /// All nodes declare a failed member failed.
    pub(super) failure: Duration,
    /// News that gossip missed has reached all nodes by push/pull.
    pub(super) spread: Duration,
}

impl Bounds {
    /// Computes the limits for `nodes`, by the rules of SWIM and Lifeguard.
    pub(super) fn new(config: &Config, nodes: usize) -> Self {
        let suspicion = config.suspicion_timeouts(nodes);
        // A node probes every peer once per round, and shuffles the order after each round: the
        // first of one round may be the last of the next. One more interval is for the probe.
        let others = u32::try_from(nodes.saturating_sub(1)).unwrap_or(u32::MAX);
        let probed = config.probe_interval * others.saturating_mul(2).saturating_add(1);
        // A push/pull brings a node everything. Larger clusters do it less often.
        let push_pull = config.push_pull_interval_at(nodes);
        Bounds {
            suspicion_min: suspicion.min,
            suspicion_max: suspicion.max,
            failure: probed + suspicion.max + SLACK,
            spread: push_pull * 2 + config.stream_timeout + SLACK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(nodes: usize) -> Bounds {
        let address = "127.0.0.1:1".parse().unwrap();
        Bounds::new(&Config::local("a".parse().unwrap(), address), nodes)
    }

    #[test]
    fn bounds_of_the_local_profile() {
        let five = bounds(5);
        assert_eq!(five.suspicion_min, Duration::from_secs(3));
        assert_eq!(five.suspicion_max, Duration::from_secs(18));
        assert_eq!(five.failure, Duration::from_secs(9 + 18 + 3));
        assert_eq!(five.spread, Duration::from_secs(2 * 15 + 1 + 3));
        let fifty = bounds(50);
        assert_eq!(fifty.suspicion_min.as_millis(), 5094);
        assert_eq!(fifty.spread, Duration::from_secs(2 * 30 + 1 + 3));
    }
}
