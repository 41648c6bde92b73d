//! Counts of the faults that seeds really saw.

use std::fmt;
use std::ops::AddAssign;

/// Counts of events by kind.
#[derive(Clone, Debug)]
pub struct Seen {
    /// In the order of printing.
    kinds: &'static [&'static str],
    counts: Vec<u64>,
}

impl Seen {
    /// Starts with no event of these kinds.
    #[must_use]
    pub fn nothing_of(kinds: &'static [&'static str]) -> Self {
        Seen { kinds, counts: vec![0; kinds.len()] }
    }

    /// Adds events of a kind.
    ///
    /// # Panics
    ///
    /// `kind` is not among the kinds.
    pub fn add(&mut self, kind: &str, number: u64) {
        let place = self.kinds.iter().position(|it| *it == kind);
        self.counts[place.unwrap_or_else(|| panic!("{kind} is not a kind"))] += number;
    }

    /// Returns the kinds that never happened.
    #[must_use]
    pub fn never(&self) -> Vec<&'static str> {
        let pairs = self.kinds.iter().zip(&self.counts);
        pairs.filter(|(_, number)| **number == 0).map(|(kind, _)| *kind).collect()
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(one, other)| *one += other);
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pairs = self.kinds.iter().zip(&self.counts);
        pairs.try_for_each(|(kind, number)| writeln!(f, "{number:9} {kind}"))
    }
}
