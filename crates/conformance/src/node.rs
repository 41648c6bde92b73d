//! A running node, as cases see it.

use std::net::SocketAddr;

use swim_driver::{Cluster, Event, Events, Notice, State};

use crate::wait::in_time;

pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    pub(crate) events: Events,
    pub(crate) node: swim_driver::Node,
}

impl From<swim_driver::Node> for Node {
    fn from(mut node: swim_driver::Node) -> Self {
        Node { cluster: node.cluster(), events: node.events(), node }
    }
}

impl Node {
    /// The address for others to join, as text.
    pub(crate) fn address(&self) -> String {
        self.cluster.local().address.to_string()
    }

    /// The address that it listens on.
    pub(crate) fn socket(&self) -> SocketAddr {
        self.cluster.local_address()
    }

    /// The state of a member in this node's view.
    pub(crate) fn state_of(&self, name: &str) -> Option<State> {
        self.cluster.member(name).map(|member| member.state)
    }

    /// Waits for an event for which `wanted` returns a value; skips all other events.
    pub(crate) async fn event<T>(&mut self, wanted: impl Fn(Event) -> Option<T>) -> T {
        let name = self.cluster.local().name;
        let search = async {
            loop {
                match self.events.next().await {
                    Some(Notice::Event(event)) => {
                        if let Some(found) = wanted(event) {
                            return found;
                        }
                    }
                    Some(_) => {}
                    None => panic!("the node ended"),
                }
            }
        };
        in_time(&format!("{name} tells of it"), search).await
    }

    /// Stops the node without a leave, and waits until it is gone.
    pub(crate) async fn crash(self) -> (Cluster, Events) {
        in_time("a node is stopped", self.node.stop()).await;
        (self.cluster, self.events)
    }
}
