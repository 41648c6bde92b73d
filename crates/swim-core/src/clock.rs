//! The node's own time: the caller's time without stalls.

use core::time::Duration;

use crate::time::Instant;

/// Converts the caller's time into the node's time, which never goes back and skips stalls.
///
/// All deadlines of a node are in its own time. One step here therefore extends every running probe
/// and suspicion when the node did not run for a while. If the caller's clock is set back, only the
/// time between two calls is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    caller: Instant,
    own: Instant,
}

impl Clock {
    pub(crate) fn new(now: Instant) -> Self {
        Clock { caller: now, own: now }
    }

    /// The node's time at the latest call.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.own
    }

    /// The time from the latest call to the caller's `now`; zero if that is earlier.
    #[inline]
    pub(crate) fn until(&self, now: Instant) -> Duration {
        now - self.caller
    }

    /// Moves on to the caller's `now`. If the caller missed the deadline `due` by more than
    /// `tolerance`, the node's time stops at `due`. Returns the time that is left out.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        due: Option<Instant>,
        tolerance: Option<Duration>,
    ) -> Option<Duration> {
        let reached = self.own + self.until(now);
        self.caller = now;
        if let (Some(due), Some(tolerance)) = (due, tolerance)
            && reached - due > tolerance
        {
            self.own = self.own.max(due);
            return Some(reached - self.own);
        }
        self.own = reached;
        None
    }

    /// Converts a deadline of the node into the caller's time.
    #[inline]
    pub(crate) fn to_caller(self, deadline: Instant) -> Instant {
        self.caller + (deadline - self.own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Instant {
        Instant::ORIGIN + SECOND * u32::try_from(seconds).unwrap()
    }

    #[test]
    fn a_clock_set_back_counts_as_no_time() {
        let mut clock = Clock::new(at(100));
        clock.advance(at(110), None, None);
        clock.advance(at(50), None, None);
        assert_eq!(clock.now(), at(110));
        clock.advance(at(53), None, None);
        assert_eq!(clock.now(), at(113));
        assert_eq!(clock.to_caller(at(115)), at(55));
    }

    #[test]
    fn time_beyond_a_missed_deadline_is_left_out() {
        let mut clock = Clock::new(at(100));
        let late = clock.advance(at(130), Some(at(101)), Some(SECOND));
        assert_eq!(late, Some(SECOND * 29));
        assert_eq!(clock.now(), at(101));
        assert_eq!(clock.to_caller(at(101)), at(130), "what was due is due now");
    }

    #[test]
    fn a_little_late_is_on_time() {
        let mut clock = Clock::new(at(100));
        assert_eq!(clock.advance(at(102), Some(at(101)), Some(SECOND)), None);
        assert_eq!(clock.advance(at(200), Some(at(103)), None), None, "switched off");
        assert_eq!(clock.now(), at(200));
    }
}
