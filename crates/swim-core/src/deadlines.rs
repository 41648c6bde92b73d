//! Deadlines of many things of one kind, the earliest first.

use alloc::collections::BTreeSet;
use core::fmt::Debug;

use crate::time::Instant;

/// Deadlines of many things, ordered by time.
///
/// Things that are due at the same time come in the order of their keys, the same in every run.
///
/// The owner of the things keeps each deadline next to its thing, and passes it in to move or
/// remove it. Each thing therefore needs only one entry here.
///
/// ```
/// use core::time::Duration;
/// use swim_core::{Deadlines, Instant};
///
/// let (soon, later) = (Instant::ORIGIN, Instant::ORIGIN + Duration::from_secs(1));
/// let mut deadlines = Deadlines::default();
/// deadlines.insert(later, "stream 7");
/// deadlines.insert(soon, "ping 8");
/// deadlines.move_to(later, soon, "stream 7");
/// assert_eq!(deadlines.next(), Some(soon));
/// assert_eq!(deadlines.take_due(soon), Some((soon, "ping 8")));
/// ```
#[derive(Clone, Debug)]
pub struct Deadlines<K> {
    due: BTreeSet<(Instant, K)>,
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Adds a thing that is due at `at`.
    pub fn insert(&mut self, at: Instant, key: K) {
        self.due.insert((at, key));
    }

    /// Removes a thing that was due at `at`. Returns whether it was there.
    pub fn remove(&mut self, at: Instant, key: K) -> bool {
        self.due.remove(&(at, key))
    }

    /// Moves a thing that was due at `from`.
    pub fn move_to(&mut self, from: Instant, to: Instant, key: K) {
        self.due.remove(&(from, key));
        self.due.insert((to, key));
    }

    /// When the first thing is due.
    #[must_use]
    #[inline]
    pub fn next(&self) -> Option<Instant> {
        self.due.first().map(|&(at, _)| at)
    }

    /// The same, or [`Instant::NEVER`] if there is nothing, for comparison with other deadlines.
    #[inline]
    pub(crate) fn soonest(&self) -> Instant {
        self.due.first().map_or(Instant::NEVER, |&(at, _)| at)
    }

    /// The first thing and its deadline.
    #[must_use]
    #[inline]
    pub fn first(&self) -> Option<(Instant, K)> {
        self.due.first().copied()
    }

    /// Removes and returns the first thing if it is due.
    pub fn take_due(&mut self, now: Instant) -> Option<(Instant, K)> {
        let &(at, _) = self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first()
    }

    /// Whether this thing is due at `at`.
    #[must_use]
    pub fn contains(&self, at: Instant, key: K) -> bool {
        self.due.contains(&(at, key))
    }

    /// The number of things.
    #[must_use]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether there are no things.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Removes all things.
    pub fn clear(&mut self) {
        self.due.clear();
    }
}

impl<K: Copy + Ord + Debug> Deadlines<K> {
    /// Asserts that exactly these things are due, each once and at its time.
    pub(crate) fn check(&self, expected: impl Iterator<Item = (Instant, K)>, what: &str) {
        let mut count = 0;
        for (at, key) in expected {
            assert!(self.contains(at, key), "{what}: {key:?} is not due at {at:?}");
            count += 1;
        }
        assert_eq!(self.len(), count, "{what}: as many deadlines as things");
    }
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Deadlines { due: BTreeSet::new() }
    }
}

impl<K: Ord> FromIterator<(Instant, K)> for Deadlines<K> {
    fn from_iter<I: IntoIterator<Item = (Instant, K)>>(things: I) -> Self {
        Deadlines { due: things.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn equal_times_come_in_the_order_of_their_keys() {
        let mut deadlines = Deadlines::default();
        for key in [3, 1, 2] {
            deadlines.insert(Instant::ORIGIN, key);
        }
        let taken = core::iter::from_fn(|| deadlines.take_due(Instant::ORIGIN));
        assert!(taken.map(|(_, key)| key).eq([1, 2, 3]));
    }

    #[test]
    #[should_panic(expected = "things: 7 is not due at")]
    fn a_deadline_at_another_time_is_noticed() {
        let mut deadlines = Deadlines::default();
        deadlines.insert(Instant::NEVER, 7);
        deadlines.check([(Instant::ORIGIN, 7)].into_iter(), "things");
    }

    #[test]
    #[should_panic(expected = "things: as many deadlines as things")]
    fn a_deadline_of_nothing_is_noticed() {
        let mut deadlines = Deadlines::default();
        deadlines.insert(Instant::ORIGIN, 7);
        deadlines.insert(Instant::ORIGIN, 8);
        deadlines.check([(Instant::ORIGIN, 7)].into_iter(), "things");
    }

    #[test]
    fn what_is_not_due_stays() {
        let later = Instant::ORIGIN + Duration::from_nanos(1);
        let mut deadlines = Deadlines::default();
        deadlines.insert(later, 7);
        assert_eq!(deadlines.take_due(Instant::ORIGIN), None);
        assert!(deadlines.contains(later, 7));
        assert!(!deadlines.remove(Instant::ORIGIN, 7), "it is due at another time");
        assert_eq!((deadlines.len(), deadlines.next()), (1, Some(later)));
    }

    #[test]
    fn things_are_collected_in_any_order() {
        let later = Instant::ORIGIN + Duration::from_nanos(1);
        let mut deadlines: Deadlines<u8> = [(later, 1), (Instant::ORIGIN, 2)].into_iter().collect();
        assert_eq!(deadlines.take_due(Instant::ORIGIN), Some((Instant::ORIGIN, 2)));
        assert_eq!((deadlines.len(), deadlines.first()), (1, Some((later, 1))));
    }
}
