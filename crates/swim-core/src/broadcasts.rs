//! User broadcasts: their share of packets, and which were seen before.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};

use crate::gossip::Queue;
use crate::member::Name;

/// The share of packets that user broadcasts get while they wait, in bytes saved up: a quarter of
/// every packet, so that even one as large as a packet goes out with every fourth.
#[derive(Debug, Default)]
pub(crate) struct Share {
    saved: usize,
}

impl Share {
    /// How many of `room` bytes broadcasts may take before membership news.
    pub(crate) fn allot(
        &mut self,
        broadcasts: &Queue,
        room: usize,
        packet_size_max: usize,
    ) -> usize {
        let Some(next) = broadcasts.next_len() else {
            self.saved = 0;
            return 0;
        };
        self.saved = (self.saved + room / 4).min(packet_size_max);
        if next <= self.saved { self.saved.min(room) } else { 0 }
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        self.saved = self.saved.saturating_sub(bytes);
    }
}

/// Which broadcasts of one life of an origin were seen.
#[derive(Debug)]
struct Window {
    life: u32,
    highest: u32,
    seen: [u64; WINDOW as usize / 64],
}

/// How many of an origin's latest broadcasts are told apart; older ones count as seen. As many as
/// wait in a queue by default, so that the newest overtaking the oldest loses nothing.
const WINDOW: u32 = 1024;

/// The present life of an origin, and the one before, of which stragglers may still come.
#[derive(Debug)]
struct Origin {
    present: Window,
    before: Option<Window>,
}

/// Recognises user broadcasts that were seen before, by origin, life and sequence.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    origins: BTreeMap<Name, Box<Origin>>,
    order: VecDeque<Name>,
}

impl Seen {
    /// Notes a broadcast; returns whether it is new. Remembers at most `origins_max` origins.
    pub(crate) fn note(
        &mut self,
        origin: &str,
        life: u32,
        sequence: u32,
        origins_max: usize,
    ) -> bool {
        if let Some(origin) = self.origins.get_mut(origin) {
            return origin.note(life, sequence);
        }
        if self.origins.len() >= origins_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.origins.remove(&oldest);
        }
        let name = Name::trusted(origin);
        let present = Window::new(life, sequence);
        self.origins.insert(name.clone(), Box::new(Origin { present, before: None }));
        self.order.push_back(name);
        true
    }
}

impl Origin {
    fn note(&mut self, life: u32, sequence: u32) -> bool {
        if self.present.life == life {
            return self.present.note(sequence);
        }
        match &mut self.before {
            Some(before) if before.life == life => before.note(sequence),
            _ => {
                let present = Window::new(life, sequence);
                self.before = Some(core::mem::replace(&mut self.present, present));
                true
            }
        }
    }
}

impl Window {
    fn new(life: u32, sequence: u32) -> Self {
        let mut window = Window { life, highest: sequence, seen: [0; WINDOW as usize / 64] };
        window.mark(sequence);
        window
    }

    fn note(&mut self, sequence: u32) -> bool {
        if sequence > self.highest {
            let steps = (sequence - self.highest).min(WINDOW);
            for step in 1..=steps {
                self.clear(self.highest.wrapping_add(step));
            }
            self.highest = sequence;
        } else if self.highest - sequence >= WINDOW || self.is_marked(sequence) {
            return false;
        }
        self.mark(sequence);
        true
    }

    fn mark(&mut self, sequence: u32) {
        self.seen[(sequence % WINDOW / 64) as usize] |= 1 << (sequence % 64);
    }

    fn clear(&mut self, sequence: u32) {
        self.seen[(sequence % WINDOW / 64) as usize] &= !(1 << (sequence % 64));
    }

    fn is_marked(&self, sequence: u32) -> bool {
        self.seen[(sequence % WINDOW / 64) as usize] & (1 << (sequence % 64)) != 0
    }
}

/// Origin and key.
type KeyedId = (Name, Box<[u8]>);

/// The broadcasts with a key that wait in the queue: (place, sequence) by (origin, key).
#[derive(Debug, Default)]
pub(crate) struct Keyed {
    waiting: BTreeMap<KeyedId, (u32, u32)>,
    by_place: BTreeMap<u32, KeyedId>,
}

impl Keyed {
    /// The place and sequence of the broadcast of this origin and key that waits.
    pub(crate) fn find(&self, origin: &Name, key: &[u8]) -> Option<(u32, u32)> {
        if key.is_empty() {
            return None;
        }
        self.waiting.get(&(origin.clone(), key.into())).copied()
    }

    pub(crate) fn insert(&mut self, origin: Name, key: &[u8], place: u32, sequence: u32) {
        let id = (origin, Box::from(key));
        self.by_place.insert(place, id.clone());
        self.waiting.insert(id, (place, sequence));
    }

    /// The message at this place left the queue.
    pub(crate) fn remove(&mut self, place: u32) {
        if let Some(id) = self.by_place.remove(&place) {
            self.waiting.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::*;
    use crate::gossip::{Ticket, Tier};
    use crate::stats::MessageKind;

    #[test]
    fn broadcasts_get_a_quarter_of_the_packets_even_when_large() {
        let (mut share, mut queue) = (Share::default(), Queue::default());
        assert_eq!(share.allot(&queue, 1000, 1400), 0);
        let ticket = Ticket { subject: None, kind: MessageKind::Broadcast, request: None };
        queue.push(Bytes::from(alloc::vec![0; 900]), Tier::Normal, ticket);
        let allotted: Vec<usize> = (0..4).map(|_| share.allot(&queue, 1000, 1400)).collect();
        assert_eq!(allotted, [0, 0, 0, 1000]);
    }

    #[test]
    fn broadcasts_are_recognised_in_any_order() {
        let mut seen = Seen::default();
        for sequence in [5, 3, 4, 1029, 6] {
            assert!(seen.note("a", 1, sequence, 9), "{sequence} is new");
            assert!(!seen.note("a", 1, sequence, 9), "{sequence} is repeated");
        }
        assert!(!seen.note("a", 1, 5, 9), "beyond the window everything counts as seen");
        assert!(seen.note("a", 2, 5, 9), "another life counts anew");
        assert!(seen.note("a", 1, 7, 9), "a straggler of the life before");
        assert!(!seen.note("a", 1, 7, 9) && !seen.note("a", 2, 5, 9));
        assert!(seen.note("b", 1, 5, 9));
    }

    #[test]
    fn a_jump_ahead_forgets_what_is_out_of_the_window() {
        let mut seen = Seen::default();
        assert!(seen.note("a", 1, 0, 9));
        assert!(seen.note("a", 1, u32::MAX, 9));
        assert!(seen.note("a", 1, u32::MAX - 1, 9));
        assert!(!seen.note("a", 1, u32::MAX, 9));
    }

    #[test]
    fn origins_are_forgotten_beyond_the_limit() {
        let mut seen = Seen::default();
        for origin in ["a", "b", "c"] {
            assert!(seen.note(origin, 1, 0, 2));
        }
        assert!(seen.note("a", 1, 0, 2), "a gave way to c");
        assert_eq!(seen.origins.len(), 2);
    }
}
