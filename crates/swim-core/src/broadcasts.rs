//! User broadcasts: their share of packets, and which were seen before.

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
        if next <= self.saved {
            self.saved.min(room)
        } else {
            0
        }
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        self.saved = self.saved.saturating_sub(bytes);
    }
}

/// Who said what, for the window of broadcasts seen.
#[derive(Debug)]
struct Window {
    incarnation: u32,
    highest: u32,
    seen: [u64; WINDOW as usize / 64],
}

/// How many of an origin's latest broadcasts are told apart; older ones count as seen. As many as
/// wait in a queue by default, so that the newest overtaking the oldest loses nothing.
const WINDOW: u32 = 1024;

/// Recognises user broadcasts that were seen before, by origin, incarnation and sequence.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    windows: BTreeMap<Name, Window>,
    order: VecDeque<Name>,
}

impl Seen {
    /// Notes a broadcast; returns whether it is new. Remembers at most `origins_max` origins.
    pub(crate) fn note(
        &mut self,
        origin: &str,
        incarnation: u32,
        sequence: u32,
        origins_max: usize,
    ) -> bool {
        if let Some(window) = self.windows.get_mut(origin) {
            return window.note(incarnation, sequence);
        }
        if self.windows.len() >= origins_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.windows.remove(&oldest);
        }
        let name = Name::trusted(origin);
        let mut window = Window {
            incarnation,
            highest: sequence,
            seen: [0; WINDOW as usize / 64],
        };
        window.mark(sequence);
        self.windows.insert(name.clone(), window);
        self.order.push_back(name);
        true
    }
}

impl Window {
    fn note(&mut self, incarnation: u32, sequence: u32) -> bool {
        if incarnation < self.incarnation {
            return false;
        }
        if incarnation > self.incarnation {
            // Another life of the origin, which counts from 0 again.
            *self = Window {
                incarnation,
                highest: sequence,
                seen: [0; WINDOW as usize / 64],
            };
        }
        if sequence > self.highest {
            let steps = (sequence - self.highest).min(WINDOW);
            for step in 1..=steps {
                self.clear(self.highest.wrapping_add(step));
            }
            if sequence - self.highest > WINDOW {
                self.seen = [0; WINDOW as usize / 64];
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
        let ticket = Ticket {
            subject: None,
            kind: MessageKind::Broadcast,
            request: None,
        };
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
        assert!(
            !seen.note("a", 1, 5, 9),
            "beyond the window everything counts as seen"
        );
        assert!(seen.note("a", 2, 5, 9), "another life counts anew");
        assert!(!seen.note("a", 1, 7, 9), "the earlier life is over");
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
        assert_eq!(seen.windows.len(), 2);
    }
}
