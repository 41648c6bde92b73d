//! The queue of tasks: a heap, ordered by time and then by insertion.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use swim_core::Instant;

use crate::connection::{ConnectionId, Side};

/// A task that falls due at an instant. It is small, because the heap moves it often: packets and
/// connections are in tables, and the task has their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// The datagram at this place of the packet table arrives.
    Packet(u32),
    /// A host's timer. Only the one with the current generation counts.
    Timer { host: u32, generation: u32 },
    /// A connection request arrives at its host.
    Request(ConnectionId),
    /// A connection request times out.
    RequestTimeout(ConnectionId),
    /// An item of a connection arrives at one of its ends.
    Lane(ConnectionId, Side),
    /// A clogged link may have held an item of a connection for too long.
    HeldLane(ConnectionId, Side),
    /// A driver takes a turn, if its host's process still has this life.
    Turn { host: u32, life: u32 },
    /// The answer to the lookup at this place of the name service arrives.
    Lookup(u32),
    /// The hostile host acts, if it still has this generation.
    Hostile { generation: u32 },
    /// The hostile host continues a stream, or breaks it off.
    HostileTalk(ConnectionId),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Instant,
    sequence: u64,
    task: Task,
}

impl Entry {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.sequence)
    }
}

impl Ord for Entry {
    /// Reversed: the standard heap returns the greatest entry, but the earliest is needed.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

/// The pending tasks.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Entry>,
    sequence: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Instant, task: Task) {
        self.sequence += 1;
        self.heap.push(Entry { at, sequence: self.sequence, task });
    }

    /// Takes the next task, if it is due at `limit` or before.
    pub(crate) fn pop_until(&mut self, limit: Instant) -> Option<(Instant, Task)> {
        if self.heap.peek()?.at > limit {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.task))
    }

    /// When the next task is due.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_by_time_and_then_in_the_order_they_were_added() {
        let mut queue = Queue::default();
        let at = Instant::from_nanos;
        queue.push(at(5), Task::Packet(0));
        queue.push(at(3), Task::Packet(1));
        queue.push(at(5), Task::Packet(2));
        assert_eq!(queue.next_at(), Some(at(3)));
        assert_eq!(queue.pop_until(at(2)), None);
        let order: Vec<_> = core::iter::from_fn(|| queue.pop_until(at(5))).collect();
        assert_eq!(
            order,
            [(at(3), Task::Packet(1)), (at(5), Task::Packet(0)), (at(5), Task::Packet(2))]
        );
    }
}
