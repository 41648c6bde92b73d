//! The latest messages of a node.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::message::{Message, Topic};

/// Keeps the latest messages of a node for peers that are behind. It is bounded in number and
/// bytes: the oldest messages are dropped.
#[derive(Debug)]
pub(crate) struct Ring {
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    messages_max: usize,
    bytes_max: usize,
    /// The number of the next message.
    next: u64,
}

impl Ring {
    pub(crate) fn new(messages_max: usize, bytes_max: usize) -> Self {
        let messages_max = messages_max.max(1);
        Ring { messages: VecDeque::new(), bytes: 0, messages_max, bytes_max, next: 1 }
    }

    /// Numbers a message and keeps it.
    pub(crate) fn push(&mut self, topic: Topic, text: String) -> Arc<Message> {
        let message = Arc::new(Message { seq: self.next, topic, text });
        self.next += 1;
        self.bytes += message.text.len();
        self.messages.push_back(Arc::clone(&message));
        while self.messages.len() > 1
            && (self.messages.len() > self.messages_max || self.bytes > self.bytes_max)
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= oldest.text.len();
        }
        message
    }

    /// Returns the number that the next message will get.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the number of the oldest kept message, or of the next one if none is kept.
    pub(crate) fn first(&self) -> u64 {
        self.messages.front().map_or(self.next, |oldest| oldest.seq)
    }

    /// Returns the kept messages from this number on.
    pub(crate) fn from(&self, seq: u64) -> impl Iterator<Item = &Arc<Message>> {
        let behind = seq.saturating_sub(self.first());
        self.messages.iter().skip(usize::try_from(behind).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_latest_in_number_and_bytes() {
        let topic: Topic = "t".parse().unwrap();
        let mut ring = Ring::new(3, 10);
        assert_eq!((ring.first(), ring.next()), (1, 1));
        for text in ["aa", "bb", "cc", "dd"] {
            ring.push(topic.clone(), text.into());
        }
        assert_eq!((ring.first(), ring.next()), (2, 5));
        assert_eq!(ring.from(3).map(|it| it.seq).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(ring.from(0).count(), 3);
        assert_eq!(ring.from(9).count(), 0);
        ring.push(topic.clone(), "x".repeat(8));
        assert_eq!(ring.first(), 4, "ten bytes are the limit");
        ring.push(topic, "x".repeat(100));
        assert_eq!((ring.first(), ring.next()), (6, 7), "the latest stays");
    }
}
