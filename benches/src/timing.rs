//! Medians of many short measurements.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The shortest time of a sample, if an operation can be repeated.
///
/// It is long enough to ignore the time of reading the clock.
const SAMPLE: Duration = Duration::from_micros(50);

/// Returns the median time of `work`, in nanoseconds, repeated without preparation.
pub fn repeated(samples: usize, mut work: impl FnMut()) -> f64 {
    let mut repetitions = 1u32;
    while time(|| repeat(repetitions, &mut work)) < SAMPLE {
        repetitions *= 2;
    }
    median((0..samples).map(|_| time(|| repeat(repetitions, &mut work)) / repetitions))
}

/// Returns the median time of `work`, in nanoseconds, with a preparation each time.
///
/// The preparation and the time of reading the clock do not count.
pub fn prepared<S>(
    samples: usize,
    subject: &mut S,
    mut prepare: impl FnMut(&mut S),
    mut work: impl FnMut(&mut S),
) -> f64 {
    let clock = clock_reading();
    let times = (0..samples).map(|_| {
        prepare(subject);
        time(|| work(subject))
    });
    (median(times) - clock).max(0.0)
}

/// Returns the median time that reading the clock adds to a measurement, in nanoseconds.
#[must_use]
pub fn clock_reading() -> f64 {
    median((0..1001).map(|_| time(|| black_box(()))))
}

fn repeat(repetitions: u32, work: &mut impl FnMut()) {
    for _ in 0..repetitions {
        work();
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut nanos: Vec<u128> = times.map(|time| time.as_nanos()).collect();
    nanos.sort_unstable();
    let middle = u32::try_from(nanos[nanos.len() / 2]).unwrap_or(u32::MAX);
    f64::from(middle)
}
