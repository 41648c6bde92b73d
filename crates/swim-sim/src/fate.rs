//! The fate of a datagram, decided when it is sent and when it arrives.

use swim_core::Instant;

/// The fate of a datagram, decided when it is sent.
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
    /// It is dropped because the sender's queue is full: see [`Bandwidth`](crate::Bandwidth).
    Overflowed,
}

/// Whether the end of a link lets a datagram through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It passes.
    Open,
    /// The link was cut meanwhile: the datagram is lost.
    Cut,
    /// The link is clogged: keep the datagram, and deliver it in order once the link is free.
    Clogged,
}
