//! Recognises user broadcasts that were seen before.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use crate::config::BROADCASTS_TOLD_APART;
use crate::member::Name;
use crate::recent::{Place, Recent};
use crate::time::Instant;

/// How many lives are looked at to find one that may be forgotten. Bounds the work for one packet.
const LOOKED_AT_MAX: usize = 4;

/// How many lives of one origin are remembered. An origin that restarts has two or three. Without a
/// limit, made-up lives of one member would take the room of all members.
const LIVES_PER_ORIGIN_MAX: usize = 8;

/// Lives of one origin that gave way and are remembered as over, so that copies of their broadcasts
/// do not count as new. While all places are taken, none gives way.
const PAST_LIVES_MAX: u32 = 8;

/// Strangers may take one in this many places, and so may further lives of members. The other half
/// is for the first life of each member.
const SHARES: usize = 4;

/// Broadcasts seen of one life of an origin.
#[derive(Debug)]
struct Window {
    life: u32,
    class: Class,
    /// Identifies it in the order of its class.
    ticket: u32,
    /// One of them came from the origin's own address.
    first_hand: bool,
    /// When the latest of them came in, new or not.
    heard: Instant,
    recent: Recent<WORDS>,
}

/// Broadcasts remembered of one life, in words of 64.
const WORDS: usize = BROADCASTS_TOLD_APART as usize / 64;

/// The kind of place that a life takes.
#[derive(Clone, Copy, Debug)]
enum Class {
    /// A member's only life.
    Member,
    /// A further life of a member.
    Further,
    Stranger,
}

/// The lives of one origin.
#[derive(Debug, Default)]
struct Lives {
    /// Lives whose broadcasts may still travel, the oldest first: nearly always one.
    windows: Vec<Window>,
    /// Lives that gave way, and when each was last heard of.
    past: Vec<(u32, Instant)>,
    /// When the next life may give way.
    next_replacement: Option<Instant>,
}

/// The sender of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// Any node; the origin is no live member.
    OfStranger,
    /// A node other than the origin, which is a live member.
    Relay,
    /// The origin itself, a live member, from its own address.
    Itself,
}

/// Limits of what is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many lives of origins.
    pub(super) lives_max: usize,
    /// Minimum time after a life was last heard of.
    pub(super) quiet: Duration,
    /// Whether members come before strangers.
    pub(super) members_first: bool,
    /// Whether a life may be forgotten; a recording of it would then count as new.
    pub(super) may_forget: bool,
}

/// Result of [`Seen::note`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    New,
    Repeated,
    /// New or repeated: there is no room to remember it.
    Full,
    /// Nothing was noted: it is so far ahead that everything before it would count as seen.
    Ahead,
}

/// Recognises user broadcasts that were seen before, by origin, life and sequence.
///
/// If a life is forgotten while copies of its broadcasts still travel, they count as new, are
/// passed on, and so travel for ever. So a life makes room for another only when nothing was heard
/// of it for a while. There is one exception: if an origin has too many lives at once, the latest
/// that was not heard from the origin itself gives way now and then. It is remembered as over.
#[derive(Debug, Default)]
pub(super) struct Seen {
    origins: BTreeMap<Name, Lives>,
    /// Every life by its ticket and class, roughly in the order in which they fell silent.
    orders: [VecDeque<(Name, u32)>; 3],
    last_ticket: u32,
    /// A life was forgotten, or gave way and will be.
    forgot: bool,
}

impl Seen {
    /// Notes a broadcast. One far ahead of what was heard is noted only if it `may_jump`.
    pub(super) fn note(
        &mut self,
        now: Instant,
        (origin, life, sequence): (&str, u32, u32),
        limits: Limits,
        may_jump: bool,
        sender: impl FnOnce() -> Sender,
    ) -> Note {
        if let Some(lives) = self.origins.get_mut(origin) {
            if let Some(window) = lives.windows.iter_mut().find(|window| window.life == life) {
                window.heard = now;
                window.first_hand = window.first_hand || sender() == Sender::Itself;
                return window.note(sequence, may_jump);
            }
            if let Some((_, heard)) = lives.past.iter_mut().find(|(past, _)| *past == life) {
                *heard = now;
                return Note::Repeated;
            }
        }
        if sequence > BROADCASTS_TOLD_APART && !may_jump {
            return Note::Ahead;
        }
        let sender = sender();
        if self.begin_life(now, origin, (life, sequence), limits, sender) {
            Note::New
        } else {
            Note::Full
        }
    }

    /// Begins to remember a life of an origin; returns whether there is room.
    fn begin_life(
        &mut self,
        now: Instant,
        origin: &str,
        (life, sequence): (u32, u32),
        limits: Limits,
        sender: Sender,
    ) -> bool {
        let held = self.origins.get(origin).map_or(0, |lives| lives.windows.len());
        let class = match sender {
            Sender::OfStranger if limits.members_first => Class::Stranger,
            _ if held > 0 && limits.members_first => Class::Further,
            _ => Class::Member,
        };
        let few = held < LIVES_PER_ORIGIN_MAX || !limits.members_first;
        let first_hand = sender == Sender::Itself;
        if few && (self.has_room(class, limits) || self.forget_one(now, class, limits)) {
            self.last_ticket = self.last_ticket.wrapping_add(1);
            let ticket = self.last_ticket;
            let window = Window::new(now, (life, sequence), class, ticket, first_hand);
            let name = Name::trusted(origin);
            self.origins.entry(name.clone()).or_default().windows.push(window);
            self.orders[class as usize].push_back((name, ticket));
            return true;
        }
        let lives = self.origins.get_mut(origin);
        let replaced = limits.members_first
            && lives.is_some_and(|lives| {
                lives.replace_one(now, (life, sequence), limits.quiet, first_hand)
            });
        self.forgot |= replaced;
        replaced
    }

    /// Whether lives were forgotten, so that a recording of them would count as new.
    #[inline]
    pub(super) fn has_forgotten(&self) -> bool {
        self.forgot
    }

    /// Notes that forgotten broadcasts are now recognised by other means.
    pub(super) fn forgive(&mut self) {
        self.forgot = false;
    }

    fn has_room(&self, class: Class, limits: Limits) -> bool {
        let share = limits.lives_max / SHARES;
        let taken = self.orders.iter().map(VecDeque::len).sum::<usize>();
        match class {
            Class::Member => taken < limits.lives_max,
            Class::Further | Class::Stranger => {
                self.orders[class as usize].len() < share && taken < limits.lives_max
            }
        }
    }

    /// Asserts that both indexes hold the same lives, within the limits.
    pub(super) fn check(&self, lives_max: usize) {
        let lives: usize = self.origins.values().map(|lives| lives.windows.len()).sum();
        let ordered: usize = self.orders.iter().map(VecDeque::len).sum();
        assert_eq!(ordered, lives, "seen: each life has one place in the order");
        assert!(ordered <= lives_max, "seen: {ordered} lives, {lives_max} are the most");
        for (class, (name, ticket)) in
            self.orders.iter().enumerate().flat_map(|(class, o)| o.iter().map(move |x| (class, x)))
        {
            let windows = self.origins.get(name).map_or(&[][..], |lives| &lives.windows);
            let here =
                |window: &&Window| window.ticket == *ticket && window.class as usize == class;
            let same = windows.iter().filter(here).count();
            assert_eq!(same, 1, "seen: life {ticket} of {name}");
        }
        for (name, lives) in &self.origins {
            assert!(!lives.windows.is_empty(), "seen: {name} has no life");
            let past = lives.past.len();
            assert!(past <= PAST_LIVES_MAX as usize, "seen: {past} past lives of {name}");
            for window in &lives.windows {
                let recent = &window.recent;
                assert!(recent.is_marked(recent.highest()), "seen: the highest of {name}");
            }
        }
    }

    /// Forgets a life that was silent for long enough, if one is found among the first few.
    fn forget_one(&mut self, now: Instant, class: Class, limits: Limits) -> bool {
        if !limits.may_forget {
            return false;
        }
        let order = &mut self.orders[class as usize];
        for _ in 0..LOOKED_AT_MAX.min(order.len()) {
            let Some((name, ticket)) = order.pop_front() else { break };
            let Some(lives) = self.origins.get_mut(&name) else { return true };
            if lives.is_silent(ticket, now, limits.quiet) {
                self.forgot = true;
                lives.windows.retain(|window| window.ticket != ticket);
                if lives.windows.is_empty() {
                    self.origins.remove(&name);
                }
                return true;
            }
            order.push_back((name, ticket));
        }
        false
    }
}

impl Lives {
    /// Whether this life, and all that gave way to it, were silent for long enough.
    fn is_silent(&self, ticket: u32, now: Instant, quiet: Duration) -> bool {
        let window = self.windows.iter().find(|window| window.ticket == ticket);
        window.is_some_and(|window| window.heard + quiet <= now)
            && self.past.iter().all(|&(_, heard)| heard + quiet <= now)
    }

    /// Replaces another life, if one may give way. A life that peers pass on replaces one only now
    /// and then: otherwise copies of more lives than are remembered would displace each other for
    /// ever. A life heard from the origin itself does not travel, and may always do so.
    fn replace_one(
        &mut self,
        now: Instant,
        (life, sequence): (u32, u32),
        quiet: Duration,
        first_hand: bool,
    ) -> bool {
        let per_replacement = quiet / PAST_LIVES_MAX;
        self.past.retain(|&(_, heard)| heard + quiet > now);
        if self.past.len() >= PAST_LIVES_MAX as usize && first_hand {
            self.past.remove(0);
        }
        let too_soon = self.next_replacement.is_some_and(|at| now < at) && !first_hand;
        let hearsay = self.windows.iter().rposition(|window| !window.first_hand);
        let (true, false, Some(place)) = (
            self.past.len() < PAST_LIVES_MAX as usize,
            too_soon,
            hearsay.or_else(|| first_hand.then_some(0)),
        ) else {
            return false;
        };
        let Some(window) = self.windows.get_mut(place) else { return false };
        self.next_replacement = Some(now + per_replacement);
        self.past.push((window.life, window.heard));
        *window = Window::new(now, (life, sequence), window.class, window.ticket, first_hand);
        true
    }
}

impl Window {
    fn new(
        heard: Instant,
        (life, sequence): (u32, u32),
        class: Class,
        ticket: u32,
        first_hand: bool,
    ) -> Self {
        Window { life, class, ticket, first_hand, heard, recent: Recent::new(sequence) }
    }

    fn note(&mut self, sequence: u32, may_jump: bool) -> Note {
        match self.recent.place(sequence) {
            Place::Ahead { by } if by > BROADCASTS_TOLD_APART && !may_jump => Note::Ahead,
            Place::Seen | Place::Past => Note::Repeated,
            Place::Ahead { .. } | Place::Missed => {
                self.recent.note(sequence);
                Note::New
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(30);

    fn limits(lives_max: usize) -> Limits {
        Limits { lives_max, quiet: QUIET, members_first: true, may_forget: true }
    }

    /// Notes a broadcast that a member passes on.
    fn note(seen: &mut Seen, now: Instant, id: (&str, u32, u32), lives_max: usize) -> Note {
        seen.note(now, id, limits(lives_max), true, || Sender::Relay)
    }

    /// Notes a broadcast, for which there is room; returns whether it is new.
    fn is_new(seen: &mut Seen, origin: &str, life: u32, sequence: u32) -> bool {
        let note = note(seen, Instant::ORIGIN, (origin, life, sequence), 40);
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
    fn a_jump_that_is_not_followed_leaves_no_trace() {
        let mut seen = Seen::default();
        for life in [1, 2] {
            for sequence in [0, 1, 1024] {
                let id = ("a", life, u32::MAX);
                let note = seen.note(Instant::ORIGIN, id, limits(40), false, || Sender::Relay);
                assert_eq!(note, Note::Ahead);
                assert!(is_new(&mut seen, "a", life, sequence));
            }
        }
    }

    #[test]
    fn only_who_fell_silent_makes_room_for_another() {
        let mut seen = Seen::default();
        let (start, later) = (Instant::ORIGIN, Instant::ORIGIN + QUIET);
        assert_eq!(note(&mut seen, start, ("a", 1, 0), 2), Note::New);
        assert_eq!(note(&mut seen, start, ("b", 1, 0), 2), Note::New);
        assert_eq!(note(&mut seen, start, ("c", 1, 0), 2), Note::Full);
        assert_eq!(note(&mut seen, later, ("a", 1, 0), 2), Note::Repeated);
        assert_eq!(note(&mut seen, later, ("c", 1, 0), 2), Note::New, "b gave way");
        assert_eq!(note(&mut seen, later, ("b", 1, 1), 2), Note::Full);
        assert_eq!(note(&mut seen, later, ("a", 1, 0), 2), Note::Repeated);
        let remembered: usize = seen.orders.iter().map(VecDeque::len).sum();
        assert_eq!((seen.origins.len(), remembered), (2, 2));
    }

    #[test]
    fn strangers_and_further_lives_leave_room_for_members() {
        let mut seen = Seen::default();
        let mut made_up = 0;
        for number in 0..1000 {
            let name = alloc::format!("stranger {number}");
            let id = (name.as_str(), 1, 0);
            let note = seen.note(Instant::ORIGIN, id, limits(40), true, || Sender::OfStranger);
            made_up += usize::from(note == Note::New);
        }
        for life in 0..1000 {
            for origin in ["a", "b", "c"] {
                note(&mut seen, Instant::ORIGIN, (origin, life, 0), 40);
            }
        }
        let remembered: Vec<usize> = seen.orders.iter().map(VecDeque::len).collect();
        assert_eq!((made_up, remembered), (10, alloc::vec![3, 10, 10]));
        for number in 0..17 {
            let name = alloc::format!("member {number}");
            assert!(is_new(&mut seen, &name, 1, 0));
        }
        assert_eq!(note(&mut seen, Instant::ORIGIN, ("one more", 1, 0), 40), Note::Full);
    }

    #[test]
    fn made_up_lives_keep_no_new_life_out_for_long_and_none_that_was_heard_from_the_origin() {
        let mut seen = Seen::default();
        let mut now = Instant::ORIGIN;
        let from_itself = |seen: &mut Seen, now, life, sequence| {
            seen.note(now, ("a", life, sequence), limits(4096), true, || Sender::Itself)
        };
        assert_eq!(from_itself(&mut seen, now, 1, 0), Note::New);
        for life in 1000..5096 {
            note(&mut seen, now, ("a", life, u32::MAX), 4096);
        }
        assert_eq!(note(&mut seen, now, ("a", 1, 1), 4096), Note::New, "it was there before");
        assert_eq!(from_itself(&mut seen, now, 2, 0), Note::New, "it says so itself");
        now += QUIET / 8;
        assert_eq!(note(&mut seen, now, ("a", 3, 0), 4096), Note::New, "one may give way again");
        assert_eq!(note(&mut seen, now, ("a", 3, 1), 4096), Note::New);
        assert_eq!(note(&mut seen, now, ("a", 4, 0), 4096), Note::Full);
    }

    #[test]
    fn copies_of_more_lives_than_are_remembered_do_not_count_as_new_for_ever() {
        let mut seen = Seen::default();
        let mut now = Instant::ORIGIN;
        let mut latest = now;
        for _ in 0..1000 {
            for life in 0..100 {
                if note(&mut seen, now, ("a", life, 0), 4096) == Note::New {
                    latest = now;
                }
            }
            now += QUIET / 30;
        }
        assert!(latest < Instant::ORIGIN + QUIET * 2, "{latest:?}");
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
        seen.orders[Class::Member as usize].pop_front();
        seen.check(3);
    }

    #[test]
    #[should_panic(expected = "seen: life 99 of b")]
    fn a_life_in_the_order_alone_is_noticed() {
        let mut seen = three_lives();
        seen.orders[Class::Member as usize][1].1 = 99;
        seen.check(3);
    }

    #[test]
    #[should_panic(expected = "seen: c has no life")]
    fn an_origin_without_a_life_is_noticed() {
        let mut seen = three_lives();
        seen.origins.insert(Name::trusted("c"), Lives::default());
        seen.check(3);
    }

    #[test]
    #[should_panic(expected = "seen: the highest of b")]
    fn a_highest_that_was_not_seen_is_noticed() {
        let mut seen = three_lives();
        for window in seen.origins.values_mut().flat_map(|lives| &mut lives.windows) {
            window.recent.lose_highest();
        }
        seen.origins.remove("a");
        for order in &mut seen.orders {
            order.retain(|(name, _)| name.as_str() == "b");
        }
        seen.check(3);
    }
}
