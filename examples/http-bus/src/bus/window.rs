//! Remembers which messages were taken, to find duplicates.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::message::{Id, Peer};

/// How many messages of one life may be accepted and not yet expired. Without this limit, one life
/// could use up all windows.
pub const PUBLISHED_MAX: usize = 4096;

/// Numbers per window.
const WINDOW: usize = 4096;

const WORDS: usize = WINDOW / 64;

/// Most windows kept, of 580 bytes each. A life that publishes at its limit takes four within
/// `Windows::rest`. When a cluster takes more, messages are refused until some windows are
/// forgotten.
const WINDOWS_MAX: usize = 4096;

/// The numbers of the messages that were taken, per life of a node.
///
/// The numbers of a life are divided into windows of 4096. Windows are independent of each other: a
/// forged number, however large, changes nothing for other numbers of that life.
#[derive(Debug)]
pub(crate) struct Windows {
    windows: BTreeMap<Place, Window>,
    /// After this time without a new number, a window may be forgotten to make room.
    rest: Duration,
}

/// A life of a node, and the index of a window of its numbers.
type Place = (Peer, u64);

/// Whether a message is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It was not taken before.
    New,
    /// It was taken before.
    Old,
    /// It is new, but there is no room to remember it.
    Full,
}

impl Windows {
    /// Makes windows for messages that are kept for `keep`.
    pub(crate) fn new(keep: Duration) -> Self {
        // No member offers a message for longer than it is kept, and no request takes a minute.
        Windows { windows: BTreeMap::new(), rest: 2 * keep + Duration::from_secs(60) }
    }

    /// Returns whether the message is new.
    pub(crate) fn look(&mut self, now: Instant, id: &Id) -> Sight {
        if let Some(window) = self.windows.get(&place(id)) {
            return if window.has(id.number) { Sight::Old } else { Sight::New };
        }
        if self.windows.len() < WINDOWS_MAX {
            return Sight::New;
        }
        let rest = self.rest;
        self.windows.retain(|_, window| now.saturating_duration_since(window.used) < rest);
        if self.windows.len() < WINDOWS_MAX { Sight::New } else { Sight::Full }
    }

    /// Remembers a message that [is new](Windows::look).
    pub(crate) fn note(&mut self, now: Instant, id: &Id) {
        let window = self
            .windows
            .entry(place(id))
            .or_insert_with(|| Window { taken: Box::new([0; WORDS]), used: now });
        window.used = now;
        window.note(id.number);
    }
}

fn place(id: &Id) -> Place {
    (id.origin.clone(), id.number / WINDOW as u64)
}

/// A range of numbers of one life of a node.
#[derive(Debug)]
struct Window {
    /// One bit per number, at the number modulo the size.
    taken: Box<[u64; WORDS]>,
    used: Instant,
}

impl Window {
    fn has(&self, number: u64) -> bool {
        let (word, bit) = bit(number);
        self.taken[word] & bit != 0
    }

    fn note(&mut self, number: u64) {
        let (word, bit) = bit(number);
        self.taken[word] |= bit;
    }
}

/// Returns the word and the bit of a number.
fn bit(number: u64) -> (usize, u64) {
    let at = number % WINDOW as u64;
    let word = usize::try_from(at / 64).expect("it is below the number of words");
    (word, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(life: u64, number: u64) -> Id {
        Id::new(Peer::new("a", life), number)
    }

    fn take(windows: &mut Windows, now: Instant, id: &Id) -> Sight {
        let sight = windows.look(now, id);
        if sight == Sight::New {
            windows.note(now, id);
        }
        sight
    }

    #[test]
    fn each_number_is_new_once_in_whatever_order() {
        let (mut windows, now) = (Windows::new(Duration::from_secs(1)), Instant::now());
        for number in [5, 3, 4, 6000, 5999, 6001, 1904, 4095, 4096, u64::MAX, u64::MAX - 4095] {
            assert_eq!(take(&mut windows, now, &id(1, number)), Sight::New, "{number}");
            assert_eq!(take(&mut windows, now, &id(1, number)), Sight::Old, "{number}");
        }
        assert_eq!(take(&mut windows, now, &id(2, 5)), Sight::New, "another life");
    }

    #[test]
    fn a_number_that_is_made_up_hides_no_other_one() {
        let (mut windows, now) = (Windows::new(Duration::from_secs(1)), Instant::now());
        take(&mut windows, now, &id(1, 7));
        for forged in [u64::MAX, 1 << 40, 10_000] {
            take(&mut windows, now, &id(1, forged));
            assert_eq!(take(&mut windows, now, &id(1, forged - 4096)), Sight::New);
        }
        for number in 8..9000 {
            let expected = if number == 10_000 - 4096 { Sight::Old } else { Sight::New };
            assert_eq!(take(&mut windows, now, &id(1, number)), expected, "{number}");
        }
        assert_eq!(take(&mut windows, now, &id(1, 7)), Sight::Old);
    }

    #[test]
    fn a_life_is_forgotten_only_when_nothing_of_it_can_be_under_way() {
        let (mut windows, now) = (Windows::new(Duration::from_secs(1)), Instant::now());
        for life in 0..WINDOWS_MAX as u64 {
            assert_eq!(take(&mut windows, now, &id(life, 1)), Sight::New);
        }
        let soon = now + Duration::from_secs(61);
        assert_eq!(take(&mut windows, soon, &id(u64::MAX, 1)), Sight::Full);
        assert_eq!(take(&mut windows, soon, &id(7, 2)), Sight::New);
        let later = now + Duration::from_secs(62);
        assert_eq!(take(&mut windows, later, &id(u64::MAX, 1)), Sight::New);
        assert_eq!(take(&mut windows, later, &id(7, 2)), Sight::Old, "it was used since");
    }
}
