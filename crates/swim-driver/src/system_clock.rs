//! The driver's time: the system's clock, but never back.

use std::time::Instant;

use swim_core::Instant as CoreInstant;

/// Converts the system's time into the core's, which begins with the driver.
///
/// A clock that goes back counts as no time, like in the core. So the driver's own deadlines stay
/// as far away as before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock {
    /// The system's time at the last reading, ...
    read: Instant,
    /// ... and the core's.
    core: CoreInstant,
}

impl SystemClock {
    pub(crate) fn new(now: Instant) -> Self {
        SystemClock { read: now, core: CoreInstant::ORIGIN }
    }

    /// The core's time now.
    pub(crate) fn read(&mut self, now: Instant) -> CoreInstant {
        self.core += now.saturating_duration_since(self.read);
        self.read = now;
        self.core
    }

    /// When the system's clock will show this time of the core. `None` beyond the clock's range.
    pub(crate) fn system(&self, at: CoreInstant) -> Option<Instant> {
        if at >= self.core {
            return self.read.checked_add(at - self.core);
        }
        // Overdue. The core calls the difference lateness.
        Some(self.read.checked_sub(self.core - at).unwrap_or(self.read))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn time_passes_as_on_the_systems_clock() {
        let start = Instant::now();
        let mut clock = SystemClock::new(start);
        assert_eq!(clock.read(start + SECOND), CoreInstant::ORIGIN + SECOND);
        assert_eq!(clock.read(start + 3 * SECOND), CoreInstant::ORIGIN + 3 * SECOND);
        for seconds in [1, 3, 9] {
            let at = CoreInstant::ORIGIN + seconds * SECOND;
            assert_eq!(clock.system(at), Some(start + seconds * SECOND));
        }
    }

    #[test]
    fn a_clock_that_goes_back_counts_as_no_time() {
        let start = Instant::now() + 3600 * SECOND;
        let mut clock = SystemClock::new(start);
        let before = clock.read(start + SECOND);
        assert_eq!(clock.read(start - 1800 * SECOND), before);
        assert_eq!(clock.system(before + SECOND), Some(start - 1799 * SECOND));
        assert_eq!(clock.read(start - 1799 * SECOND), before + SECOND);
    }
}
