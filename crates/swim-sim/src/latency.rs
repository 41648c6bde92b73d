//! The latency of the network.

use core::time::Duration;
use std::sync::OnceLock;

use crate::time::nanos;

/// The one-way latency of a datagram or of a piece of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// From the first to the second, all equally likely. Datagrams overtake each other.
    Uniform(Duration, Duration),
    /// Log-normal: mostly near the median, with the long tail of real networks. No latency exceeds
    /// the slowest of two million.
    ///
    /// ```
    /// use swim_sim::{Latency, WorldOptions, millis};
    ///
    /// // Half of the datagrams take up to 1 ms, and one of a hundred takes 20 ms or more.
    /// let world = WorldOptions::new(1)
    ///     .latency(Latency::LogNormal { median: millis(1), p99: millis(20) })
    ///     .build();
    /// ```
    LogNormal {
        /// Half of all latencies are below it. More than zero.
        median: Duration,
        /// 99% of all latencies are below it. Not below the median.
        p99: Duration,
    },
    /// Measured: quantiles at equal distances, from the fastest to the slowest, with linear
    /// interpolation. 101 of them are percentiles. For data read at run time, use `Vec::leak`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use swim_sim::{Latency, millis};
    ///
    /// // The fastest, the quartiles, the slowest.
    /// const MEASURED: [Duration; 5] = [millis(1), millis(2), millis(3), millis(5), millis(90)];
    /// let latency = Latency::Empirical(&MEASURED);
    /// ```
    Empirical(&'static [Duration]),
}

/// A latency ready to draw from, in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) enum Picker {
    Fixed(u64),
    Uniform {
        from: u64,
        /// The number of values.
        span: u128,
    },
    Quantiles(Box<[u64]>),
    /// The quantiles of all, and those of the slowest 1 in 1024.
    Tailed(Box<[u64]>, Box<[u64]>),
}

impl Picker {
    /// # Panics
    /// If the latency is invalid: see its variants.
    #[track_caller]
    pub(crate) fn new(latency: Latency) -> Self {
        match latency {
            Latency::Fixed(always) => Picker::Fixed(nanos(always)),
            Latency::Uniform(from, to) => {
                let (from, to) = (nanos(from), nanos(to));
                Picker::Uniform { from, span: u128::from(to.saturating_sub(from)) + 1 }
            }
            Latency::LogNormal { median, p99 } => {
                assert!(
                    !median.is_zero() && p99 >= median,
                    "0 < median <= p99, not {median:?} and {p99:?}"
                );
                let sigma = libm::log(p99.as_secs_f64() / median.as_secs_f64()) / NORMAL_P99;
                let quantile = |z: &f64| to_nanos(median.as_secs_f64() * libm::exp(sigma * z));
                let normal = Normal::get();
                Picker::Tailed(
                    normal.body.iter().map(quantile).collect(),
                    normal.tail.iter().map(quantile).collect(),
                )
            }
            Latency::Empirical(quantiles) => {
                assert!(
                    !quantiles.is_empty() && quantiles.is_sorted(),
                    "quantiles are one or more, in ascending order"
                );
                Picker::Quantiles(quantiles.iter().copied().map(nanos).collect())
            }
        }
    }

    /// Picks a latency, in nanoseconds, with 32 random bits.
    pub(crate) fn pick(&self, draw: u32) -> u64 {
        match self {
            Picker::Fixed(always) => *always,
            // Below `span`, so it fits.
            Picker::Uniform { from, span } => {
                from + u64::try_from((span * u128::from(draw)) >> 32).unwrap_or(0)
            }
            Picker::Quantiles(quantiles) => between(quantiles, draw),
            // The last part, and the place in it.
            Picker::Tailed(_, tail) if draw >> 22 == PARTS - 1 => between(tail, draw << 10),
            Picker::Tailed(body, _) => between(body, draw),
        }
    }
}

/// The value at a share of all values, in units of 2^-32.
fn between(quantiles: &[u64], share: u32) -> u64 {
    let place = (quantiles.len() as u64 - 1) * u64::from(share);
    let index = usize::try_from(place >> 32).expect("below the number of quantiles");
    let from = quantiles[index];
    let to = quantiles.get(index + 1).copied().unwrap_or(from);
    let part = (u128::from(to - from) * u128::from(place & 0xffff_ffff)) >> 32;
    // Not above `to`, so it fits.
    from + u64::try_from(part).unwrap_or(0)
}

// Saturates after 584 years.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn to_nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// 99% of a standard normal distribution lie below it.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// The number of parts of a table of quantiles: 10 bits of a draw.
const PARTS: u32 = 1024;

/// Quantiles of the standard normal distribution: of all of it, and of the upper 1 in 1024. Made
/// with `libm` alone, whose results are the same on every machine.
#[derive(Debug)]
struct Normal {
    body: Vec<f64>,
    tail: Vec<f64>,
}

impl Normal {
    fn get() -> &'static Self {
        static NORMAL: OnceLock<Normal> = OnceLock::new();
        NORMAL.get_or_init(|| {
            let parts = f64::from(PARTS);
            // The outermost quantiles are infinite: replaced by half a part of the tail.
            let edge = 0.5 / (parts * parts);
            let at = |share: f64| normal_quantile(share.clamp(edge, 1.0 - edge));
            Normal {
                body: (0..=PARTS).map(|part| at(f64::from(part) / parts)).collect(),
                tail: (0..=PARTS)
                    .map(|part| at(1.0 - f64::from(PARTS - part) / (parts * parts)))
                    .collect(),
            }
        })
    }
}

/// The value below which this share of a standard normal distribution lies, by bisection.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        let below = 0.5 * libm::erfc(-middle * core::f64::consts::FRAC_1_SQRT_2);
        if below < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::millis;

    /// 100,001 latencies at equal distances, from the fastest to the slowest.
    fn sorted(latency: Latency) -> Vec<u64> {
        let picker = Picker::new(latency);
        let draws = (0..=100_000_u64).map(|part| part * u64::from(u32::MAX) / 100_000);
        let picks: Vec<u64> = draws.map(|draw| picker.pick(u32::try_from(draw).unwrap())).collect();
        assert!(picks.is_sorted(), "a higher draw is a slower datagram");
        picks
    }

    /// Whether the relative difference is at most `1 / one_in`.
    fn close(nanos: u64, expected: Duration, one_in: u64) -> bool {
        let expected = super::nanos(expected);
        nanos.abs_diff(expected) <= expected / one_in
    }

    #[test]
    fn a_fixed_latency_is_always_the_same() {
        assert_eq!(Picker::new(Latency::Fixed(millis(2))).pick(u32::MAX), 2_000_000);
    }

    #[test]
    fn a_uniform_latency_reaches_from_bound_to_bound() {
        let picks = sorted(Latency::Uniform(millis(1), millis(3)));
        assert_eq!(picks[0], 1_000_000);
        assert!(close(picks[50_000], millis(2), 1000));
        assert!(picks[100_000] <= 3_000_000 && close(picks[100_000], millis(3), 1000));
    }

    #[test]
    fn a_log_normal_latency_has_the_median_and_the_tail_it_was_asked_for() {
        let picks = sorted(Latency::LogNormal { median: millis(10), p99: millis(100) });
        assert!(close(picks[50_000], millis(10), 1000), "{}", picks[50_000]);
        assert!(close(picks[99_000], millis(100), 500), "{}", picks[99_000]);
        // As much of a log-normal distribution lies below median / x as above median * x.
        assert!(close(picks[1000], millis(1), 50), "{}", picks[1000]);
        // p99.9: exp(3.0902 / 2.3263 * ln 10) times the median.
        assert!(close(picks[99_900], Duration::from_micros(212_900), 100), "{}", picks[99_900]);
        // The slowest of two million: 4.9 standard deviations.
        assert!(close(picks[100_000], Duration::from_micros(1_277_000), 50), "{}", picks[100_000]);
    }

    #[test]
    fn a_log_normal_latency_without_a_tail_is_its_median() {
        for pick in sorted(Latency::LogNormal { median: millis(5), p99: millis(5) }) {
            assert!(close(pick, millis(5), 1_000_000));
        }
    }

    #[test]
    fn an_empirical_latency_follows_its_quantiles() {
        const QUANTILES: [Duration; 5] = [millis(1), millis(2), millis(3), millis(5), millis(90)];
        let picks = sorted(Latency::Empirical(&QUANTILES));
        assert_eq!(picks[0], 1_000_000);
        for (index, expected) in [(25_000, 2000), (50_000, 3000), (75_000, 5000), (87_500, 47_500)]
        {
            let expected = Duration::from_micros(expected);
            assert!(close(picks[index], expected, 1000), "{}", picks[index]);
        }
        const ALONE: [Duration; 1] = [millis(7)];
        assert_eq!(Picker::new(Latency::Empirical(&ALONE)).pick(u32::MAX), 7_000_000);
    }
}
