//! The logical clock of a Serf cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

use crate::intent;

/// The first byte of the state that Serf agents exchange in a push/pull.
const PUSH_PULL: u8 = 2;

/// The deepest nesting of maps and lists, since a peer could nest without limit. Serf nests four.
const DEPTH_MAX: usize = 16;

/// The common field of several kinds of messages.
#[derive(Deserialize)]
struct Timed {
    #[serde(rename = "LTime")]
    time: u64,
}

fn time_in(body: &[u8]) -> Option<u64> {
    let mut reader = rmp_serde::Deserializer::new(body);
    reader.set_max_depth(DEPTH_MAX);
    Timed::deserialize(&mut reader).ok().map(|timed| timed.time)
}

/// A Lamport clock. Serf ignores an intent unless it is later than the member's last one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    /// Advances to the time in this message of Serf, if it has a time of this clock.
    pub(crate) fn hear(&self, message: &[u8]) {
        if let [intent::LEAVE | intent::JOIN | PUSH_PULL, body @ ..] = message
            && let Some(time) = time_in(body)
        {
            self.0.fetch_max(time, Ordering::Relaxed);
        }
    }

    /// Returns a time after all times so far.
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
    fn a_time_is_found_behind_values_of_every_kind() {
        let clock = Clock::default();
        clock.hear(b"\x02\x83\xa1a\x92\x01\x81\xa1a\xc0\xa1b\xda\x00\x02xy\xa5LTime\xcd\x01\x2c");
        assert_eq!(clock.next(), 301);
    }

    #[test]
    fn what_is_cut_off_or_too_deep_has_no_time() {
        let clock = Clock::default();
        let message = Intent::Join.encode("somebody", 1 << 40);
        (0..message.len() - 14).for_each(|size| clock.hear(&message[..size]));
        let deep = [&b"\x02\x82\xa4deep"[..], &[0x91; 100_000]].concat();
        clock.hear(&deep);
        assert_eq!(clock.next(), 1);
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
