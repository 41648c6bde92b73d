//! A cluster of foca nodes on virtual time.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use foca::{Config, Foca, Member, NoCustomBroadcast};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use swim_core::Instant;

use super::cluster::{Cluster, Setting, Volume};
use super::foca_codec::FixedWidth;
use super::foca_config::config;
use super::foca_identity::Peer;
use super::foca_kind::Kind;
use super::foca_queue::Task;
use super::foca_wire::{Down, Wire};

/// A foca node with the fastest generator of `rand`, and without user broadcasts.
pub(super) type FocaNode = Foca<Peer, FixedWidth, SmallRng, NoCustomBroadcast>;

/// Creates the node of a host.
pub(super) fn node(host: u32, seed: u64, config: Config, codec: FixedWidth) -> FocaNode {
    let rng = SmallRng::seed_from_u64((seed << 32) | u64::from(host));
    Foca::new(Peer::on(host), config, rng, codec)
}

/// A cluster of foca nodes.
///
/// Its event loop has the shape of a `World`'s: a heap of due tasks, datagrams in a table, one turn
/// of one node at a time.
pub struct FocaCluster<K> {
    setting: Setting,
    /// `None` for a host without power.
    hosts: Vec<Option<FocaNode>>,
    wire: Wire,
    kind: PhantomData<K>,
}

impl<K> fmt::Debug for FocaCluster<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The nodes are not `Debug`.
        let FocaCluster { setting, hosts, wire, kind: _ } = self;
        let mut text = f.debug_struct("FocaCluster");
        text.field("setting", setting).field("hosts", &hosts.len()).field("wire", wire).finish()
    }
}

impl<K: Kind> FocaCluster<K> {
    /// Runs `work` on the node of a host, if it has one.
    ///
    /// # Panics
    ///
    /// If the node reports an error, which this network should not cause.
    fn turn(
        &mut self,
        host: u32,
        work: impl FnOnce(&mut FocaNode, &mut Wire) -> Result<(), foca::Error>,
    ) {
        self.wire.host = host;
        if let Some(node) = &mut self.hosts[host as usize] {
            work(node, &mut self.wire).unwrap_or_else(|error| panic!("host {host}: {error}"));
        }
    }

    fn start(&mut self) -> u32 {
        let host = u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts");
        let config = config(self.setting.expected, K::PATIENCE);
        let codec = FixedWidth { name: K::NAME_BYTES };
        self.hosts.push(Some(node(host, self.setting.seed, config, codec)));
        host
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Packet(place) => {
                let packet = self.wire.take(place);
                self.turn(packet.to, |node, wire| node.handle_data(&packet.bytes, wire));
                self.wire.give_back(place, packet);
            }
            Task::Timer(host, timer) => {
                self.wire.timer = true;
                self.turn(host, |node, wire| node.handle_timer(timer, wire));
                self.wire.timer = false;
            }
        }
    }
}

impl<K: Kind> Cluster for FocaCluster<K> {
    const NAME: &'static str = K::NAME;

    fn assemble(setting: Setting) -> Self {
        let wire = Wire::new(setting.seed, setting.records);
        let mut cluster = FocaCluster { setting, hosts: Vec::new(), wire, kind: PhantomData };
        for _ in 0..setting.nodes {
            cluster.start();
        }
        let hosts = 0..u32::try_from(setting.nodes).expect("fewer than 2^32 hosts");
        cluster.wire.staggered = true;
        for host in hosts.clone() {
            let others = hosts.clone().filter(|other| *other != host);
            let members = others.map(|other| Member::alive(Peer::on(other)));
            cluster.turn(host, |node, wire| node.apply_many(members, false, wire));
        }
        cluster.wire.staggered = false;
        cluster
    }

    fn now(&self) -> Instant {
        self.wire.now
    }

    fn run(&mut self, span: Duration) {
        let end = self.wire.now + span;
        while let Some((at, task)) = self.wire.queue.pop_until(end) {
            self.wire.now = at;
            self.perform(task);
        }
        self.wire.now = end;
    }

    fn join(&mut self, contact: usize) {
        let contact = Peer::on(u32::try_from(contact).expect("a host"));
        let host = self.start();
        self.turn(host, |node, wire| node.announce(contact, wire));
    }

    fn power_off(&mut self, node: usize) {
        self.hosts[node] = None;
    }

    fn set_loss(&mut self, probability: f64) {
        self.wire.network.set_loss(probability);
    }

    fn volume(&self) -> Volume {
        self.wire.volume
    }

    fn nodes(&self) -> usize {
        self.hosts.len()
    }

    fn live(&self, node: usize) -> usize {
        // It does not count itself.
        1 + self.hosts[node].as_ref().map_or(0, FocaNode::num_members)
    }

    fn declared(&self) -> u64 {
        self.wire.declared
    }

    fn held_failed_since(&self, node: usize) -> Vec<Instant> {
        let downs = self.wire.downs.as_ref().expect("records were asked for");
        let subject = |down: &&Down| down.subject as usize == node;
        downs.iter().filter(subject).map(|down| down.at).collect()
    }
}
