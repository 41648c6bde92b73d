//! What can go wrong: pauses, clocks, loss, and broken links.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Message};

use crate::host::Condition;
use crate::network::{Blocks, Chance, HostSet, Latency};
use crate::trace::Mark;
use crate::world::World;

impl World {
    /// Stops a node's process, as SIGSTOP or a suspended virtual machine does. Its sockets go on
    /// collecting: datagrams up to a limit, the newest being dropped, and streams.
    #[track_caller]
    pub fn pause(&mut self, name: &str) {
        let host = self.existing(name);
        assert!(!self.is_paused(host), "{name} is paused already");
        self.note(format_args!("pause {name}"));
        self.hosts[host as usize].condition = Condition::Paused;
        self.trace.mark(self.now, host, Mark::Pause);
    }

    /// Lets a paused process go on. It is given what came in the meantime, and only then its timers
    /// fire, all at this instant: the order of a turn that adapters keep.
    #[track_caller]
    pub fn resume(&mut self, name: &str) {
        let host = self.existing(name);
        assert!(self.is_paused(host), "{name} is not paused");
        self.note(format_args!("resume {name}"));
        self.hosts[host as usize].condition = Condition::Running;
        self.trace.mark(self.now, host, Mark::Resume);
        self.catch_up(host);
    }

    /// Sets a host's clock forward. Timers that were set before go off when they would have.
    #[track_caller]
    pub fn clock_forward(&mut self, name: &str, by: Duration) {
        let host = self.host(name);
        self.note(format_args!("set the clock of {name} forward by {by:?}"));
        self.hosts[host as usize].clock.forward(by);
        self.trace.mark(self.now, host, Mark::ClockJump);
    }

    /// Sets a host's clock back. Timers that were set before go off when they would have.
    #[track_caller]
    pub fn clock_back(&mut self, name: &str, by: Duration) {
        let host = self.host(name);
        self.note(format_args!("set the clock of {name} back by {by:?}"));
        self.hosts[host as usize].clock.back(by);
        self.trace.mark(self.now, host, Mark::ClockJump);
    }

    /// Cuts every link between one group and another, both ways, for datagrams and streams.
    #[track_caller]
    pub fn cut(&mut self, one: &[&str], other: &[&str]) {
        self.note(format_args!("cut {one:?} from {other:?}"));
        let (one, other) = (self.host_set(one), self.host_set(other));
        self.network.break_links(one.clone(), other.clone(), Blocks::Everything);
        self.network.break_links(other, one, Blocks::Everything);
    }

    /// Cuts the link from one node to another, and not the way back.
    #[track_caller]
    pub fn cut_one_way(&mut self, from: &str, to: &str) {
        self.note(format_args!("cut {from} to {to} one way"));
        let (from, to) = (self.host_set(&[from]), self.host_set(&[to]));
        self.network.break_links(from, to, Blocks::Everything);
    }

    /// Cuts every link to a node, and not the way back, from every node started so far: it can be
    /// heard, and hears nothing.
    #[track_caller]
    pub fn deafen(&mut self, name: &str) {
        self.note(format_args!("nothing reaches {name}"));
        let (from, to) = (self.everybody_but(name), self.host_set(&[name]));
        self.network.break_links(from, to, Blocks::Everything);
    }

    /// Cuts every link from a node, and not the way back, to every node started so far: it hears, and
    /// cannot be heard.
    #[track_caller]
    pub fn silence(&mut self, name: &str) {
        self.note(format_args!("nothing from {name} arrives"));
        let (from, to) = (self.host_set(&[name]), self.everybody_but(name));
        self.network.break_links(from, to, Blocks::Everything);
    }

    /// Cuts every link of a node, both ways, to every node started so far.
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

    /// Stops every datagram to a node from every node started so far. Streams pass.
    #[track_caller]
    pub fn block_datagrams_to(&mut self, name: &str) {
        self.note(format_args!("block datagrams to {name}"));
        let (from, to) = (self.everybody_but(name), self.host_set(&[name]));
        self.network.break_links(from, to, Blocks::Datagrams);
    }

    /// Stops every datagram from a node to every node started so far. Streams pass.
    #[track_caller]
    pub fn block_datagrams_from(&mut self, name: &str) {
        self.note(format_args!("block datagrams from {name}"));
        let (from, to) = (self.host_set(&[name]), self.everybody_but(name));
        self.network.break_links(from, to, Blocks::Datagrams);
    }

    /// Repairs every cut and every block. Loss stays as it is set.
    pub fn heal(&mut self) {
        self.note(format_args!("heal"));
        self.network.heal();
    }

    /// Sets the probability, 0.0 to 1.0, that a datagram is lost. Streams are delayed instead.
    pub fn set_loss(&mut self, probability: f64) {
        self.note(format_args!("loss {probability}"));
        self.network.set_loss(Chance::new(probability));
    }

    /// Sets the probability that a datagram to or from this node is lost, on top of the general one.
    #[track_caller]
    pub fn set_loss_of(&mut self, name: &str, probability: f64) {
        self.set_loss_from(name, probability);
        self.set_loss_to(name, probability);
    }

    /// Sets the probability that a datagram from this node is lost, on top of the general one.
    #[track_caller]
    pub fn set_loss_from(&mut self, name: &str, probability: f64) {
        let host = self.host(name);
        self.note(format_args!("loss of what {name} sends {probability}"));
        self.network.set_loss_from(host, Chance::new(probability));
    }

    /// Sets the probability that a datagram to this node is lost, on top of the general one.
    #[track_caller]
    pub fn set_loss_to(&mut self, name: &str, probability: f64) {
        let host = self.host(name);
        self.note(format_args!("loss of what is sent to {name} {probability}"));
        self.network.set_loss_to(host, Chance::new(probability));
    }

    /// Sets how long datagrams and pieces of streams are on their way from now on.
    pub fn set_latency(&mut self, latency: Latency) {
        self.note(format_args!("latency {latency:?}"));
        self.network.set_latency(latency);
    }

    /// Sends a datagram to a node from an address that may be anybody's.
    #[track_caller]
    pub fn inject(&mut self, from: SocketAddr, to: &str, payload: impl Into<Bytes>) {
        let (host, to) = (self.host(to), self.address(to));
        self.trace.mark(self.now, host, Mark::Inject);
        let payload = payload.into();
        self.trace.packet_out(self.now, host, to, &payload);
        self.launch_packet(self.host_at(from), from, to, payload);
    }

    /// Sends a node one message in a datagram of its cluster, from an address that may be anybody's:
    /// forged or late news, say. What lives at that address did not send it.
    #[track_caller]
    pub fn forge(&mut self, from: SocketAddr, to: &str, message: &Message<'_>) {
        let label = &self.hosts[self.host(to) as usize].config.label;
        let mut packet = BytesMut::new();
        wire::begin_packet(label, &mut packet);
        message.encode(&mut packet);
        self.inject(from, to, packet.freeze());
    }

    pub(crate) fn is_paused(&self, host: u32) -> bool {
        self.hosts[host as usize].condition == Condition::Paused
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
