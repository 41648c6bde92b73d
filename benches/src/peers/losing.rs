//! A network that loses a quarter of all datagrams, while no node fails.

use core::fmt;
use core::time::Duration;

use swim_sim::secs;

use super::cluster::{Cluster, Setting};
use super::{float, number};

/// The column headings.
pub const HEADINGS: &str = concat!(
    "                       minutes   false failures   of 10,000 live pairs,   packets per   ",
    "bytes per   ... with   streams per\n",
    "                                       declared          held for failed       node-s      ",
    "node-s    headers        node-s",
);

/// The number of nodes.
const NODES: usize = 128;
/// The share of datagrams that is lost.
const LOSS: f64 = 0.25;

/// The effect of loss on a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Losing {
    name: &'static str,
    minutes: u64,
    declared: u64,
    missing: f64,
    packets: f64,
    bytes: f64,
    wire_bytes: f64,
    streams: f64,
}

/// Measures from the beginning of the loss.
///
/// Once a second it counts the ordered pairs of nodes of which one sees the other as failed, or
/// does not know it.
#[must_use]
pub fn measure<C: Cluster>(span: Duration) -> Losing {
    let mut cluster = C::assemble(Setting::new(1, NODES));
    cluster.run(secs(10));
    cluster.set_loss(LOSS);
    let (sent, declared) = (cluster.volume(), cluster.declared());
    let mut missing = 0;
    for _ in 0..span.as_secs() {
        cluster.run(secs(1));
        missing += (0..NODES).map(|node| NODES.saturating_sub(cluster.live(node))).sum::<usize>();
    }
    let sent = cluster.volume().since(sent);
    let node_seconds = number(NODES) * span.as_secs_f64();
    Losing {
        name: C::NAME,
        minutes: span.as_secs() / 60,
        declared: cluster.declared() - declared,
        missing: number(missing) / (node_seconds * number(NODES - 1)),
        packets: float(sent.packets) / node_seconds,
        bytes: float(sent.bytes()) / node_seconds,
        wire_bytes: float(sent.wire_bytes()) / node_seconds,
        streams: float(sent.streams) / node_seconds,
    }
}

impl fmt::Display for Losing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Losing { name, minutes, declared, missing, packets, bytes, wire_bytes, streams } = self;
        write!(f, "{name:<23}{minutes:>7}{declared:>17}{:>24.2}", missing * 1e4)?;
        write!(f, "{packets:>14.2}{bytes:>12.1}{wire_bytes:>11.1}{streams:>14.4}")
    }
}
