//! The messages that a node keeps: its log, from which readers read and members are served.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::message::{Message, Peer};

/// A message that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) message: Arc<Message>,
    pub(crate) until: Instant,
    /// Whether a client of this node published it.
    pub(crate) own: bool,
    /// Members that have had it, as far as this node knows: live ones at the time.
    pub(crate) had: BTreeSet<Peer>,
    /// The member that has taken it from this node and hands it on.
    pub(crate) handed_to: Option<Peer>,
}

/// The messages by the number that this node gave them, from 1.
#[derive(Debug, Default)]
pub(crate) struct Log {
    kept: BTreeMap<u64, Kept>,
    ends: BTreeSet<(Instant, u64)>,
    last: u64,
    bytes: usize,
    own: usize,
}

/// The entry that a reader finds in the log.
#[derive(Debug)]
pub(crate) enum Found {
    /// The message of the number that it asked for.
    Message(Arc<Message>),
    /// That one is not kept any more; the next one that is has this number.
    Gap(u64),
    /// No message has that number yet.
    Nothing,
}

impl Log {
    /// Appends a message, and gives its number.
    pub(crate) fn push(&mut self, kept: Kept) -> u64 {
        self.last += 1;
        self.bytes += kept.message.payload.len();
        self.own += usize::from(kept.own);
        self.ends.insert((kept.until, self.last));
        self.kept.insert(self.last, kept);
        self.last
    }

    /// Drops what has expired.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(&(until, number)) = self.ends.first().filter(|(until, _)| *until <= now) {
            self.ends.remove(&(until, number));
            if let Some(kept) = self.kept.remove(&number) {
                self.bytes -= kept.message.payload.len();
                self.own -= usize::from(kept.own);
            }
        }
    }

    /// When the next message expires.
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

    /// The number of the newest message, 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many of the messages clients of this node published.
    pub(crate) fn own(&self) -> usize {
        self.own
    }
}
