//! Since when this node has its name, or which node it waits for.

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::member::Incarnation;
use crate::output::RequestId;
use crate::time::Instant;

/// Whether this node has its name, and the state of its wait if not.
#[derive(Debug)]
pub(super) struct Naming {
    /// Since when this node claims its name.
    pub(super) since: Instant,
    pub(super) waiting: Option<Waiting>,
}

/// The wait for a name that another node has.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) holder: SocketAddr,
    /// The holder's highest known incarnation.
    pub(super) incarnation: Incarnation,
    /// A question is in flight.
    pub(super) asking: bool,
    /// The last question was answered, by any route.
    pub(super) answered: bool,
    /// Questions in a row without an answer.
    pub(super) unanswered: u8,
    /// Joins that wait for the first answer, and their contacts.
    pub(super) joins: Vec<(RequestId, SocketAddr)>,
}

impl Naming {
    pub(super) fn new(now: Instant) -> Self {
        Naming { since: now, waiting: None }
    }

    /// Claims the name from now on.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since = now;
    }

    /// Commands that wait for the name.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.waiting.iter().flat_map(|waiting| waiting.joins.iter().map(|&(request, _)| request))
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// How long this node has had its name, in milliseconds; at least 1.
    pub(super) fn lived(&self, now: Instant) -> u64 {
        u64::try_from((now - self.since).as_millis()).unwrap_or(u64::MAX).max(1)
    }
}
