//! Bounds for how long things may take, from the configuration.
//!
//! These are bounds for tests, not estimates: usually everything is several times faster.
//!
//! They deliberately do not use the formulas of [`Config`] that nodes use
//! ([`Config::suspicion_timeouts`] and others): a bound from the formula under test would repeat
//! its mistakes. They round up where the nodes round down.

use core::time::Duration;

use swim_core::{Config, Wire};

/// Returns the shortest suspicion in a cluster of this many nodes.
///
/// It is `suspicion_mult` probe intervals, times the decimal logarithm of the size if that is above
/// 1.
#[must_use]
pub fn suspicion_min(config: &Config, nodes: usize) -> Duration {
    config.probe_interval * config.suspicion_mult * log10_ceil_milli(nodes).max(1000) / 1000
}

/// Returns the longest suspicion, which is that without any confirmation.
#[must_use]
pub fn suspicion_max(config: &Config, nodes: usize) -> Duration {
    suspicion_min(config, nodes) * config.suspicion_max_mult.max(1)
}

/// Bounds the time until every node of a calm cluster knows of a crash.
///
/// The next probe of a member comes after at most two rounds of the probe ring. Then follow one
/// interval for the probe, the suspicion, and a few gossip ticks to reach all nodes. In a cluster
/// of two the observer also doubts itself, and probes more slowly.
#[must_use]
pub fn detection(config: &Config, nodes: usize) -> Duration {
    let probes = u32::try_from(2 * nodes).unwrap_or(u32::MAX);
    config.probe_interval * (probes + 2) + suspicion_max(config, nodes) + spread(config, nodes)
}

/// Bounds the time until an update has reached all nodes, without loss.
#[must_use]
pub fn spread(config: &Config, nodes: usize) -> Duration {
    config.gossip_interval * (4 * log10_ceil_milli(nodes.max(10)) / 1000 + 4) * 2
}

/// Bounds the time until the nodes agree after all faults have ended.
///
/// Nodes that lost each other have to have joined again. The bound covers the detection of failed
/// members by a node with its worst local health, and every refutation.
#[must_use]
pub fn settling(config: &Config, nodes: usize) -> Duration {
    detection(config, nodes) * 2
        + config.probe_interval * config.awareness_max.into() * 2
        + config.stream_timeout * 2
        + catching_up(config, nodes)
}

/// Bounds the time until push/pull brings a node the news that gossip did not. On the native wire
/// acks show that views differ. On memberlist's wire only an exchange does, with a random member
/// that may have missed the same: of three at most, one knows it.
fn catching_up(config: &Config, nodes: usize) -> Duration {
    if config.wire == Wire::Swim {
        return config.push_pull_interval;
    }
    // The interval doubles, triples, ... with each doubling of the cluster above 32.
    let doublings = nodes.div_ceil(32).next_power_of_two().trailing_zeros();
    config.push_pull_interval * (1 + doublings) * 3
}

/// The decimal logarithm in thousandths, rounded up to the next hundred. Integers only, so that
/// bounds are the same everywhere.
fn log10_ceil_milli(nodes: usize) -> u32 {
    // 10^(1/10) is 1.2589; each step is a tenth of a decade.
    let (mut tenths, mut reach) = (0, 1_000_000_u64);
    while reach < nodes as u64 * 1_000_000 {
        reach = reach * 12_590 / 10_000;
        tenths += 1;
    }
    tenths * 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_rounded_up() {
        for (nodes, expected) in [(1, 0), (10, 1000), (100, 2000), (1000, 3000), (10_000, 4000)] {
            let found = log10_ceil_milli(nodes);
            assert!((expected..=expected + 100).contains(&found), "{nodes}: {found}");
        }
    }

    #[test]
    fn the_lan_profile_suspects_for_4_to_24_seconds_in_a_small_cluster() {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        assert_eq!(suspicion_min(&config, 5), Duration::from_secs(4));
        assert_eq!(suspicion_max(&config, 5), Duration::from_secs(24));
    }
}
