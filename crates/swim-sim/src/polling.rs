//! Drivers that run only part of the time.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use swim_core::Instant;

use crate::random::{Draws, generator};
use crate::time::nanos;
use crate::world::World;

/// When a driver may run: from the beginning of each period, for a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Polling {
    first: Instant,
    period: Duration,
    /// Zero is one instant.
    running: Duration,
}

impl Polling {
    /// When it may run next.
    pub(crate) fn next(&self, now: Instant) -> Instant {
        if now < self.first {
            return self.first;
        }
        let periods = nanos(now - self.first) / nanos(self.period);
        let begun = self.first + Duration::from_nanos(nanos(self.period) * periods);
        if now == begun || now - begun < self.running { now } else { begun + self.period }
    }
}

/// Draws when each driver's first period begins.
pub(crate) fn phases(seed: u64) -> ChaCha8Rng {
    generator(seed, Draws::Polling)
}

impl World {
    /// Runs a driver only once per period, for at most `for_at_most`.
    ///
    /// This models a limited share of the CPU, or a runtime busy with other tasks. The driver's
    /// sockets fill in between. Zero runs all its turns at one instant per period. Later lives of
    /// the process keep the limit.
    ///
    /// The first period begins at random, so that several slow drivers do not run together.
    ///
    /// ```
    /// use swim_sim::{World, millis, secs};
    ///
    /// let mut world = World::new(1);
    /// for name in ["a", "b", "c"] {
    ///     world.start_driver(name, |options| options.seeds = vec!["a:7946".into()]);
    ///     world.poll_driver_every(name, millis(100), millis(40));
    /// }
    /// world.run(secs(60));
    /// world.expect_converged();
    /// world.expect_never_failed("a");
    /// ```
    ///
    /// # Panics
    /// If the period is zero, or the node is not a driver.
    #[track_caller]
    pub fn poll_driver_every(&mut self, name: &str, every: Duration, for_at_most: Duration) {
        assert!(!every.is_zero(), "a period takes some time");
        self.note(format_args!("poll {name} every {every:?} for {for_at_most:?}"));
        let phase = (u128::from(nanos(every)) * u128::from(self.polling_rng.next_u64())) >> 64;
        // Below the period, so it fits.
        let first = self.now + Duration::from_nanos(u64::try_from(phase).unwrap_or(0));
        self.set_polling(name, Some(Polling { first, period: every, running: for_at_most }));
    }

    /// Runs a driver whenever something waits, which is the default.
    #[track_caller]
    pub fn poll_driver_always(&mut self, name: &str) {
        self.note(format_args!("poll {name} always"));
        self.set_polling(name, None);
    }

    #[track_caller]
    fn set_polling(&mut self, name: &str, polling: Option<Polling>) {
        let number = self.driver(name);
        self.hosts[number as usize].polling = polling;
        self.call_driver(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::millis;

    #[test]
    fn a_driver_runs_for_a_part_of_each_period() {
        let at = |ms| Instant::ORIGIN + millis(ms);
        let polling = |running| Polling { first: at(7), period: millis(100), running };
        for (now, next) in [(0, 7), (7, 7), (46, 46), (47, 107), (106, 107), (107, 107)] {
            assert_eq!(polling(millis(40)).next(at(now)), at(next), "at {now} ms");
        }
        for (now, next) in [(7, 7), (8, 107), (107, 107), (108, 207)] {
            assert_eq!(polling(millis(0)).next(at(now)), at(next), "at {now} ms");
        }
    }
}
