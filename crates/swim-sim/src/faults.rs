//! Faults of clocks and of the network. Stalled processes are in `stall.rs`, clogged links in
//! `clog.rs`.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use swim_core::wire::Message;
use swim_core::{Config, Node};

use crate::bandwidth::Bandwidth;
use crate::contents;
use crate::latency::Latency;
use crate::links::{Between, Blocks, HostSet};
use crate::loss::Loss;
use crate::network_options::Reordering;
use crate::trace::Mark;
use crate::world::World;

impl World {
    /// Sets a host's clock forward. Timers already set fire at their original time.
    #[track_caller]
    pub fn clock_forward(&mut self, name: &str, by: Duration) {
        let host = self.host(name);
        self.note(format_args!("set the clock of {name} forward by {by:?}"));
        self.hosts[host as usize].clock.forward(by);
        self.trace.mark(self.now, host, Mark::ClockJump);
    }

    /// Sets a host's clock back. Timers already set fire at their original time.
    #[track_caller]
    pub fn clock_back(&mut self, name: &str, by: Duration) {
        let host = self.host(name);
        self.note(format_args!("set the clock of {name} back by {by:?}"));
        self.hosts[host as usize].clock.back(by);
        self.trace.mark(self.now, host, Mark::ClockJump);
    }

    /// Makes a host's clock run fast, or slow if negative, in parts per million (10,000 are 1%).
    ///
    /// The reading does not jump, and a timer already set fires at its original time.
    ///
    /// # Panics
    /// If the clock would run at less than half or more than twice the speed.
    #[track_caller]
    pub fn set_drift(&mut self, name: &str, parts_per_million: i32) {
        assert!(
            (-500_000..=1_000_000).contains(&parts_per_million),
            "half to twice the speed, not {parts_per_million} parts per million"
        );
        let host = self.host(name);
        self.note(format_args!("drift of {name} {parts_per_million} ppm"));
        self.hosts[host as usize].clock.set_drift(self.now, parts_per_million);
        self.trace.mark(self.now, host, Mark::Drift);
    }

    /// Forwards everything sent to this address to a node.
    ///
    /// See [`start_announcing`](World::start_announcing).
    ///
    /// # Panics
    /// If the address leads to a node already.
    #[track_caller]
    pub fn forward(&mut self, announced: SocketAddr, name: &str) {
        self.note(format_args!("{announced} leads to {name}"));
        let host = self.host(name);
        assert!(self.host_at(announced).is_none(), "{announced} leads to somebody");
        self.other_addresses.insert(announced, host);
    }

    /// Ends a [`forward`](World::forward): nothing sent to this address arrives.
    ///
    /// # Panics
    /// If nothing is forwarded from this address.
    #[track_caller]
    pub fn end_forwarding(&mut self, announced: SocketAddr) {
        self.note(format_args!("{announced} leads nowhere"));
        let led = self.other_addresses.remove(&announced);
        assert!(led.is_some(), "{announced} led nowhere");
    }

    /// Cuts every link between two groups, both ways, for datagrams and streams.
    #[track_caller]
    pub fn cut(&mut self, one: &[&str], other: &[&str]) {
        self.note(format_args!("cut {one:?} from {other:?}"));
        let (one, other) = (self.host_set(one), self.host_set(other));
        self.network.break_links(one.clone(), other.clone(), Blocks::Everything);
        self.network.break_links(other, one, Blocks::Everything);
    }

    /// Cuts the link from one node to another, but not the way back.
    #[track_caller]
    pub fn cut_one_way(&mut self, from: &str, to: &str) {
        self.note(format_args!("cut {from} to {to} one way"));
        let (from, to) = (self.host_set(&[from]), self.host_set(&[to]));
        self.network.break_links(from, to, Blocks::Everything);
    }

    /// Cuts every link to a node from those started so far: it sends, but receives nothing.
    #[track_caller]
    pub fn deafen(&mut self, name: &str) {
        self.note(format_args!("nothing reaches {name}"));
        let (from, to) = (self.everybody_but(name), self.host_set(&[name]));
        self.network.break_links(from, to, Blocks::Everything);
    }

    /// Cuts every link from a node to those started so far: it receives, but sends without effect.
    #[track_caller]
    pub fn silence(&mut self, name: &str) {
        self.note(format_args!("nothing from {name} arrives"));
        let (from, to) = (self.host_set(&[name]), self.everybody_but(name));
        self.network.break_links(from, to, Blocks::Everything);
    }

    /// Cuts every link from one group to another, but not the way back.
    #[track_caller]
    pub fn cut_groups_one_way(&mut self, from: &[&str], to: &[&str]) {
        self.note(format_args!("cut {from:?} to {to:?} one way"));
        let (from, to) = (self.host_set(from), self.host_set(to));
        self.network.break_links(from, to, Blocks::Everything);
    }

    /// Cuts every link between a node and those started so far, both ways.
    #[track_caller]
    pub fn isolate(&mut self, name: &str) {
        self.note(format_args!("isolate {name}"));
        let (one, others) = (self.host_set(&[name]), self.everybody_but(name));
        self.network.break_links(one.clone(), others.clone(), Blocks::Everything);
        self.network.break_links(others, one, Blocks::Everything);
    }

    /// Stops datagrams from one node to another. Streams pass.
    #[track_caller]
    pub fn block_datagrams(&mut self, from: &str, to: &str) {
        self.note(format_args!("block datagrams from {from} to {to}"));
        let (from, to) = (self.host_set(&[from]), self.host_set(&[to]));
        self.network.break_links(from, to, Blocks::Datagrams);
    }

    /// Stops datagrams to a node from all nodes started so far. Streams pass.
    #[track_caller]
    pub fn block_datagrams_to(&mut self, name: &str) {
        self.note(format_args!("block datagrams to {name}"));
        let (from, to) = (self.everybody_but(name), self.host_set(&[name]));
        self.network.break_links(from, to, Blocks::Datagrams);
    }

    /// Stops datagrams from a node to all nodes started so far. Streams pass.
    #[track_caller]
    pub fn block_datagrams_from(&mut self, name: &str) {
        self.note(format_args!("block datagrams from {name}"));
        let (from, to) = (self.host_set(&[name]), self.everybody_but(name));
        self.network.break_links(from, to, Blocks::Datagrams);
    }

    /// Stops streams between a node and all nodes started so far, both ways. Datagrams pass.
    #[track_caller]
    pub fn block_streams_of(&mut self, name: &str) {
        self.note(format_args!("block streams of {name}"));
        let (one, others) = (self.host_set(&[name]), self.everybody_but(name));
        self.network.break_links(one.clone(), others.clone(), Blocks::Streams);
        self.network.break_links(others, one, Blocks::Streams);
    }

    /// Breaks links until [`mend`](World::mend) with the same argument; [`heal`](World::heal)
    /// leaves them broken.
    pub(crate) fn break_for_long(&mut self, between: Between) {
        self.note(format_args!("broken until they are mended: {between:?}"));
        self.network.break_for_long(between);
    }

    /// Ends a [`break_for_long`](World::break_for_long).
    pub(crate) fn mend(&mut self, between: Between) {
        self.note(format_args!("mended: {between:?}"));
        self.network.mend(between);
    }

    /// Repairs every cut, block and clog. Loss stays as set.
    pub fn heal(&mut self) {
        self.note(format_args!("heal"));
        self.network.heal();
        self.release_held();
    }

    /// Sets which datagrams are lost: a probability, 0.0 to 1.0, or any [`Loss`].
    ///
    /// Lost pieces of streams are delayed instead.
    #[track_caller]
    pub fn set_loss(&mut self, loss: impl Into<Loss>) {
        let loss = loss.into();
        self.note(format_args!("loss {loss:?}"));
        self.network.set_loss(loss);
    }

    /// Sets the loss, 0.0 to 1.0, of datagrams from and to this node, on top of the general loss.
    #[track_caller]
    pub fn set_loss_of(&mut self, name: &str, probability: f64) {
        self.set_loss_from(name, probability);
        self.set_loss_to(name, probability);
    }

    /// Sets the loss, 0.0 to 1.0, of datagrams from this node, on top of the general loss.
    #[track_caller]
    pub fn set_loss_from(&mut self, name: &str, probability: f64) {
        let host = self.host(name);
        self.note(format_args!("loss of what {name} sends {probability}"));
        self.network.set_loss_from(host, probability);
    }

    /// Sets the loss, 0.0 to 1.0, of datagrams to this node, on top of the general loss.
    #[track_caller]
    pub fn set_loss_to(&mut self, name: &str, probability: f64) {
        let host = self.host(name);
        self.note(format_args!("loss of what is sent to {name} {probability}"));
        self.network.set_loss_to(host, probability);
    }

    /// Sets the probability, 0.0 to 1.0, that a datagram arrives twice.
    #[track_caller]
    pub fn set_duplication(&mut self, probability: f64) {
        self.note(format_args!("duplication {probability}"));
        self.network.set_duplication(probability);
    }

    /// Delays datagrams with this probability, 0.0 to 1.0, so that others overtake them.
    ///
    /// The additional delay is at most `delay_max`.
    #[track_caller]
    pub fn set_reordering(&mut self, probability: f64, delay_max: Duration) {
        self.note(format_args!("reordering {probability}, up to {delay_max:?}"));
        self.network.set_reordering(Reordering { probability, delay_max });
    }

    /// Sets how fast hosts send; unlimited if `None`. A host with its own bandwidth keeps that.
    #[track_caller]
    pub fn set_bandwidth(&mut self, bandwidth: Option<Bandwidth>) {
        self.note(format_args!("bandwidth {bandwidth:?}"));
        self.network.set_bandwidth(bandwidth);
    }

    /// Sets how fast the host of this node sends, in place of the general bandwidth.
    #[track_caller]
    pub fn set_bandwidth_of(&mut self, name: &str, bandwidth: Option<Bandwidth>) {
        let host = self.host(name);
        self.note(format_args!("bandwidth of {name} {bandwidth:?}"));
        self.network.set_bandwidth_of(host, bandwidth);
    }

    /// Sets the latency of datagrams and of pieces of streams from now on.
    #[track_caller]
    pub fn set_latency(&mut self, latency: Latency) {
        self.note(format_args!("latency {latency:?}"));
        self.network.set_latency(latency);
    }

    /// Sends a datagram to a node with any source address.
    #[track_caller]
    pub fn inject(&mut self, from: SocketAddr, to: &str, payload: impl Into<Bytes>) {
        let (host, to) = (self.host(to), self.address(to));
        self.trace.mark(self.now, host, Mark::Inject);
        self.check_forged();
        self.disturb();
        let payload = payload.into();
        self.check_question(host, from, &payload);
        self.trace.packet_out(self.now, host, to, &payload);
        self.launch_packet(self.host_at(from), from, to, payload);
    }

    /// Sends one message to a node in a datagram of its cluster, with any source address.
    ///
    /// It is sealed as the node's datagrams are. Use it for forged or late news: the node at that
    /// address did not send it.
    #[track_caller]
    pub fn forge(&mut self, from: SocketAddr, to: &str, message: &Message<'_>) {
        let host = &self.hosts[self.host(to) as usize];
        let config = host.node().map_or(&host.config, Node::config).clone();
        self.forge_as(&config, from, to, message);
    }

    /// Sends one message to a node in a datagram of another cluster. See [`forge`](World::forge).
    ///
    /// The datagram is written, labelled and sealed as by a node with this configuration.
    #[track_caller]
    pub fn forge_as(&mut self, config: &Config, from: SocketAddr, to: &str, message: &Message<'_>) {
        let packet = contents::packet(config, core::slice::from_ref(message), self.options.seed);
        self.inject(from, to, packet);
    }

    #[track_caller]
    fn host_set(&self, names: &[&str]) -> HostSet {
        names.iter().map(|name| self.host(name)).collect()
    }

    #[track_caller]
    fn everybody_but(&self, name: &str) -> HostSet {
        let one = self.host(name);
        (0..).zip(&self.hosts).map(|(number, _)| number).filter(|number| *number != one).collect()
    }
}
