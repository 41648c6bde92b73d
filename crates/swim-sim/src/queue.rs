//! What happens next: a heap of tasks, ordered by time and then by the order they were added in.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use swim_core::Instant;

use crate::connection::{ConnectionId, Side};

/// Something that falls due at an instant. Small, because the heap moves it around a lot: packets
/// and connections wait in tables, and the task names their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// The datagram at this place of the packet table arrives.
    Packet(u32),
    /// A host's timer. Of several for one host, only the one with its current generation counts.
    Timer { host: u32, generation: u32 },
    /// A connection request arrives at the host it is for.
    Request(ConnectionId),
    /// A connection request has waited long enough.
    RequestTimeout(ConnectionId),
    /// Something on a connection arrives at one of its ends.
    Lane(ConnectionId, Side),
    /// What a clogged link holds on a connection may have been held for too long.
    HeldLane(ConnectionId, Side),
    /// A driver gets to run, if its host's process is still that of this life.
    Turn { host: u32, life: u32 },
    /// The answer to the lookup at this place of the name service arrives.
    Lookup(u32),
    /// The hostile host acts, if it is still that one.
    Hostile { generation: u32 },
    /// The hostile host goes on with a stream, or breaks it off.
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
    /// Reversed: the standard heap gives out its greatest entry, and the earliest is wanted.
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

/// The tasks that are still to come.
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

    /// The next task, if it is due at `limit` or before.
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
