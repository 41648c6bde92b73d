//! Warnings before a simulation: settings that cannot work well together.

use core::fmt;
use core::time::Duration;

use rand_core::Rng;

use crate::bounds;
use crate::latency::{Latency, Picker};
use crate::loss::Loss;
use crate::random::{Draws, generator};
use crate::simulation::fault::Fault;
use crate::simulation::plan::Plan;

/// A setting or fault that can be simulated, but hardly as intended.
///
/// ```
/// use swim_core::Config;
/// use swim_sim::simulation::Plan;
/// use swim_sim::{Latency, NetworkOptions, millis};
///
/// let settings = Config::lan("any".parse()?, "10.0.0.1:7946".parse()?);
/// let network = NetworkOptions {
///     latency: Latency::Uniform(millis(200), millis(400)),
///     ..NetworkOptions::default()
/// };
/// let warnings = Plan { network, ..Plan::new(settings) }.warnings();
/// assert_eq!(warnings[0].setting, "probe_timeout");
/// println!("{}", warnings[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The setting or kind of fault, as named in [`Config`](swim_core::Config) or [`Plan`].
    pub setting: &'static str,
    /// The problem, its effect, and the fix.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The round-trip time of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// Half of all round trips are faster.
    pub median: Duration,
    /// One in a hundred is slower.
    pub p99: Duration,
}

impl RoundTrip {
    /// Computes the round trip of a datagram and its answer, both with this latency.
    ///
    /// ```
    /// use swim_sim::{Latency, millis, simulation::RoundTrip};
    ///
    /// let round_trip = RoundTrip::of(Latency::Fixed(millis(20)));
    /// assert_eq!(round_trip.p99, millis(40));
    /// ```
    ///
    /// # Panics
    /// If the latency is invalid: see its variants.
    #[must_use]
    #[track_caller]
    pub fn of(latency: Latency) -> Self {
        const DRAWS: usize = 20_000;
        let picker = Picker::new(latency);
        // A fixed seed: the result depends only on the latency.
        let mut rng = generator(0, Draws::Simulation);
        let mut trips: Vec<u64> = (0..DRAWS)
            .map(|_| picker.pick(rng.next_u32()).saturating_add(picker.pick(rng.next_u32())))
            .collect();
        trips.sort_unstable();
        let at = |percent: usize| Duration::from_nanos(trips[DRAWS * percent / 100]);
        RoundTrip { median: at(50), p99: at(99) }
    }
}

impl Plan {
    /// Lists settings and faults of a valid plan that hardly work as intended, by importance.
    ///
    /// The plan has to pass [`validate`](Plan::validate).
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let round_trip = RoundTrip::of(self.network.latency);
        let mut warnings = Vec::new();
        let mut warn = |setting, text| warnings.push(Warning { setting, text });
        self.warn_of_probes(round_trip, &mut warn);
        self.warn_of_suspicion(round_trip, &mut warn);
        self.warn_of_streams(round_trip, &mut warn);
        self.warn_of_datagrams(&mut warn);
        for fault in &self.faults {
            self.warn_of_fault(fault, &mut warn);
        }
        warnings
    }

    /// Returns the shortest suspicion (with enough confirmations) and the longest.
    #[must_use]
    pub fn suspicion(&self) -> (Duration, Duration) {
        let timeouts = self.config.suspicion_timeouts(self.nodes);
        (timeouts.min, timeouts.max)
    }

    /// Estimates the longest time until a crash is usually known everywhere.
    #[must_use]
    pub fn detection_estimate(&self) -> Duration {
        let config = &self.config;
        // Usually it is probed within a few intervals; the bound is two intervals per member.
        let probed = config.probe_interval * 10;
        probed + self.suspicion().1 + bounds::spread(config, self.nodes)
    }

    /// Estimates a duration that shows the effects of every fault, with a push/pull by every node.
    #[must_use]
    pub fn duration_estimate(&self) -> Duration {
        let ends = self.faults.iter().map(Fault::end);
        let seen = ends.max().unwrap_or_default().saturating_add(self.detection_estimate());
        let seconds = seen.max(self.push_pull_every()).as_secs().max(50);
        Duration::from_secs((seconds / 10 + 1).saturating_mul(10))
    }

    /// The interval between two push/pulls that a node starts.
    fn push_pull_every(&self) -> Duration {
        self.config.push_pull_interval_at(self.nodes)
    }

    fn warn_of_probes(&self, trip: RoundTrip, warn: &mut impl FnMut(&'static str, String)) {
        let config = &self.config;
        let (timeout, interval) = (config.probe_timeout, config.probe_interval);
        let p99 = shown(trip.p99);
        if timeout < trip.p99 {
            let often = if timeout < trip.median { "most of the time" } else { "repeatedly" };
            warn(
                "probe_timeout",
                format!(
                    "probe_timeout is {}, below the 99th percentile of the round trip, {p99}: \
                     healthy members will miss it {often}; set probe_timeout above {p99}, and \
                     probe_interval to at least three times that",
                    shown(timeout)
                ),
            );
        } else if interval - timeout < trip.p99 * 2 {
            warn(
                "probe_interval",
                format!(
                    "probe_interval leaves {} after probe_timeout, but an indirect probe takes two \
                     round trips, {} at the 99th percentile: members whose ping is lost will be \
                     suspected; set probe_interval to at least {}",
                    shown(interval - timeout),
                    shown(trip.p99 * 2),
                    shown(timeout + trip.p99 * 2)
                ),
            );
        }
    }

    fn warn_of_suspicion(&self, trip: RoundTrip, warn: &mut impl FnMut(&'static str, String)) {
        let (suspicion, _) = self.suspicion();
        // The accusation has to get there, and the refutation back.
        let needed = self.gossip_estimate(trip) * 2;
        if suspicion < needed {
            warn(
                "suspicion_mult",
                format!(
                    "the shortest suspicion lasts {}, but gossip takes about {} to deliver an \
                     accusation and the refutation: healthy members will be declared failed; raise \
                     suspicion_mult, or lower gossip_interval",
                    shown(suspicion),
                    shown(needed)
                ),
            );
        }
    }

    fn warn_of_streams(&self, trip: RoundTrip, warn: &mut impl FnMut(&'static str, String)) {
        let config = &self.config;
        // One to connect, one for the exchange.
        let needed = trip.p99 * 2;
        if config.stream_timeout < needed {
            warn(
                "stream_timeout",
                format!(
                    "stream_timeout is {}, but an exchange over a stream takes two round trips, {} \
                     at the 99th percentile: joins and push/pulls will fail; set stream_timeout \
                     above that",
                    shown(config.stream_timeout),
                    shown(needed)
                ),
            );
        }
        let interval = self.push_pull_every();
        if interval.is_zero() {
            warn(
                "push_pull_interval",
                "push_pull_interval is 0: without push/pull, members that gossip missed may stay \
                 unknown; set it to about 30s"
                    .to_owned(),
            );
        } else if interval > self.duration {
            warn(
                "push_pull_interval",
                format!(
                    "a node starts a push/pull every {}, but only {} are simulated: some nodes \
                     will start none; lower push_pull_interval, or make the duration longer",
                    shown(interval),
                    shown(self.duration)
                ),
            );
        }
    }

    fn warn_of_datagrams(&self, warn: &mut impl FnMut(&'static str, String)) {
        /// The payload of an Ethernet frame after the headers of IPv6 and UDP.
        const UNFRAGMENTED: usize = 1452;
        let size = self.config.packet_size_max;
        if size > UNFRAGMENTED {
            warn(
                "packet_size_max",
                format!(
                    "packet_size_max is {size}: on Ethernet with an MTU of 1,500 bytes, datagrams \
                     above {UNFRAGMENTED} bytes travel in fragments, and one lost fragment loses \
                     the datagram (which is not simulated); set packet_size_max to 1400"
                ),
            );
        }
        let loss = share_lost(self.network.loss);
        if loss > 0.5 {
            warn(
                "loss",
                format!(
                    "{:.0}% of the datagrams are lost, too many for any cluster: expect members to \
                     be suspected all the time",
                    loss * 100.0
                ),
            );
        }
    }

    fn warn_of_fault(&self, fault: &Fault, warn: &mut impl FnMut(&'static str, String)) {
        let (what, plural) = match fault {
            Fault::Crash { .. } => ("crash", "crashes"),
            Fault::Partition { .. } => ("partition", "partitions"),
            Fault::Loss { .. } => ("loss", "losses"),
            Fault::Stall { .. } => ("stall", "stalls"),
        };
        let (at, end, duration) = (shown(fault.at()), shown(fault.end()), shown(self.duration));
        if fault.at() >= self.duration {
            let text = format!(
                "a {what} starts at {at}, but only {duration} are simulated, so it never happens; \
                 make the duration longer"
            );
            return warn(what, text);
        }
        let left = self.duration.saturating_sub(fault.end());
        match fault {
            Fault::Crash { .. } if left < self.detection_estimate() => warn(
                what,
                format!(
                    "after the crash at {at} only {} are simulated, but it may take {} until every \
                     node knows: some {plural} may go undetected; make the duration longer",
                    shown(left),
                    shown(self.detection_estimate())
                ),
            ),
            Fault::Crash { .. } => {}
            _ if left.is_zero() => warn(
                what,
                format!(
                    "the {what} from {at} to {end} lasts until the end of the simulated \
                     {duration}, so its aftermath is not seen; make the duration longer"
                ),
            ),
            Fault::Partition { length, .. } => {
                let keep = self.config.lost_members_keep + self.config.gossip_to_the_dead;
                if *length > keep {
                    let text = format!(
                        "the partition at {at} lasts {}, but nodes look for failed members for \
                         only {}: the two sides will not merge again; raise lost_members_keep",
                        shown(*length),
                        shown(keep)
                    );
                    warn("lost_members_keep", text);
                }
            }
            Fault::Loss { .. } | Fault::Stall { .. } => {}
        }
    }

    /// Estimates how long gossip takes to reach every node, latency included: each round multiplies
    /// the nodes that know it. [`dissemination_bound`](swim_core::Config::dissemination_bound) is a
    /// bound instead.
    fn gossip_estimate(&self, trip: RoundTrip) -> Duration {
        // A few million nodes.
        #[allow(clippy::cast_precision_loss)]
        let (nodes, reach) = (self.nodes as f64, 1.0 + self.config.gossip_nodes as f64);
        // A few dozen at most.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rounds = libm::ceil(libm::log(nodes) / libm::log(reach)) as u32;
        (self.config.gossip_interval + trip.p99 / 2) * (rounds + 1)
    }
}

/// The share of datagrams lost in the long run.
fn share_lost(loss: Loss) -> f64 {
    match loss {
        Loss::Independent(share) => share,
        Loss::Bursty { loss_good, loss_bad, mean_good, mean_bad } => {
            let (good, bad) = (mean_good.as_secs_f64(), mean_bad.as_secs_f64());
            (loss_good * good + loss_bad * bad) / (good + bad)
        }
    }
}

/// Formats a time as in settings, to about three digits.
fn shown(time: Duration) -> String {
    let unit = match time {
        _ if time < Duration::from_millis(1) => 1_000,
        _ if time < Duration::from_millis(10) => 10_000,
        _ if time < Duration::from_secs(1) => 1_000_000,
        _ if time < Duration::from_secs(10) => 10_000_000,
        _ => 100_000_000,
    };
    let rounded = (time.as_nanos() + unit / 2) / unit * unit;
    format!("{:?}", Duration::from_nanos(u64::try_from(rounded).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NetworkOptions;
    use crate::time::{millis, secs};
    use swim_core::Config;

    fn plan() -> Plan {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        Plan { nodes: 20, ..Plan::new(config) }
    }

    fn only_warning(plan: &Plan) -> Warning {
        plan.validate().unwrap();
        let mut warnings = plan.warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        warnings.remove(0)
    }

    #[test]
    fn the_presets_are_fine_on_the_networks_that_they_are_for() {
        for nodes in [3, 100, 5000] {
            let duration = secs(1200);
            assert_eq!(Plan { nodes, duration, ..plan() }.warnings(), []);
            let wan = Config::wan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
            let latency = Latency::LogNormal { median: millis(60), p99: millis(400) };
            let network = NetworkOptions { latency, ..NetworkOptions::default() };
            let plan = Plan { nodes, duration, network, ..Plan::new(wan) };
            assert_eq!(plan.warnings(), []);
        }
    }

    #[test]
    fn timeouts_below_the_round_trip_are_told() {
        let mut plan = plan();
        plan.network.latency = Latency::Fixed(millis(200));
        plan.config.probe_timeout = millis(50);
        let warning = only_warning(&plan);
        assert_eq!(warning.setting, "probe_timeout");
        assert!(warning.text.contains("50ms") && warning.text.contains("400ms"), "{warning}");
        plan.config.probe_timeout = millis(500);
        assert_eq!(only_warning(&plan).setting, "probe_interval");
        plan.config.probe_interval = secs(2);
        assert_eq!(plan.warnings(), []);
        plan.config.stream_timeout = millis(700);
        assert_eq!(only_warning(&plan).setting, "stream_timeout");
    }

    #[test]
    fn suspicions_shorter_than_gossip_are_told() {
        let mut plan = plan();
        plan.config.gossip_interval = secs(2);
        assert_eq!(only_warning(&plan).setting, "suspicion_mult");
    }

    #[test]
    fn push_pulls_that_never_happen_are_told() {
        let mut plan = plan();
        plan.duration = secs(20);
        assert!(only_warning(&plan).text.contains("every 30s"));
        plan.config.push_pull_interval = Duration::ZERO;
        assert!(only_warning(&plan).text.contains("is 0"));
    }

    #[test]
    fn faults_that_the_duration_cuts_short_are_told() {
        let with = |fault| Plan { faults: vec![fault], ..plan() };
        let crash = |at| with(Fault::Crash { nodes: 1, at: secs(at) });
        assert_eq!(crash(10).warnings(), []);
        assert!(only_warning(&crash(115)).text.contains("only 5s are simulated"));
        assert!(only_warning(&crash(130)).text.contains("it never happens"));
        let cut =
            |at, length| with(Fault::Partition { share: 0.5, at: secs(at), length: secs(length) });
        assert_eq!(cut(10, 20).warnings(), []);
        assert!(only_warning(&cut(60, 60)).text.contains("until the end"));
        let mut long = cut(10, 80);
        long.config.lost_members_keep = secs(1);
        assert_eq!(only_warning(&long).setting, "lost_members_keep");
    }

    #[test]
    fn suspicions_last_as_long_as_the_nodes_say() {
        let lan = plan();
        assert_eq!(lan.suspicion(), (millis(5204), millis(6 * 5204)));
        assert_eq!(Plan { nodes: 3, ..plan() }.suspicion(), (secs(4), secs(4)));
        let mut without = plan();
        without.config.lifeguard_suspicion = false;
        assert_eq!(without.suspicion(), (millis(5204), millis(5204)));
    }

    #[test]
    fn networks_without_hope_and_fragments_are_told() {
        let mut plan = plan();
        plan.network.loss = Loss::bursts(0.6, secs(1));
        plan.config.packet_size_max = 9000;
        let settings: Vec<_> = plan.warnings().iter().map(|warning| warning.setting).collect();
        assert_eq!(settings, ["packet_size_max", "loss"]);
    }

    #[test]
    fn the_estimated_duration_needs_no_warning() {
        for nodes in [3, 100, 5000] {
            let faults = vec![
                Fault::Crash { nodes: 1, at: secs(10) },
                Fault::Partition { share: 0.4, at: secs(30), length: secs(300) },
            ];
            let plan = Plan { nodes, faults, ..plan() };
            assert_eq!(Plan { duration: plan.duration_estimate(), ..plan }.warnings(), []);
        }
    }

    #[test]
    fn times_are_shown_as_settings_have_them() {
        let micros = Duration::from_micros;
        for (time, expected) in [
            (Duration::ZERO, "0ns"),
            (micros(1_234), "1.23ms"),
            (micros(399_900), "400ms"),
            (micros(6_804_119), "6.8s"),
            (micros(123_456_789), "123.5s"),
        ] {
            assert_eq!(shown(time), expected);
        }
    }
}
