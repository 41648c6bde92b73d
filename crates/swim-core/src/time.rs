//! Points in time, counted from an origin that the caller chooses.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point in time: nanoseconds since an origin that the caller chooses.
///
/// The core never reads a clock; callers pass the time to every call that needs it. Any monotonic
/// source works (`std::time::Instant::elapsed`, a tick counter, a simulator's clock). 64 bits of
/// nanoseconds last 584 years; arithmetic saturates instead of failing.
///
/// ```
/// use core::time::Duration;
/// use swim_core::Instant;
///
/// let start = Instant::ORIGIN;
/// let later = start + Duration::from_millis(1500);
/// assert_eq!(later - start, Duration::from_millis(1500));
/// assert_eq!(start - later, Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The caller's origin of time.
    pub const ORIGIN: Instant = Instant(0);

    /// Later than any real time: 584 years after the origin.
    pub(crate) const NEVER: Instant = Instant(u64::MAX);

    /// The point `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from the origin to this point.
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl Instant {
    /// The time from `earlier` to this point, or zero if `earlier` is later.
    ///
    /// Named as in the standard library, for loops that work with both types.
    ///
    /// ```
    /// use core::time::Duration;
    /// use swim_core::Instant;
    ///
    /// let (early, late) = (Instant::from_nanos(5), Instant::from_nanos(12));
    /// assert_eq!(late.saturating_duration_since(early), Duration::from_nanos(7));
    /// assert_eq!(early.saturating_duration_since(late), Duration::ZERO);
    /// ```
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time from `earlier` to `self`, or zero if `earlier` is later.
    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let end = Instant::from_nanos(u64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Instant::ORIGIN + Duration::MAX, end);
        assert_eq!(Instant::ORIGIN - end, Duration::ZERO);
        assert_eq!(end - Instant::ORIGIN, Duration::from_nanos(u64::MAX));
    }
}
