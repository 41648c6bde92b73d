//! False failures, counted.

use std::collections::BTreeSet;

use swim_core::Event;
use swim_sim::World;

/// How often running members were declared failed, and by whom it was believed.
///
/// What is counted are the `Failed` events of all nodes: a node that is declared failed once, and
/// of which everybody hears, counts once for each that hears of it. So do the authors of Lifeguard,
/// who count the log lines of all members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    slow: BTreeSet<String>,
    /// Events about any member: also about one that was slow, and looked dead to the others.
    pub(crate) about_anyone: u64,
    /// Events about members that were not slow, at any member. The paper's FP.
    pub(crate) about_healthy: u64,
    /// Of those, the ones at members that were not slow. The paper's FP-.
    pub(crate) between_healthy: u64,
    /// Suspicions of members that were not slow, at any member.
    pub(crate) suspected_healthy: u64,
}

impl Census {
    /// A census of a cluster in which these members are slow, and all go on running.
    pub(crate) fn new(slow: &[String]) -> Self {
        Census { slow: slow.iter().cloned().collect(), ..Census::default() }
    }

    /// Counts the events of these nodes since the last time, and drops them.
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
