//! The clock of a host, which can be set forward and back, and run fast or slow.

use core::time::Duration;

use swim_core::Instant;

use crate::time::nanos;

/// A clock that shows another time than the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostClock {
    /// The difference to the world's time, in nanoseconds, at `since`. Signed, because clocks also
    /// jump back.
    offset: i128,
    /// How much faster than the world's time it runs, in parts per million; negative if slower.
    drift: i32,
    /// The world's time, in nanoseconds, when the drift began.
    since: i128,
}

/// The unit of the drift.
const MILLION: i128 = 1_000_000;

impl HostClock {
    /// Each host starts at another reading, so that a node's times mean nothing to other nodes. All
    /// readings are far enough from zero to be set back by a day.
    pub(crate) fn of_host(number: u32) -> Self {
        let offset = i128::from(100_000 + u64::from(number) % 1000) * 1_000_000_000;
        HostClock { offset, drift: 0, since: 0 }
    }

    pub(crate) fn forward(&mut self, by: Duration) {
        self.offset += i128::from(nanos(by));
    }

    pub(crate) fn back(&mut self, by: Duration) {
        self.offset -= i128::from(nanos(by));
    }

    /// Sets how much faster than the world's time it runs, from now on. The reading does not jump.
    pub(crate) fn set_drift(&mut self, world: Instant, parts_per_million: i32) {
        self.offset += self.gain(world);
        self.since = i128::from(world.as_nanos());
        self.drift = parts_per_million;
    }

    /// The reading of the clock.
    pub(crate) fn reading(&self, world: Instant) -> Instant {
        if self.drift == 0 {
            return shifted(world, self.offset);
        }
        shifted(world, self.offset + self.gain(world))
    }

    /// The first time of the world at which the clock shows at least this reading.
    pub(crate) fn world(&self, reading: Instant) -> Instant {
        if self.drift == 0 {
            return shifted(reading, -self.offset);
        }
        // reading = world + offset + gain, where a gain is rounded down: the first such world.
        let passed = i128::from(reading.as_nanos()) - self.offset - self.since;
        let world = self.since + ceil_div(passed * MILLION, MILLION + i128::from(self.drift));
        shifted(Instant::ORIGIN, world)
    }

    /// How far it has run ahead since the drift began, in nanoseconds.
    fn gain(&self, world: Instant) -> i128 {
        let since = i128::from(world.as_nanos()) - self.since;
        (since * i128::from(self.drift)).div_euclid(MILLION)
    }
}

fn ceil_div(dividend: i128, positive: i128) -> i128 {
    -(-dividend).div_euclid(positive)
}

fn shifted(instant: Instant, by: i128) -> Instant {
    let nanos = (i128::from(instant.as_nanos()) + by).clamp(0, i128::from(u64::MAX));
    Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{millis, secs};

    #[test]
    fn a_clock_reads_the_same_both_ways() {
        let mut clock = HostClock::of_host(3);
        clock.forward(secs(9));
        clock.back(secs(3600));
        let world = Instant::from_nanos(5_000_000_000);
        assert_eq!(clock.world(clock.reading(world)), world);
    }

    #[test]
    fn a_fast_clock_gains_and_a_slow_one_loses() {
        for (drift, expected) in [(10_000, millis(101_000)), (-10_000, millis(99_000))] {
            let mut clock = HostClock::of_host(0);
            let start = Instant::ORIGIN + secs(50);
            let before = clock.reading(start);
            clock.set_drift(start, drift);
            assert_eq!(clock.reading(start), before, "it does not jump");
            assert_eq!(clock.reading(start + secs(100)) - before, expected);
            // Back to the usual: it keeps what it has.
            clock.set_drift(start + secs(100), 0);
            assert_eq!(clock.reading(start + secs(200)) - before, expected + secs(100));
        }
    }

    #[test]
    fn an_alarm_goes_off_at_the_first_instant_that_shows_its_time() {
        for drift in [-500_000, -999, -1, 1, 7, 999, 10_000, 333_333, 1_000_000] {
            let mut clock = HostClock::of_host(1);
            clock.set_drift(Instant::from_nanos(12_345), drift);
            for nanos in (12_345..13_500).chain(5_000_000_000..5_000_001_000) {
                let reading = clock.reading(Instant::from_nanos(nanos));
                for wanted in [reading, reading + Duration::from_nanos(1)] {
                    let due = clock.world(wanted);
                    assert!(clock.reading(due) >= wanted);
                    let before = Instant::from_nanos(due.as_nanos() - 1);
                    assert!(clock.reading(before) < wanted, "drift {drift} at {nanos}");
                }
            }
        }
    }
}
