//! Clusters that are formed from the first instant.

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Scope, Wire, memberlist};
use swim_core::{Node, StreamInput};

use crate::contents;
use crate::host::Host;
use crate::trace::Mark;
use crate::world::World;

impl World {
    /// Makes a cluster of "n0", "n1", ... that know each other from the first instant.
    ///
    /// It is like a cluster long after it formed: there are no joins, no gossip about them, and no
    /// events. For thousands of nodes this is much faster than [`form`](World::form).
    ///
    /// # Panics
    /// If a node's configuration or hooks keep it from knowing all others.
    #[track_caller]
    pub fn assemble(&mut self, nodes: usize) {
        for number in 0..nodes {
            self.start(&format!("n{number}"));
        }
        self.note(format_args!("assemble {nodes}"));
        let everybody = self.everybody();
        for host in 0..self.hosts.len() {
            let number = u32::try_from(host).expect("fewer than 2^32 hosts");
            if self.hosts[host].process.is_some() {
                self.introduce(number, &everybody);
            }
        }
    }

    /// The push/pull of a node that knows all others.
    fn everybody(&self) -> Bytes {
        let members = self.hosts.iter().filter_map(Host::node).map(Node::local);
        let Some(config) = self.hosts.first().map(|host| &host.config) else {
            return Bytes::new();
        };
        let mut half = BytesMut::new();
        match config.wire {
            Wire::Swim => wire::encode_push_pull(Scope::Full, 0, members, &[], &mut half),
            Wire::Memberlist => memberlist::encode_push_pull(false, members, &[], &mut half),
        }
        contents::stream(config, &half, self.options.seed)
    }

    /// Gives a node this half of a push/pull, as from the first host, and drops its outputs.
    #[track_caller]
    fn introduce(&mut self, number: u32, half: &Bytes) {
        self.trace.mark(self.now, number, Mark::Accept);
        let from = self.hosts[0].address;
        let host = &mut self.hosts[number as usize];
        let now = host.clock.reading(self.now);
        let node = host.bare_node().expect("a cluster of bare nodes is assembled");
        let id = node.handle_accept(now, from).expect("a new node has no streams");
        node.handle_stream(now, id, StreamInput::Data(half));
        node.handle_stream(now, id, StreamInput::Finished);
        while node.poll_output().is_some() {}
        self.check(number, |checker, by| checker.started(by));
        let known = self.hosts[number as usize].node().map_or(0, Node::members_live);
        if known != self.hosts.iter().filter(|host| host.takes_part().is_some()).count() {
            self.fail(&format!("n{number} knows only {known} members of the cluster"), None);
        }
        self.pump(number);
    }
}
