//! The network's load over some time.

use std::time::Duration;

use swim_core::Instant;
use swim_sim::{Traffic, World};

/// The beginning of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    at: Instant,
    before: Traffic,
}

/// The network's load during a measurement.
///
/// Payloads only: the headers of IP, UDP and TCP are not counted, nor are TCP's own packets for
/// opening, acknowledging and closing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The length of the measurement.
    pub(crate) span: Duration,
    /// Datagrams sent.
    pub(crate) packets: u64,
    /// Their bytes.
    pub(crate) packet_bytes: u64,
    /// Attempts to open a stream.
    pub(crate) streams: u64,
    /// Bytes written to streams.
    pub(crate) stream_bytes: u64,
}

impl Meter {
    /// Starts a measurement now.
    pub(crate) fn start(world: &World) -> Self {
        Meter { at: world.now(), before: world.traffic() }
    }

    /// Returns the load since the start.
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
    /// Returns all bytes of datagrams and streams.
    pub(crate) fn bytes(&self) -> u64 {
        self.packet_bytes + self.stream_bytes
    }

    /// Returns an amount per node and second.
    pub(crate) fn per_node_second(&self, amount: u64, nodes: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a ratio, of which three digits are shown")]
        let (amount, nodes) = (amount as f64, nodes as f64);
        amount / nodes / self.span.as_secs_f64()
    }
}
