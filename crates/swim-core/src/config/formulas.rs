//! The formulas that nodes use to scale settings with the cluster size.

use core::time::Duration;

use super::Config;

/// Up to this many members, push/pull keeps its configured interval (memberlist's threshold).
const UNSCALED_MAX: usize = 32;

/// Half of the rounds reach nearly every member; the other half reach the last ones.
const ROUNDS_PER_DIGIT: u32 = 4;

/// A lost SYN is sent again after 1 s (RFC 6298); the rest is a round trip.
const LAST_CALL_MIN: Duration = Duration::from_millis(1500);

impl Config {
    /// How often an update is sent in a cluster of `members` live members, including this node.
    ///
    /// It is `retransmit_mult * ceil(log10(members + 1))`, as in memberlist.
    ///
    /// ```
    /// # use swim_core::Config;
    /// let config = Config::lan("a".parse()?, "10.0.0.1:7946".parse()?);
    /// assert_eq!(config.transmissions(1000), 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn transmissions(&self, members: usize) -> u32 {
        self.retransmit_mult * digits(members)
    }

    /// The time in which gossip nearly always reaches every one of `members` live members.
    ///
    /// It is `4 * gossip_interval * ceil(log10(members + 1))`, because each round multiplies the
    /// informed members by about `gossip_nodes`. `leave` waits this long for its leave message to
    /// spread.
    #[must_use]
    pub fn dissemination_bound(&self, members: usize) -> Duration {
        self.gossip_interval * digits(members) * ROUNDS_PER_DIGIT
    }

    /// The time between two periodic push/pulls of a node in a cluster of `members` live members.
    ///
    /// It is `push_pull_interval` up to 32 members, and `ceil(log2(members)) - 4` times as long
    /// above, as in memberlist. The longer interval offsets the growing size of each exchange.
    #[must_use]
    pub fn push_pull_interval_at(&self, members: usize) -> Duration {
        self.push_pull_interval * push_pull_scale(members)
    }

    /// How long a node waits for a suspect's answer to the last call, before it declares it failed.
    ///
    /// Neither confirmations nor verdicts of peers shorten this time. It is `3 * probe_timeout`,
    /// for a ping and, if that has no answer after at most a fifth of the time, a stream. It is at
    /// least 1.5 s, enough to repeat a lost SYN, and at most `suspicion_mult * probe_interval`, the
    /// shortest suspicion of a small cluster.
    #[must_use]
    pub fn last_call_time(&self) -> Duration {
        let wanted = (self.probe_timeout * 3).max(LAST_CALL_MIN);
        wanted.min(self.probe_interval * self.suspicion_mult)
    }

    /// The suspicion timeouts in a cluster of `members` live members.
    #[must_use]
    pub fn suspicion_timeouts(&self, members: usize) -> SuspicionTimeouts {
        // In thousandths, rounded down as in memberlist, so that nodes agree to the millisecond.
        let scale = whole(1000.0 * libm::log10(members.max(1) as f64).max(1.0));
        let scale = u32::try_from(scale).expect("the logarithm of a count is small");
        let min = self.probe_interval * self.suspicion_mult * scale / 1000;
        let wanted = self.suspicion_mult.saturating_sub(2);
        // Neither the suspect nor this node can confirm.
        let enough = members.saturating_sub(2) >= wanted as usize;
        if self.lifeguard_suspicion && wanted > 0 && enough {
            let max = min * self.suspicion_max_mult;
            SuspicionTimeouts { min, max, confirmations_max: wanted }
        } else {
            SuspicionTimeouts { min, max: min, confirmations_max: 0 }
        }
    }
}

/// How long a suspect has to refute, by confirmations (Lifeguard, section IV.B).
///
/// The timeout starts at `max` and shrinks to `min` as confirmations arrive: `max - (max - min) *
/// log(c + 1) / log(k + 1)` for `c` of `k` confirmations, rounded down to milliseconds. With too
/// few peers to confirm, it is `min` from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuspicionTimeouts {
    /// The shortest timeout: `suspicion_mult * probe_interval * max(1, log10(members))`.
    pub min: Duration,
    /// The longest timeout: `suspicion_max_mult * min`.
    pub max: Duration,
    /// The number of independent confirmations that shorten the timeout to `min`:
    /// `suspicion_mult - 2`.
    pub confirmations_max: u32,
}

impl SuspicionTimeouts {
    /// The timeout after `confirmations` independent confirmations.
    #[must_use]
    pub fn after(&self, confirmations: u32) -> Duration {
        if self.confirmations_max == 0 || confirmations >= self.confirmations_max {
            return self.min;
        }
        let share = libm::log(f64::from(confirmations) + 1.0)
            / libm::log(f64::from(self.confirmations_max) + 1.0);
        let span = (self.max - self.min).as_secs_f64() * 1000.0;
        let timeout_ms = whole(self.max.as_secs_f64() * 1000.0 - share * span);
        Duration::from_millis(timeout_ms).max(self.min)
    }
}

/// The number of decimal digits of a count: `ceil(log10(members + 1))`.
fn digits(members: usize) -> u32 {
    let mut digits = 0;
    let mut power = 1usize;
    while power < members.saturating_add(1) {
        power = power.saturating_mul(10);
        digits += 1;
    }
    digits
}

fn push_pull_scale(members: usize) -> u32 {
    if members <= UNSCALED_MAX {
        return 1;
    }
    members.next_power_of_two().trailing_zeros() - UNSCALED_MAX.trailing_zeros() + 1
}

/// Rounds down.
#[expect(clippy::cast_possible_truncation, reason = "casts from f64 saturate")]
fn whole(value: f64) -> u64 {
    libm::floor(value) as u64
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn lan() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    fn millis(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_limit_grows_with_the_digits_of_the_cluster() {
        let limits: Vec<u32> =
            [1, 9, 10, 99, 100, 999, 1000].into_iter().map(|n| lan().transmissions(n)).collect();
        assert_eq!(limits, [4, 4, 8, 8, 12, 12, 16]);
        assert_eq!(lan().transmissions(0), 0);
    }

    #[test]
    fn push_pull_gets_rarer_with_each_doubling_above_32() {
        let scales: Vec<u32> =
            [1, 32, 33, 64, 65, 128, 129, 256, 10_000].into_iter().map(push_pull_scale).collect();
        assert_eq!(scales, [1, 1, 2, 2, 3, 3, 4, 4, 10]);
    }

    #[test]
    fn timeouts_are_those_of_memberlist() {
        // hashicorp/memberlist 0.7.0 with its LAN profile, n = 3 and n = 50.
        let three = lan().suspicion_timeouts(3);
        let expected =
            SuspicionTimeouts { min: millis(4000), max: millis(4000), confirmations_max: 0 };
        assert_eq!(three, expected);
        let fifty = lan().suspicion_timeouts(50);
        assert_eq!((fifty.min, fifty.confirmations_max), (millis(6792), 2));
        assert_eq!(fifty.after(0), millis(40_752));
        assert_eq!(fifty.after(1), millis(19_325));
        assert_eq!(fifty.after(2), fifty.min);
    }

    #[test]
    fn the_first_confirmations_shorten_most() {
        let timeouts =
            SuspicionTimeouts { min: millis(1000), max: millis(6000), confirmations_max: 4 };
        let all: Vec<Duration> = (0..=5).map(|c| timeouts.after(c)).collect();
        assert_eq!(all[0], millis(6000));
        assert_eq!(all[4..], [millis(1000), millis(1000)]);
        let steps: Vec<Duration> = all[..5].windows(2).map(|w| w[0] - w[1]).collect();
        assert!(steps.windows(2).all(|w| w[0] > w[1]), "{steps:?}");
    }

    #[test]
    fn without_the_component_the_timeout_is_short_at_once() {
        let config = Config { lifeguard_suspicion: false, ..lan() };
        let timeouts = config.suspicion_timeouts(50);
        assert_eq!(timeouts.max, timeouts.min);
    }
}
