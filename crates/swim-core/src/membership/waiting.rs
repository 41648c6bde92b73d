//! Since when this node has its name, or what it waits for.

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::member::Incarnation;
use crate::output::RequestId;
use crate::time::Instant;

/// Whether this node has its name, and what it waits for if not.
#[derive(Debug)]
pub(super) struct Naming {
    /// Since when this node claims its name.
    pub(super) since: Instant,
    pub(super) waiting: Option<Waiting>,
}

/// Another node has this node's name.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) holder: SocketAddr,
    /// The highest incarnation of the holder, as far as this node knows.
    pub(super) incarnation: Incarnation,
    /// A question is under way.
    pub(super) asking: bool,
    /// It was answered, one way or another.
    pub(super) answered: bool,
    /// So many questions in a row were not.
    pub(super) unanswered: u8,
    /// The joins that wait for the first answer, and whom they joined at.
    pub(super) joins: Vec<(RequestId, SocketAddr)>,
}

impl Naming {
    pub(super) fn new(now: Instant) -> Self {
        Naming { since: now, waiting: None }
    }

    /// From here on this node claims its name.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since = now;
    }

    /// The commands that wait for the name.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.waiting.iter().flat_map(|waiting| waiting.joins.iter().map(|&(request, _)| request))
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// How long this node has had its name, in milliseconds; above 0.
    pub(super) fn lived(&self, now: Instant) -> u64 {
        u64::try_from((now - self.since).as_millis()).unwrap_or(u64::MAX).max(1)
    }
}
