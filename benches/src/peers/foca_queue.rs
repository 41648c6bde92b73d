//! The tasks of a foca cluster: a heap ordered by time, then by order of arrival.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use foca::Timer;
use swim_core::Instant;

use super::foca_identity::Peer;

/// A task that falls due.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// The datagram at this place arrives.
    Packet(u32),
    /// A timer of a host's node.
    Timer(u32, Timer<Peer>),
}

#[derive(Debug)]
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
    /// Reversed: the heap returns its greatest entry, and the earliest is wanted.
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
pub(super) struct Queue {
    heap: BinaryHeap<Entry>,
    sequence: u64,
}

impl Queue {
    /// Adds a task.
    pub(super) fn push(&mut self, at: Instant, task: Task) {
        self.sequence += 1;
        self.heap.push(Entry { at, sequence: self.sequence, task });
    }

    /// Returns the next task, if it is due by then.
    pub(super) fn pop_until(&mut self, limit: Instant) -> Option<(Instant, Task)> {
        if self.heap.peek()?.at > limit {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_by_time_and_then_in_the_order_they_were_added() {
        let mut queue = Queue::default();
        for (at, place) in [(5, 0), (3, 1), (5, 2)] {
            queue.push(Instant::from_nanos(at), Task::Packet(place));
        }
        assert!(queue.pop_until(Instant::from_nanos(2)).is_none());
        let order = core::iter::from_fn(|| queue.pop_until(Instant::from_nanos(5)));
        let places = order.map(|(_, task)| match task {
            Task::Packet(place) => place,
            Task::Timer(..) => unreachable!(),
        });
        assert_eq!(places.collect::<Vec<_>>(), [1, 0, 2]);
    }
}
