//! The identity of one run of a node.

use std::fmt;
use std::str::FromStr;

/// One run of a node, identified by a random number that the node draws when it starts.
///
/// Message numbers restart at 1 in each life, so (life, number) identifies a message, and a
/// restarted node is not taken for its former run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(pub u64);

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Life {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Life)
    }
}
