//! Counts false failures.

use std::collections::BTreeSet;

use swim_core::Event;
use swim_sim::World;

/// Counts of running members declared failed, over all observers.
///
/// It counts the `Failed` events of all nodes. A member that is declared failed once counts once
/// for each node that learns of it. The authors of Lifeguard count the same way, from the log lines
/// of all members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    slow: BTreeSet<String>,
    /// Events about any member, also about a slow one that looked dead to its peers.
    pub(crate) about_anyone: u64,
    /// Events about members that were not slow, at any observer. The paper's FP.
    pub(crate) about_healthy: u64,
    /// Of those, the events at observers that were not slow. The paper's FP-.
    pub(crate) between_healthy: u64,
    /// Suspicions of members that were not slow, at any observer.
    pub(crate) suspected_healthy: u64,
}

impl Census {
    /// Creates a census of a cluster in which these members are slow but never stop for good.
    pub(crate) fn new(slow: &[String]) -> Self {
        Census { slow: slow.iter().cloned().collect(), ..Census::default() }
    }

    /// Counts the events of these nodes since the last call, and drops them.
    pub(crate) fn count(&mut self, world: &mut World, nodes: &[String]) {
        for node in nodes {
            let observer_slow = self.slow.contains(node);
            for record in world.take_events(node) {
                match &record.event {
                    Event::Failed { member, .. } => {
                        let subject_slow = self.slow.contains(member.name.as_str());
                        self.about_anyone += 1;
                        self.about_healthy += u64::from(!subject_slow);
                        self.between_healthy += u64::from(!subject_slow && !observer_slow);
                    }
                    Event::Suspected { member, .. } => {
                        self.suspected_healthy +=
                            u64::from(!self.slow.contains(member.name.as_str()));
                    }
                    _ => {}
                }
            }
        }
    }
}
