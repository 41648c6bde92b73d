//! How long streams may take for what comes on them.

use core::ops::Range;
use core::time::Duration;

use crate::time::Instant;

/// Each this many bytes, in either direction, give an exchange one more second: about 2 Mbit/s, so
/// that a large transfer over a slow line is not cut off, while a peer that trickles bytes is.
const BYTES_PER_EXTRA_SECOND: usize = 256 << 10;

/// A stream that a peer opened keeps up when its first message is whole after this time, or it
/// sends at the pace above from then on. Two round trips of the slowest network that a profile is
/// made for, or one packet that is sent again. It matters only where streams run short.
pub(super) const FIRST_MESSAGE_TIME: Duration = Duration::from_secs(2);

/// A younger stream is not behind: its first packet may be under way still.
pub(super) const YOUNG_TIME: Duration = Duration::from_secs(1);

/// How much time a stream has for what comes on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) now: Instant,
    /// How long a stream may be silent.
    pub(super) timeout: Duration,
    /// Whatever comes earns time, as a test wants it.
    pub(super) banks: bool,
}

/// How much more time so many bytes give an exchange.
pub(super) fn extra_time(bytes: usize) -> Duration {
    more_time(0..bytes)
}

/// How much more time these bytes give an exchange, of those that count for it.
pub(super) fn more_time(bytes: Range<usize>) -> Duration {
    let seconds = |bytes: usize| (bytes / BYTES_PER_EXTRA_SECOND) as u64;
    Duration::from_secs(seconds(bytes.end) - seconds(bytes.start))
}

/// How long so many bytes may take.
pub(super) fn time_at_pace(bytes: usize) -> Duration {
    const NANOS_PER_BYTE: u64 = 1_000_000_000 / BYTES_PER_EXTRA_SECOND as u64;
    Duration::from_nanos(NANOS_PER_BYTE.saturating_mul(bytes as u64))
}
