//! The packets that wait for one link.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use swim_core::{Instant, PacketKind};

use crate::links::frames;

/// How many packets of each kind wait for a link. Within the time in which they become stale, a
/// node has a few pings and acks for one peer, and gossips with it some ten times.
const WAITING_MAX: usize = 32;

/// How much is written at once, unless one packet is longer. Small, so that the next urgent packet
/// waits briefly.
const WRITE_SIZE: usize = 16 << 10;

/// The packets that wait for a link: urgent ones, whose sender or receiver waits, and news.
#[derive(Debug, Default)]
pub(super) struct Queue {
    urgent: VecDeque<(Instant, Bytes)>,
    news: VecDeque<(Instant, Bytes)>,
}

impl Queue {
    /// Queues a packet. Returns how many were dropped to make room: the oldest.
    pub(super) fn push(&mut self, now: Instant, kind: PacketKind, packet: Bytes) -> u64 {
        let waiting = match kind {
            PacketKind::Probe | PacketKind::Answer => &mut self.urgent,
            PacketKind::News => &mut self.news,
        };
        let dropped = waiting.len() >= WAITING_MAX && waiting.pop_front().is_some();
        waiting.push_back((now, packet));
        u64::from(dropped)
    }

    /// Drops packets that waited longer than `after`. Returns how many.
    pub(super) fn drop_stale(&mut self, now: Instant, after: Duration) -> u64 {
        let mut dropped = 0;
        for waiting in [&mut self.urgent, &mut self.news] {
            while waiting.front().is_some_and(|&(since, _)| since + after < now) {
                waiting.pop_front();
                dropped += 1;
            }
        }
        dropped
    }

    /// Appends the next packets to write as frames, urgent ones first.
    pub(super) fn take_frames(&mut self, out: &mut Vec<u8>) {
        while let Some((_, packet)) = self.urgent.front().or(self.news.front()) {
            if !out.is_empty() && out.len() + packet.len() > WRITE_SIZE {
                return;
            }
            frames::append(out, packet);
            if self.urgent.pop_front().is_none() {
                self.news.pop_front();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.news.is_empty()
    }

    /// How many packets wait.
    pub(super) fn len(&self) -> u64 {
        (self.urgent.len() + self.news.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ORIGIN;

    fn packet(byte: u8) -> Bytes {
        vec![byte].into()
    }

    fn taken(queue: &mut Queue) -> Vec<u8> {
        let mut out = Vec::new();
        queue.take_frames(&mut out);
        out
    }

    #[test]
    fn the_urgent_goes_first_and_each_kind_in_order() {
        let mut queue = Queue::default();
        for (byte, kind) in [
            (1, PacketKind::News),
            (2, PacketKind::News),
            (3, PacketKind::Answer),
            (4, PacketKind::Probe),
        ] {
            assert_eq!(queue.push(NOW, kind, packet(byte)), 0);
        }
        assert_eq!(taken(&mut queue), [0, 1, 3, 0, 1, 4, 0, 1, 1, 0, 1, 2]);
        assert!(queue.is_empty());
    }

    #[test]
    fn of_what_does_not_fit_the_oldest_of_its_kind_is_dropped() {
        let mut queue = Queue::default();
        queue.push(NOW, PacketKind::Probe, packet(255));
        let dropped: u64 =
            (0..=32).map(|number| queue.push(NOW, PacketKind::News, packet(number))).sum();
        assert_eq!(dropped, 1);
        assert_eq!(taken(&mut queue)[..6], [0, 1, 255, 0, 1, 1]);
    }

    #[test]
    fn what_has_waited_too_long_is_dropped() {
        let (mut queue, after) = (Queue::default(), Duration::from_millis(500));
        queue.push(NOW, PacketKind::Probe, packet(1));
        queue.push(NOW, PacketKind::News, packet(2));
        queue.push(NOW + after, PacketKind::Probe, packet(3));
        assert_eq!(queue.drop_stale(NOW + after, after), 0);
        assert_eq!(queue.drop_stale(NOW + after + Duration::from_nanos(1), after), 2);
        assert_eq!(taken(&mut queue), [0, 1, 3]);
    }

    #[test]
    fn no_more_is_written_at_once_than_delays_what_follows_a_little() {
        let mut queue = Queue::default();
        for _ in 0..3 {
            queue.push(NOW, PacketKind::News, vec![0; WRITE_SIZE / 2].into());
        }
        assert_eq!(taken(&mut queue).len(), WRITE_SIZE / 2 + 2);
        assert_eq!(queue.len(), 2);
        // A packet beyond the limit goes alone.
        queue.push(NOW, PacketKind::Probe, vec![0; WRITE_SIZE * 2].into());
        assert_eq!(taken(&mut queue).len(), WRITE_SIZE * 2 + 2);
    }
}
