//! Measured times, and their quantiles.

use core::time::Duration;

/// Measured times in ascending order.
///
/// ```
/// use swim_sim::{secs, simulation::Durations};
///
/// let times: Durations = [secs(3), secs(1), secs(2)].into_iter().collect();
/// assert_eq!(times.quantile(50), Some(secs(2)));
/// assert_eq!(times.max(), Some(secs(3)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    sorted: Vec<Duration>,
}

impl Durations {
    /// Returns the time that `percent` of all times do not exceed (nearest rank).
    ///
    /// `None` if there are no times.
    #[must_use]
    pub fn quantile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * percent.min(100)).div_ceil(100).max(1);
        self.sorted.get(rank - 1).copied()
    }

    /// Returns the longest time.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.sorted.last().copied()
    }

    /// Returns the number of times.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Returns whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Iterates over all times, the shortest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Duration> + '_ {
        self.sorted.iter().copied()
    }

    pub(super) fn insert(&mut self, time: Duration) {
        let place = self.sorted.partition_point(|other| *other <= time);
        self.sorted.insert(place, time);
    }
}

impl FromIterator<Duration> for Durations {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut sorted: Vec<Duration> = times.into_iter().collect();
        sorted.sort_unstable();
        Durations { sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::secs;

    #[test]
    fn a_quantile_is_a_time_that_was_measured() {
        let mut times: Durations = (1..=99).rev().map(secs).collect();
        times.insert(secs(100));
        assert_eq!(times.quantile(0), Some(secs(1)));
        assert_eq!(times.quantile(50), Some(secs(50)));
        assert_eq!(times.quantile(99), Some(secs(99)));
        assert_eq!(times.quantile(100), times.max());
        assert!(times.iter().is_sorted() && times.len() == 100);
    }

    #[test]
    fn of_nothing_there_is_no_quantile() {
        assert_eq!((Durations::default().quantile(50), Durations::default().max()), (None, None));
        let one: Durations = [secs(7)].into_iter().collect();
        assert_eq!((one.quantile(1), one.quantile(99)), (Some(secs(7)), Some(secs(7))));
    }
}
