//! What nodes said of others without reason.

use std::collections::BTreeSet;

/// How often running members were suspected, or declared failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// How many members it happened to; one to which it happened in two runs counts twice.
    pub members: usize,
    /// How often a node believed it of one of them: a single mistake of which all others hear
    /// counts once for each.
    pub events: usize,
}

/// The mistakes of one run while it goes on.
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
