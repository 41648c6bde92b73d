//! Numbered things that were seen, in any order.

/// The highest number seen, and which of the `64 * WORDS` numbers up to it were seen. Lower numbers
/// count as seen.
#[derive(Clone, Debug)]
pub(crate) struct Recent<const WORDS: usize> {
    highest: u32,
    seen: [u64; WORDS],
}

/// The place of a number among those seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Above all numbers seen.
    Ahead {
        /// The distance from the highest.
        by: u32,
    },
    /// Seen before.
    Seen,
    /// Among the latest, and not seen.
    Missed,
    /// Too far below to know.
    Past,
}

impl<const WORDS: usize> Recent<WORDS> {
    /// How many numbers are distinguished.
    #[expect(clippy::cast_possible_truncation, reason = "a few words")]
    pub(crate) const SPAN: u32 = WORDS as u32 * 64;

    /// Starts with `first` as the only number seen.
    pub(crate) fn new(first: u32) -> Self {
        let mut recent = Recent { highest: first, seen: [0; WORDS] };
        recent.mark(first);
        recent
    }

    pub(crate) fn highest(&self) -> u32 {
        self.highest
    }

    pub(crate) fn place(&self, number: u32) -> Place {
        match number.checked_sub(self.highest) {
            Some(by @ 1..) => Place::Ahead { by },
            _ if self.highest - number >= Self::SPAN => Place::Past,
            _ if self.is_marked(number) => Place::Seen,
            _ => Place::Missed,
        }
    }

    /// Notes a number that is ahead or was missed.
    pub(crate) fn note(&mut self, number: u32) {
        if let Some(by @ 1..) = number.checked_sub(self.highest) {
            self.forget_up_to(number, by);
            self.highest = number;
        }
        self.mark(number);
    }

    pub(crate) fn is_marked(&self, number: u32) -> bool {
        self.seen[word::<WORDS>(number)] & (1 << (number % 64)) != 0
    }

    /// Breaks the state, for tests of its checks.
    #[cfg(test)]
    pub(crate) fn lose_highest(&mut self) {
        self.highest += 1;
    }

    fn mark(&mut self, number: u32) {
        self.seen[word::<WORDS>(number)] |= 1 << (number % 64);
    }

    /// Marks the numbers above the highest, up to `number`, as not seen; `by` is the distance.
    /// Clears a word at a time, because any peer can make the numbers jump.
    fn forget_up_to(&mut self, number: u32, by: u32) {
        if by >= Self::SPAN {
            self.seen = [0; WORDS];
            return;
        }
        let mut next = self.highest + 1;
        loop {
            let last = (next | 63).min(number);
            let kept = u64::MAX.unbounded_shl(last % 64 + 1) | !(u64::MAX << (next % 64));
            self.seen[word::<WORDS>(next)] &= kept;
            if last == number {
                return;
            }
            next = last + 1;
        }
    }
}

/// The word that holds a number's bit.
fn word<const WORDS: usize>(number: u32) -> usize {
    (number / 64) as usize % WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_place_of_older_ones_was_not_seen() {
        for (from, by) in [(0, 1), (62, 1), (63, 1), (60, 70), (64, 127), (1, 126), (7, 128)] {
            let mut recent = Recent::<2>::new(0);
            (1..=from).for_each(|number| recent.note(number));
            recent.note(from + by);
            for number in from + 1..from + by {
                let place = recent.place(number);
                assert!(matches!(place, Place::Missed | Place::Past), "{number}: {place:?}");
            }
            for number in (from + by).saturating_sub(127)..=from {
                assert_eq!(recent.place(number), Place::Seen, "{number}, from {from} by {by}");
            }
            assert_eq!(recent.place(from + by), Place::Seen);
        }
    }

    #[test]
    fn numbers_are_told_apart_in_any_order() {
        let mut recent = Recent::<2>::new(5);
        assert_eq!(recent.place(5), Place::Seen);
        assert_eq!(recent.place(4), Place::Missed);
        assert_eq!(recent.place(7), Place::Ahead { by: 2 });
        recent.note(7);
        assert_eq!(recent.place(6), Place::Missed);
        recent.note(6);
        assert_eq!(recent.place(6), Place::Seen);
        recent.note(7 + 128);
        assert_eq!(recent.place(7), Place::Past);
        assert_eq!(recent.place(8), Place::Missed, "its bit was that of another");
        recent.note(u32::MAX);
        assert_eq!(recent.place(u32::MAX), Place::Seen);
        assert_eq!(recent.place(u32::MAX - 127), Place::Missed);
        assert_eq!(recent.place(u32::MAX - 128), Place::Past);
    }
}
