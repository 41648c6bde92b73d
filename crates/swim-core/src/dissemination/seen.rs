//! Which user broadcasts were seen before.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use crate::config::BROADCASTS_TOLD_APART;
use crate::member::Name;
use crate::time::Instant;

/// How many lives are looked at to find one that may be forgotten. Bounds the work for one packet.
const LOOKED_AT_MAX: usize = 4;

/// Which broadcasts of one life of an origin were seen.
#[derive(Debug)]
struct Window {
    life: u32,
    /// When the latest of them came in, new or not.
    heard: Instant,
    highest: u32,
    seen: [u64; BROADCASTS_TOLD_APART as usize / 64],
}

/// What [`Seen`] says of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    New,
    Repeated,
    /// It may be new or not: there is no room to remember it.
    Full,
}

/// Recognises user broadcasts that were seen before, by origin, life and sequence.
///
/// What is forgotten while copies of it still travel would count as new when they come, be passed
/// on, and so travel for ever. So a life makes room for another only when nothing was heard of it
/// for a while.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The lives of an origin of which broadcasts may still travel: nearly always one.
    origins: BTreeMap<Name, Vec<Window>>,
    /// Every life, roughly in the order in which they fell silent.
    order: VecDeque<(Name, u32)>,
}

impl Seen {
    /// Notes a broadcast. Remembers at most `lives_max` lives of origins, each for at least
    /// `quiet`.
    pub(super) fn note(
        &mut self,
        now: Instant,
        (origin, life, sequence): (&str, u32, u32),
        lives_max: usize,
        quiet: Duration,
    ) -> Note {
        let windows = self.origins.get_mut(origin);
        if let Some(window) = windows.and_then(|w| w.iter_mut().find(|w| w.life == life)) {
            window.heard = now;
            return if window.note(sequence) { Note::New } else { Note::Repeated };
        }
        if self.order.len() >= lives_max && !self.forget_one(now, quiet) {
            return Note::Full;
        }
        let name = Name::trusted(origin);
        let window = Window::new(now, life, sequence);
        let lives = self.origins.entry(name.clone()).or_insert_with(|| Vec::with_capacity(1));
        lives.push(window);
        self.order.push_back((name, life));
        Note::New
    }

    /// Asserts that both indexes hold the same lives, and no more than they may.
    pub(super) fn check(&self, lives_max: usize) {
        let lives: usize = self.origins.values().map(Vec::len).sum();
        let ordered = self.order.len();
        assert_eq!(ordered, lives, "seen: each life has one place in the order");
        assert!(ordered <= lives_max, "seen: {ordered} lives, {lives_max} are the most");
        for (name, life) in &self.order {
            let windows = self.origins.get(name).map_or(&[][..], Vec::as_slice);
            let same = windows.iter().filter(|window| window.life == *life).count();
            assert_eq!(same, 1, "seen: life {life} of {name}");
        }
        for (name, windows) in &self.origins {
            assert!(!windows.is_empty(), "seen: {name} has no life");
            for window in windows {
                assert!(window.is_marked(window.highest), "seen: the highest of {name}");
            }
        }
    }

    /// Forgets a life of which nothing was heard for long enough, if there is one at hand.
    fn forget_one(&mut self, now: Instant, quiet: Duration) -> bool {
        for _ in 0..LOOKED_AT_MAX.min(self.order.len()) {
            let Some((name, life)) = self.order.pop_front() else { break };
            let Some(windows) = self.origins.get_mut(&name) else { return true };
            let silent = |window: &Window| window.life == life && window.heard + quiet <= now;
            if windows.iter().any(silent) {
                windows.retain(|window| window.life != life);
                if windows.is_empty() {
                    self.origins.remove(&name);
                }
                return true;
            }
            self.order.push_back((name, life));
        }
        false
    }
}

impl Window {
    fn new(heard: Instant, life: u32, sequence: u32) -> Self {
        let seen = [0; BROADCASTS_TOLD_APART as usize / 64];
        let mut window = Window { life, heard, highest: sequence, seen };
        window.mark(sequence);
        window
    }

    fn note(&mut self, sequence: u32) -> bool {
        if sequence > self.highest {
            let steps = (sequence - self.highest).min(BROADCASTS_TOLD_APART);
            for step in 1..=steps {
                self.clear(self.highest.wrapping_add(step));
            }
            self.highest = sequence;
        } else if self.highest - sequence >= BROADCASTS_TOLD_APART || self.is_marked(sequence) {
            return false;
        }
        self.mark(sequence);
        true
    }

    fn mark(&mut self, sequence: u32) {
        self.seen[(sequence % BROADCASTS_TOLD_APART / 64) as usize] |= 1 << (sequence % 64);
    }

    fn clear(&mut self, sequence: u32) {
        self.seen[(sequence % BROADCASTS_TOLD_APART / 64) as usize] &= !(1 << (sequence % 64));
    }

    fn is_marked(&self, sequence: u32) -> bool {
        self.seen[(sequence % BROADCASTS_TOLD_APART / 64) as usize] & (1 << (sequence % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(30);

    /// Notes a broadcast of which nothing was forgotten for want of room.
    fn is_new(seen: &mut Seen, origin: &str, life: u32, sequence: u32) -> bool {
        let note = seen.note(Instant::ORIGIN, (origin, life, sequence), 9, QUIET);
        assert_ne!(note, Note::Full);
        note == Note::New
    }

    #[test]
    fn broadcasts_are_recognised_in_any_order() {
        let mut seen = Seen::default();
        for sequence in [5, 3, 4, 1029, 6] {
            assert!(is_new(&mut seen, "a", 1, sequence), "{sequence} is new");
            assert!(!is_new(&mut seen, "a", 1, sequence), "{sequence} is repeated");
        }
        assert!(!is_new(&mut seen, "a", 1, 5), "beyond the window everything counts as seen");
        for life in 2..5 {
            assert!(is_new(&mut seen, "a", life, 5), "another life counts anew");
        }
        assert!(is_new(&mut seen, "a", 1, 7), "a straggler of a life before");
        assert!((2..5).all(|life| !is_new(&mut seen, "a", life, 5)));
        assert!(!is_new(&mut seen, "a", 1, 7));
        assert!(is_new(&mut seen, "b", 1, 5));
    }

    #[test]
    fn a_jump_ahead_forgets_what_is_out_of_the_window() {
        let mut seen = Seen::default();
        assert!(is_new(&mut seen, "a", 1, 0));
        assert!(is_new(&mut seen, "a", 1, u32::MAX));
        assert!(is_new(&mut seen, "a", 1, u32::MAX - 1));
        assert!(!is_new(&mut seen, "a", 1, u32::MAX));
    }

    #[test]
    fn only_who_fell_silent_makes_room_for_another() {
        let mut seen = Seen::default();
        let (start, later) = (Instant::ORIGIN, Instant::ORIGIN + QUIET);
        assert_eq!(seen.note(start, ("a", 1, 0), 2, QUIET), Note::New);
        assert_eq!(seen.note(start, ("b", 1, 0), 2, QUIET), Note::New);
        assert_eq!(seen.note(start, ("c", 1, 0), 2, QUIET), Note::Full);
        assert_eq!(seen.note(later, ("a", 1, 0), 2, QUIET), Note::Repeated);
        assert_eq!(seen.note(later, ("c", 1, 0), 2, QUIET), Note::New, "b gave way");
        assert_eq!(seen.note(later, ("b", 1, 1), 2, QUIET), Note::Full);
        assert_eq!(seen.note(later, ("a", 1, 0), 2, QUIET), Note::Repeated);
        assert_eq!((seen.origins.len(), seen.order.len()), (2, 2));
    }

    /// Two lives of one origin, one of another.
    fn three_lives() -> Seen {
        let mut seen = Seen::default();
        for (origin, life) in [("a", 1), ("a", 2), ("b", 1)] {
            assert!(is_new(&mut seen, origin, life, 5));
        }
        seen.check(3);
        seen
    }

    #[test]
    #[should_panic(expected = "seen: 3 lives, 2 are the most")]
    fn more_lives_than_may_be_are_noticed() {
        three_lives().check(2);
    }

    #[test]
    #[should_panic(expected = "seen: each life has one place in the order")]
    fn a_life_that_would_never_be_forgotten_is_noticed() {
        let mut seen = three_lives();
        seen.order.pop_front();
        seen.check(3);
    }

    #[test]
    #[should_panic(expected = "seen: life 3 of b")]
    fn a_life_in_the_order_alone_is_noticed() {
        let mut seen = three_lives();
        seen.order[2].1 = 3;
        seen.check(3);
    }

    #[test]
    #[should_panic(expected = "seen: c has no life")]
    fn an_origin_without_a_life_is_noticed() {
        let mut seen = three_lives();
        seen.origins.insert(Name::trusted("c"), Vec::new());
        seen.check(3);
    }

    #[test]
    #[should_panic(expected = "seen: the highest of b")]
    fn a_highest_that_was_not_seen_is_noticed() {
        let mut seen = three_lives();
        for window in seen.origins.values_mut().flatten() {
            window.highest += 1;
        }
        seen.origins.remove("a");
        seen.order.retain(|(name, _)| name.as_str() == "b");
        seen.check(3);
    }
}
