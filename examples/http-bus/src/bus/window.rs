//! Memory of the messages that were taken already.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::message::{Id, Peer};

/// How many messages a life of a node may have under way at once, that is, accepted and not yet
/// expired. With as many numbers remembered, one that has fallen out of the window has expired.
pub const PUBLISHED_MAX: usize = 4096;

const WORDS: usize = PUBLISHED_MAX / 64;

/// Lives of nodes that are remembered: 560 bytes each. A cluster in which more of them publish
/// within the time of `Windows::rest` has its messages refused until some are forgotten.
const WINDOWS_MAX: usize = 1024;

/// The messages that were taken of each life of a node, as far as they can still be on their way.
#[derive(Debug)]
pub(crate) struct Windows {
    by_origin: BTreeMap<Peer, Window>,
    /// A life is forgotten once it has sent nothing for so long, and its place is wanted.
    rest: Duration,
}

/// Whether a message is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It was not seen.
    New,
    /// It was seen, or is so old that it has expired.
    Old,
    /// There is no room to remember it.
    Full,
}

impl Windows {
    /// For messages that are kept for `keep`.
    pub(crate) fn new(keep: Duration) -> Self {
        // Nobody offers a message for longer than it is kept, and no request takes a minute.
        Windows { by_origin: BTreeMap::new(), rest: 2 * keep + Duration::from_secs(60) }
    }

    /// Whether the message is new.
    pub(crate) fn look(&mut self, now: Instant, id: &Id) -> Sight {
        if let Some(window) = self.by_origin.get(&id.origin) {
            return if window.has(id.number) { Sight::Old } else { Sight::New };
        }
        if self.by_origin.len() < WINDOWS_MAX {
            return Sight::New;
        }
        let rest = self.rest;
        self.by_origin.retain(|_, window| now.saturating_duration_since(window.used) < rest);
        if self.by_origin.len() < WINDOWS_MAX { Sight::New } else { Sight::Full }
    }

    /// Remembers a message that [is new](Windows::look).
    pub(crate) fn note(&mut self, now: Instant, id: &Id) {
        let window = self.by_origin.entry(id.origin.clone()).or_insert_with(|| Window {
            highest: id.number,
            taken: Box::new([0; WORDS]),
            used: now,
        });
        window.used = now;
        window.note(id.number);
    }
}

/// The last messages of one life of a node.
#[derive(Debug)]
struct Window {
    highest: u64,
    /// A bit for each of the last `PUBLISHED_MAX` numbers, at the number's remainder.
    taken: Box<[u64; WORDS]>,
    used: Instant,
}

impl Window {
    fn has(&self, number: u64) -> bool {
        if number > self.highest {
            return false;
        }
        let (word, bit) = place(number);
        self.highest - number >= PUBLISHED_MAX as u64 || self.taken[word] & bit != 0
    }

    fn note(&mut self, number: u64) {
        if number > self.highest {
            if number - self.highest >= PUBLISHED_MAX as u64 {
                self.taken.fill(0);
            } else {
                for passed in self.highest + 1..=number {
                    let (word, bit) = place(passed);
                    self.taken[word] &= !bit;
                }
            }
            self.highest = number;
        }
        let (word, bit) = place(number);
        self.taken[word] |= bit;
    }
}

/// The word and the bit of a number.
fn place(number: u64) -> (usize, u64) {
    let at = number % PUBLISHED_MAX as u64;
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
        for number in [5, 3, 4, 6000, 5999, 6001, 1904 + 2, u64::MAX, u64::MAX - 4095] {
            assert_eq!(take(&mut windows, now, &id(1, number)), Sight::New, "{number}");
            assert_eq!(take(&mut windows, now, &id(1, number)), Sight::Old, "{number}");
        }
        assert_eq!(take(&mut windows, now, &id(2, 5)), Sight::New, "another life");
    }

    #[test]
    fn what_fell_out_of_the_window_is_old() {
        let (mut windows, now) = (Windows::new(Duration::from_secs(1)), Instant::now());
        take(&mut windows, now, &id(1, 10_000));
        assert_eq!(take(&mut windows, now, &id(1, 10_000 - 4096)), Sight::Old);
        assert_eq!(take(&mut windows, now, &id(1, 10_000 - 4095)), Sight::New);
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
