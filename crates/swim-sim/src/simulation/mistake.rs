//! False suspicions and false positives.

use std::collections::BTreeSet;

/// Counts false suspicions or false positives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistakes {
    /// How many members were affected, counted once per run.
    pub members: usize,
    /// How many observers believed it: a mistake that all other nodes heard of counts once for
    /// each.
    pub events: usize,
}

/// The mistakes of a run in progress.
#[derive(Debug, Default)]
pub(super) struct Misjudged {
    members: BTreeSet<u32>,
    events: usize,
}

impl Misjudged {
    pub(super) fn add(&mut self, member: u32) {
        self.members.insert(member);
        self.events += 1;
    }
}

impl Mistakes {
    pub(super) fn add(&mut self, run: &Misjudged) {
        self.members += run.members.len();
        self.events += run.events;
    }
}
