//! What becomes of a datagram: when it is sent, and when it arrives.

use swim_core::Instant;

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives at this time.
    Arrives(Instant),
    /// It arrives twice, at these times, in any order.
    Twice(Instant, Instant),
    /// It is lost by chance.
    Lost,
    /// A cut stops it.
    Cut,
    /// The sender's queue is full, and it is dropped there: see [`Bandwidth`](crate::Bandwidth).
    Overflowed,
}

/// Whether what has come to the end of its way is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It is.
    Open,
    /// The link was cut while it was on its way: it is lost.
    Cut,
    /// The link is clogged: keep it until the link is not, and let it through then, in order.
    Clogged,
}
