//! The share of packets for user broadcasts.

use super::queue::Queue;

/// The share of packets for user broadcasts while they wait, in bytes saved up. It is a quarter of
/// every packet, so that even a broadcast as large as a packet goes out with every fourth.
#[derive(Debug, Default)]
pub(super) struct Share {
    saved: usize,
}

impl Share {
    /// How many of `room` bytes broadcasts may take before membership news.
    pub(super) fn allot(
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

    /// Asserts that at most one packet's size is saved up.
    pub(super) fn check(&self, packet_size_max: usize) {
        let saved = self.saved;
        assert!(saved <= packet_size_max, "share: {saved} bytes, a packet has {packet_size_max}");
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.saved = self.saved.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::super::queue::{Subject, Ticket, Tier, Waiter};
    use super::*;
    use crate::stats::MessageKind;

    #[test]
    fn broadcasts_get_a_quarter_of_the_packets_even_when_large() {
        let (mut share, mut queue) = (Share::default(), Queue::default());
        assert_eq!(share.allot(&queue, 1000, 1400), 0);
        let ticket = Ticket {
            subject: Subject::Nothing,
            kind: MessageKind::Broadcast,
            waiter: Waiter::Nobody,
        };
        queue.push(Bytes::from(alloc::vec![0; 900]), Tier::Normal, ticket);
        let allotted: Vec<usize> = (0..4).map(|_| share.allot(&queue, 1000, 1400)).collect();
        assert_eq!(allotted, [0, 0, 0, 1000]);
    }

    #[test]
    #[should_panic(expected = "share: 1401 bytes, a packet has 1400")]
    fn a_share_beyond_a_packet_is_noticed() {
        Share { saved: 1401 }.check(1400);
    }
}
