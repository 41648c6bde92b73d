//! What a scenario asks of a cluster, whoever's it is.

use core::time::Duration;

use swim_core::Instant;

/// What a cluster is made with.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Whence all chance comes.
    pub seed: u64,
    /// How many nodes there are at the start; they know each other.
    pub nodes: usize,
    /// For how many the nodes are configured, where their configuration depends on it.
    pub expected: usize,
    /// Whether to remember who was told failed, by whom and when.
    pub records: bool,
}

impl Setting {
    /// A cluster of so many that stays as large as it is, and remembers nothing.
    #[must_use]
    pub fn new(seed: u64, nodes: usize) -> Self {
        Setting { seed, nodes, expected: nodes, records: false }
    }
}

/// What was sent, whether or not it arrived. Bytes are those that a node gives out: no headers of
/// IP, UDP or TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Datagrams.
    pub packets: u64,
    /// Their bytes.
    pub packet_bytes: u64,
    /// Streams that were asked for.
    pub streams: u64,
    /// Bytes written to streams.
    pub stream_bytes: u64,
}

impl Volume {
    /// What a datagram costs besides its bytes: IPv4 and UDP.
    const PACKET_HEADER: u64 = 28;
    /// What a stream costs besides its bytes: some ten segments to open, acknowledge and close it,
    /// each with 40 bytes of IPv4 and TCP.
    const STREAM_HEADERS: u64 = 400;

    /// What was sent since.
    #[must_use]
    pub fn since(self, earlier: Volume) -> Volume {
        Volume {
            packets: self.packets - earlier.packets,
            packet_bytes: self.packet_bytes - earlier.packet_bytes,
            streams: self.streams - earlier.streams,
            stream_bytes: self.stream_bytes - earlier.stream_bytes,
        }
    }

    /// All bytes given out.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.packet_bytes + self.stream_bytes
    }

    /// About how many bytes went over the wire, headers included.
    #[must_use]
    pub fn wire_bytes(self) -> u64 {
        // A full segment carries 1,460 bytes and 40 of headers, and every other one is
        // acknowledged.
        let segments = self.stream_bytes / 1_460;
        self.bytes()
            + self.packets * Self::PACKET_HEADER
            + self.streams * Self::STREAM_HEADERS
            + segments * 60
    }
}

/// A cluster on a simulated network. Its nodes are numbered from 0.
pub trait Cluster: Sized {
    /// What it is called in the tables.
    const NAME: &'static str;

    /// Makes a cluster whose nodes know each other, as it looks long after it formed, on a network
    /// that takes 0.5 to 2 ms and loses nothing.
    fn assemble(setting: Setting) -> Self;

    /// The virtual time.
    fn now(&self) -> Instant;

    /// Lets this much time pass.
    fn run(&mut self, span: Duration);

    /// Starts one more node, which joins through this one.
    fn join(&mut self, contact: usize);

    /// Takes the power from a node's host: nothing answers there any more.
    fn power_off(&mut self, node: usize);

    /// Sets the probability that a datagram is lost.
    fn set_loss(&mut self, probability: f64);

    /// What was sent so far.
    fn volume(&self) -> Volume;

    /// How many nodes were started.
    fn nodes(&self) -> usize;

    /// How many members a running node holds for live, suspects and itself included.
    fn live(&self, node: usize) -> usize;

    /// How often a node declared another one failed so far, because a suspicion of its own timed
    /// out. Those who only hear of it do not count.
    fn declared(&self) -> u64;

    /// When each of the others first held this node for failed, in any order.
    fn held_failed_since(&self, node: usize) -> Vec<Instant>;
}
