//! Whether this node's view of the cluster has settled.

use std::time::Duration;

use swim_core::{Event, Instant, Node, Status, Wire};

use crate::joins::{Joins, Outcome};
use crate::seeds::Seeds;

/// The part of a node's past that decides whether its view has settled.
#[derive(Debug)]
pub(crate) struct Settling {
    /// When the node started.
    started: Instant,
    /// When a member last came, changed or went.
    changed: Instant,
    /// The last join found nothing but this node's own address.
    found_only_itself: bool,
}

impl Settling {
    pub(crate) fn new(started: Instant) -> Self {
        Settling { started, changed: started, found_only_itself: false }
    }

    /// Notes changes among the members.
    pub(crate) fn note_events(&mut self, now: Instant, events: &[Event]) {
        let is_change = |event: &Event| {
            matches!(
                event,
                Event::Joined { .. }
                    | Event::Updated { .. }
                    | Event::Failed { .. }
                    | Event::Left { .. }
            )
        };
        if events.iter().any(is_change) {
            self.changed = now;
        }
    }

    /// Notes how a join ended.
    pub(crate) fn note_join(&mut self, outcome: &Outcome) {
        self.found_only_itself = outcome.is_own_address();
    }

    /// Whether the view has settled: see [`Cluster::settled`](crate::Cluster::settled).
    pub(crate) fn is_settled(
        &self,
        now: Instant,
        node: &Node,
        joins: &Joins,
        seeds: &Seeds,
    ) -> bool {
        let config = node.config();
        // An application that joins right after the start is not settled before.
        if now < self.started + config.probe_interval || joins.has_waiting_caller() {
            return false;
        }
        // Nodes often share one list of seeds, and one of them has to be the first.
        let knows_its_cluster = node.has_exchanged() || seeds.is_empty() || self.found_only_itself;
        let quiet = match config.wire {
            Wire::Swim => Duration::ZERO,
            // Acks say nothing about views there.
            Wire::Memberlist => config.dissemination_bound(node.members_live()),
        };
        knows_its_cluster
            && now >= self.changed + quiet
            && node.status() == Status::Running
            && node.agrees_with_peers()
    }
}
