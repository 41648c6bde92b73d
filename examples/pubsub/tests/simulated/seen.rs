//! Which faults the seeds really saw.

use std::fmt;
use std::ops::AddAssign;

/// Counts by kind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen([u64; KINDS.len()]);

/// The kinds, in the order in which they are printed.
const KINDS: [&str; 15] = [
    "messages taken",
    "messages heard",
    "messages owed to subscribers",
    "crashes",
    "restarts",
    "leaves",
    "pauses",
    "cuts both ways",
    "cuts one way",
    "heals",
    "datagrams lost",
    "pieces of streams stalled by a cut",
    "streams failed",
    "gaps told",
    "ends told",
];

impl Seen {
    /// Counts something of a kind.
    pub(crate) fn add(&mut self, kind: &str, number: u64) {
        let place = KINDS.iter().position(|it| *it == kind);
        self.0[place.unwrap_or_else(|| panic!("{kind} is no kind"))] += number;
    }

    /// The kinds that never happened.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        KINDS.into_iter().zip(self.0).filter(|(_, number)| *number == 0).map(|(it, _)| it).collect()
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(one, other)| *one += other);
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KINDS.iter().zip(self.0).try_for_each(|(kind, number)| writeln!(f, "{number:9} {kind}"))
    }
}
