//! The interface of a cluster, of either library.

use core::time::Duration;

use swim_core::Instant;

/// The parameters of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The number of nodes at the start, which know each other.
    pub nodes: usize,
    /// The number of nodes to configure for, if the configuration depends on it.
    pub expected: usize,
    /// Whether to record the failures that each node learns of.
    pub records: bool,
}

impl Setting {
    /// Returns the parameters of a cluster of constant size, without records.
    #[must_use]
    pub fn new(seed: u64, nodes: usize) -> Self {
        Setting { seed, nodes, expected: nodes, records: false }
    }
}

/// The traffic sent, whether it arrived or not.
///
/// Bytes are those that a node outputs, without headers of IP, UDP or TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Datagrams.
    pub packets: u64,
    /// Their bytes.
    pub packet_bytes: u64,
    /// Attempts to open a stream.
    pub streams: u64,
    /// Bytes written to streams.
    pub stream_bytes: u64,
}

impl Volume {
    /// The headers of a datagram: IPv4 and UDP.
    const PACKET_HEADER: u64 = 28;
    /// The headers of a stream.
    ///
    /// About ten segments open, acknowledge and close it, each with 40 bytes of IPv4 and TCP.
    const STREAM_HEADERS: u64 = 400;

    /// Returns the traffic since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Volume) -> Volume {
        Volume {
            packets: self.packets - earlier.packets,
            packet_bytes: self.packet_bytes - earlier.packet_bytes,
            streams: self.streams - earlier.streams,
            stream_bytes: self.stream_bytes - earlier.stream_bytes,
        }
    }

    /// Returns all output bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.packet_bytes + self.stream_bytes
    }

    /// Returns an estimate of the bytes on the wire, headers included.
    #[must_use]
    pub fn wire_bytes(self) -> u64 {
        // A full segment carries 1,460 bytes and 40 of headers. Every second one is acknowledged.
        let segments = self.stream_bytes / 1_460;
        self.bytes()
            + self.packets * Self::PACKET_HEADER
            + self.streams * Self::STREAM_HEADERS
            + segments * 60
    }
}

/// A cluster on a simulated network. Its nodes are numbered from 0.
pub trait Cluster: Sized {
    /// Its name in the tables.
    const NAME: &'static str;

    /// Assembles a cluster whose nodes know each other, as long after it formed.
    ///
    /// The network takes 0.5 to 2 ms and loses nothing.
    fn assemble(setting: Setting) -> Self;

    /// Returns the virtual time.
    fn now(&self) -> Instant;

    /// Lets this much time pass.
    fn run(&mut self, span: Duration);

    /// Starts one more node, which joins through `contact`.
    fn join(&mut self, contact: usize);

    /// Cuts the power of a node's host, which then answers nothing.
    fn power_off(&mut self, node: usize);

    /// Sets the probability that a datagram is lost.
    fn set_loss(&mut self, probability: f64);

    /// Returns the traffic so far.
    fn volume(&self) -> Volume;

    /// Returns the number of nodes started.
    fn nodes(&self) -> usize;

    /// Returns the live members of a running node, including itself.
    fn live(&self, node: usize) -> usize;

    /// Counts the failures declared so far by a node whose own suspicion timed out.
    ///
    /// Nodes that only learn of a failure do not count.
    fn declared(&self) -> u64;

    /// Returns when each peer first saw this node as failed, in any order.
    fn held_failed_since(&self, node: usize) -> Vec<Instant>;
}
