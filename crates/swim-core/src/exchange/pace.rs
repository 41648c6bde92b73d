//! How long streams may take for the bytes on them.

use core::ops::Range;
use core::time::Duration;

use crate::time::Instant;

/// This many bytes, in either direction, give an exchange one more second. At about 2 Mbit/s, a
/// large transfer over a slow line is not cut off, but a peer that trickles bytes is.
const BYTES_PER_EXTRA_SECOND: usize = 256 << 10;

/// A stream of a peer keeps up if its first message is complete within this time, or if it sends at
/// the pace above from then on. It allows for two round trips of the slowest network that a preset
/// is made for, or one repeated packet. It matters only when streams run short.
pub(super) const FIRST_MESSAGE_TIME: Duration = Duration::from_secs(2);

/// A younger stream is not behind: its first packet may still be under way.
pub(super) const YOUNG_TIME: Duration = Duration::from_secs(1);

/// How much time a stream has for the bytes on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) now: Instant,
    /// How long a stream may be silent.
    pub(super) timeout: Duration,
    /// Any bytes earn time; for tests.
    pub(super) banks: bool,
}

/// The additional time that this many bytes give an exchange.
pub(super) fn extra_time(bytes: usize) -> Duration {
    more_time(0..bytes)
}

/// The additional time that these bytes give an exchange, as a range of all its counted bytes.
pub(super) fn more_time(bytes: Range<usize>) -> Duration {
    let seconds = |bytes: usize| (bytes / BYTES_PER_EXTRA_SECOND) as u64;
    Duration::from_secs(seconds(bytes.end) - seconds(bytes.start))
}

/// How long this many bytes may take.
pub(super) fn time_at_pace(bytes: usize) -> Duration {
    const NANOS_PER_BYTE: u64 = 1_000_000_000 / BYTES_PER_EXTRA_SECOND as u64;
    Duration::from_nanos(NANOS_PER_BYTE.saturating_mul(bytes as u64))
}
