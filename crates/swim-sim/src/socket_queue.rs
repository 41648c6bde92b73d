//! The input that waits in a host's sockets.

use std::collections::VecDeque;

use swim_core::StreamId;

use crate::connection::{ConnectionId, Side};

/// Input for a stalled process, or for a driver until its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The datagram at this place of the packet table.
    Packet(u32),
    /// The next item of a lane.
    Lane(ConnectionId, Side),
    /// The last write to this stream has completed. Only drivers get this.
    Written(StreamId),
    /// The answer to the lookup at this place of the name service.
    Lookup(u32),
}

/// The input that waits in a host's sockets, in order of arrival. Datagrams have a limit.
#[derive(Debug, Default)]
pub(crate) struct SocketQueue {
    waiting: VecDeque<Waiting>,
    /// How many of them are datagrams.
    datagrams: usize,
}

impl SocketQueue {
    /// Whether a buffer for this many datagrams can take another.
    pub(crate) fn has_room(&self, datagrams_max: usize) -> bool {
        self.datagrams < datagrams_max
    }

    pub(crate) fn push(&mut self, waiting: Waiting) {
        self.datagrams += usize::from(matches!(waiting, Waiting::Packet(_)));
        self.waiting.push_back(waiting);
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.datagrams -= usize::from(matches!(waiting, Waiting::Packet(_)));
        Some(waiting)
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_alone_fill_their_buffer_until_they_are_taken() {
        let mut queue = SocketQueue::default();
        queue.push(Waiting::Lookup(1));
        assert!(queue.has_room(1) && !queue.has_room(0));
        queue.push(Waiting::Packet(2));
        assert!(!queue.has_room(1) && queue.has_room(2));
        assert_eq!(queue.pop(), Some(Waiting::Lookup(1)));
        assert!(!queue.has_room(1));
        assert_eq!(queue.pop(), Some(Waiting::Packet(2)));
        assert!(queue.has_room(1) && queue.is_empty());
    }
}
