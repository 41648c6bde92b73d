//! The logical clock of a Serf cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{intent, msgpack};

/// The first byte of what Serf's agents exchange in a push/pull.
const PUSH_PULL: u8 = 2;

/// A Lamport clock: an intent that is not later than the last one of its member is ignored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    /// Goes on to what this message of Serf's tells, if it tells a time of this clock at all.
    pub(crate) fn hear(&self, message: &[u8]) {
        if let [intent::LEAVE | intent::JOIN | PUSH_PULL, body @ ..] = message
            && let Some(time) = msgpack::number_in_map(body, "LTime")
        {
            self.0.fetch_max(time, Ordering::Relaxed);
        }
    }

    /// A time after all others.
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Intent;

    #[test]
    fn the_next_time_is_after_all_that_was_heard() {
        let clock = Clock::default();
        assert_eq!(clock.next(), 1);
        clock.hear(&Intent::Join.encode("somebody", 41));
        clock.hear(&Intent::Leave.encode("somebody", 7));
        assert_eq!((clock.next(), clock.next()), (42, 43));
    }

    #[test]
    fn user_events_have_a_clock_of_their_own() {
        let clock = Clock::default();
        let mut event = Intent::Join.encode("somebody", 41);
        event[0] = 3;
        clock.hear(&event);
        assert_eq!(clock.next(), 1);
    }
}
