//! What the network carried in some span.

use std::time::Duration;

use swim_core::Instant;
use swim_sim::{Traffic, World};

/// A meter that was set to zero at some instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    at: Instant,
    before: Traffic,
}

/// What the network carried while a meter ran. Payloads alone: the headers of IP, UDP and TCP are
/// not counted, and neither are the packets with which TCP opens, acknowledges and closes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// For how long the meter ran.
    pub(crate) span: Duration,
    /// Datagrams sent.
    pub(crate) packets: u64,
    /// Their bytes.
    pub(crate) packet_bytes: u64,
    /// Streams that were asked for.
    pub(crate) streams: u64,
    /// Bytes written to streams.
    pub(crate) stream_bytes: u64,
}

impl Meter {
    /// A meter that starts now.
    pub(crate) fn start(world: &World) -> Self {
        Meter { at: world.now(), before: world.traffic() }
    }

    /// What was carried since the meter started.
    pub(crate) fn read(&self, world: &World) -> Load {
        let (before, now) = (self.before, world.traffic());
        Load {
            span: world.now() - self.at,
            packets: now.packets - before.packets,
            packet_bytes: now.packet_bytes - before.packet_bytes,
            streams: now.streams - before.streams,
            stream_bytes: now.stream_bytes - before.stream_bytes,
        }
    }
}

impl Load {
    /// All bytes, datagrams and streams.
    pub(crate) fn bytes(&self) -> u64 {
        self.packet_bytes + self.stream_bytes
    }

    /// So much of something, for each of so many nodes and each second.
    pub(crate) fn per_node_second(&self, amount: u64, nodes: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a ratio, of which three digits are shown")]
        let (amount, nodes) = (amount as f64, nodes as f64);
        amount / nodes / self.span.as_secs_f64()
    }
}
