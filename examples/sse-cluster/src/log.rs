//! The latest events of one publisher.

use std::collections::VecDeque;

use crate::message::{Message, Target};

/// One event of a publisher.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number. The events of one life of a publisher are numbered from 1.
    pub number: u64,
    /// Its receivers.
    pub target: Target,
    /// The event.
    pub message: Message,
}

/// How many events of each publisher are kept, for readers that are behind or come back.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// The number of events.
    pub events: usize,
    /// The bytes of their contents.
    pub bytes: usize,
}

/// The latest events of one life of a publisher.
#[derive(Clone, Debug)]
pub struct Log {
    life: u64,
    last: u64,
    ring: VecDeque<Entry>,
    bytes: usize,
    /// The former life, and its last event known here.
    before: Option<(u64, u64)>,
    /// Whether the publisher is connected, which makes this its current life.
    followed: bool,
}

/// The next step for a reader at a position.
#[derive(Debug, PartialEq)]
pub enum Next<'a> {
    /// The next event.
    Entries(&'a Entry),
    /// Events are missing. Reading continues after `position`.
    Gap {
        /// How many, if known.
        missing: Option<u64>,
        /// The life and number to continue after.
        position: (u64, u64),
    },
    /// There is no further event yet.
    Nothing,
}

impl Log {
    /// Starts the log of a life, after its event `last`.
    #[must_use]
    pub fn new(life: u64, last: u64) -> Self {
        Log { life, last, ring: VecDeque::new(), bytes: 0, before: None, followed: true }
    }

    /// Returns the log that replaces this one.
    ///
    /// The publisher began another life, or the events up to `last` are lost.
    #[must_use]
    pub fn followed_by(&self, life: u64, last: u64) -> Self {
        Log { before: Some((self.life, self.last)), ..Log::new(life, last) }
    }

    /// Returns the life and the number of its last event.
    #[must_use]
    pub fn position(&self) -> (u64, u64) {
        (self.life, self.last)
    }

    /// Notes whether the publisher is connected.
    pub fn set_followed(&mut self, followed: bool) {
        self.followed = followed;
    }

    /// Returns whether the publisher is connected.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.followed
    }

    /// Adds the next event, and drops the oldest ones beyond the limits.
    pub fn push(&mut self, target: Target, message: Message, kept: Kept) -> &Entry {
        self.last += 1;
        self.bytes += size(&message);
        self.ring.push_back(Entry { number: self.last, target, message });
        while self.ring.len() > kept.events.max(1)
            || (self.bytes > kept.bytes && self.ring.len() > 1)
        {
            let oldest = self.ring.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| size(&oldest.message));
        }
        self.ring.back().expect("one was added")
    }

    /// Returns the next step for a reader at a position; `None` is before the first event.
    #[must_use]
    pub fn after(&self, stands: Option<(u64, u64)>) -> Next<'_> {
        let first = self.last - self.ring.len() as u64 + 1;
        let lost = |missing| Next::Gap { missing, position: (self.life, first - 1) };
        match stands {
            Some((life, number)) if life == self.life => {
                if number >= self.last {
                    Next::Nothing
                } else if number + 1 < first {
                    lost(Some(first - 1 - number))
                } else {
                    Next::Entries(&self.ring[usize::try_from(number + 1 - first).unwrap_or(0)])
                }
            }
            // The reader knows another life. If it is the former one, its known end gives the
            // number of missing events.
            Some((life, number)) => match self.before {
                Some((before, last)) if before == life => {
                    let missing = last.saturating_sub(number) + (first - 1);
                    if missing > 0 { lost(Some(missing)) } else { self.after(Some((self.life, 0))) }
                }
                // That life is over, or not known here yet. While the publisher is connected, it is
                // over: continue at the end, because it is unknown which of the kept events the
                // reader has had.
                _ if self.followed => Next::Gap { missing: None, position: self.position() },
                _ => Next::Nothing,
            },
            None => self.after(Some((self.life, 0))),
        }
    }
}

fn size(message: &Message) -> usize {
    message.id.len() + message.event.len() + message.text().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Kept = Kept { events: 3, bytes: 1000 };

    fn to_all() -> Target {
        Target { channel: None, client: None }
    }

    fn log(events: u64) -> Log {
        let mut log = Log::new(5, 0);
        for number in 1..=events {
            let message = Message { data: number.to_string().into(), ..Message::default() };
            assert_eq!(log.push(to_all(), message, KEPT).number, number);
        }
        log
    }

    fn number(next: Next<'_>) -> u64 {
        let Next::Entries(entry) = next else { panic!("{next:?}") };
        entry.number
    }

    #[test]
    fn readers_go_on_where_they_stand() {
        let log = log(3);
        assert_eq!(number(log.after(None)), 1);
        assert_eq!(number(log.after(Some((5, 1)))), 2);
        assert_eq!(log.after(Some((5, 3))), Next::Nothing);
    }

    #[test]
    fn readers_that_are_too_far_behind_are_told_how_much_is_missing() {
        let log = log(10);
        let gap = Next::Gap { missing: Some(5), position: (5, 7) };
        assert_eq!(log.after(Some((5, 2))), gap);
        assert_eq!(number(log.after(Some((5, 7)))), 8);
    }

    #[test]
    fn readers_of_another_life_are_told_what_they_miss_of_it() {
        let log = log(4).followed_by(6, 2);
        let gap = |missing| Next::Gap { missing, position: (6, 2) };
        assert_eq!(log.after(Some((5, 3))), gap(Some(1 + 2)));
        assert_eq!(log.after(Some((4, 3))), gap(None));
        let end = Next::Gap { missing: None, position: (6, 2) };
        assert_eq!(log.after(Some((7, 1))), end, "the publisher says that it has another life");
        let mut apart = log.clone();
        apart.set_followed(false);
        assert_eq!(apart.after(Some((7, 1))), Next::Nothing, "it may not be known here yet");
        let back = self::log(4).followed_by(4, 0);
        assert_eq!(back.after(Some((5, 4))), Next::Nothing, "its clock was set back");
        assert_eq!(back.after(Some((5, 3))), Next::Gap { missing: Some(1), position: (4, 0) });
        let whole = self::log(4).followed_by(6, 0);
        assert_eq!(whole.after(Some((5, 4))), Next::Nothing, "nothing is missing");
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_too() {
        let mut log = Log::new(1, 0);
        for _ in 0..3 {
            let message = Message { data: "x".repeat(600).into(), ..Message::default() };
            log.push(to_all(), message, KEPT);
        }
        assert_eq!(log.after(None), Next::Gap { missing: Some(2), position: (1, 2) });
        assert_eq!(number(log.after(Some((1, 2)))), 3);
    }
}
