//! The messages that a node keeps: its log, for readers and for other members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::message::{Message, Peer};

/// A message in the log.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) message: Arc<Message>,
    pub(crate) until: Instant,
    /// Whether a client of this node published it.
    pub(crate) own: bool,
    /// Live members that have had the message, as far as this node knows.
    pub(crate) had: BTreeSet<Peer>,
    /// The member that took the message from this node, and hands it on.
    pub(crate) handed_to: Option<Peer>,
}

/// The kept messages, by the number that this node gave them, from 1.
#[derive(Debug, Default)]
pub(crate) struct Log {
    kept: BTreeMap<u64, Kept>,
    ends: BTreeSet<(Instant, u64)>,
    last: u64,
    bytes: usize,
    own: usize,
}

/// The log's answer to a reader that asks for a number.
#[derive(Debug)]
pub(crate) enum Found {
    /// The message with this number.
    Message(Arc<Message>),
    /// That message has expired; the next one kept has this number.
    Gap(u64),
    /// No message has that number yet.
    Nothing,
}

impl Log {
    /// Appends a message and returns its number.
    pub(crate) fn push(&mut self, kept: Kept) -> u64 {
        self.last += 1;
        self.bytes += kept.message.payload.len();
        self.own += usize::from(kept.own);
        self.ends.insert((kept.until, self.last));
        self.kept.insert(self.last, kept);
        self.last
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(&(until, number)) = self.ends.first().filter(|(until, _)| *until <= now) {
            self.ends.remove(&(until, number));
            if let Some(kept) = self.kept.remove(&number) {
                self.bytes -= kept.message.payload.len();
                self.own -= usize::from(kept.own);
            }
        }
    }

    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(until, _)| *until)
    }

    pub(crate) fn read(&self, number: u64) -> Found {
        match self.kept.range(number..).next() {
            Some((&at, kept)) if at == number => Found::Message(Arc::clone(&kept.message)),
            Some((&at, _)) => Found::Gap(at),
            None if number <= self.last => Found::Gap(self.last + 1),
            None => Found::Nothing,
        }
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Kept> {
        self.kept.get_mut(&number)
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Kept> {
        self.kept.get(&number)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Kept> {
        self.kept.values_mut()
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.kept.keys().copied().collect()
    }

    /// Returns the number of the newest message, 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many of the messages this node's own clients published.
    pub(crate) fn own(&self) -> usize {
        self.own
    }
}
