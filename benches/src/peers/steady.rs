//! A cluster in which nothing happens.

use core::fmt;
use core::time::Duration;

use cpu_time::ProcessTime;
use swim_core::Config;
use swim_sim::secs;

use super::cluster::{Cluster, Setting};
use super::{float, median, number};

/// The column headings.
pub const HEADINGS: &str = concat!(
    "                              N   node-s per   heap bytes per   packets per    bytes per  ",
    "... with   streams per\n",
    "                                       CPU-s    node x member        node-s       node-s   ",
    "headers        node-s",
);

/// The cost of an idle cluster.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    name: &'static str,
    nodes: usize,
    speed: f64,
    heap: f64,
    packets: f64,
    bytes: f64,
    wire_bytes: f64,
    streams: f64,
}

/// Measures a cluster from 30 s after its start, over one cycle of this library's push/pulls.
///
/// The speed is the median of `cycles` cycles. `heap` returns the bytes in use.
///
/// # Panics
///
/// If a node no longer knows all in the end.
#[must_use]
pub fn measure<C: Cluster>(nodes: usize, cycles: u32, heap: fn() -> usize) -> Steady {
    let before = heap();
    let mut cluster = C::assemble(Setting::new(1, nodes));
    cluster.run(secs(30));
    let span = cycle(nodes);
    let node_seconds = number(nodes) * span.as_secs_f64();
    let speed = |cluster: &mut C| {
        let start = ProcessTime::now();
        cluster.run(span);
        node_seconds / start.elapsed().as_secs_f64()
    };
    let sent = cluster.volume();
    let first = speed(&mut cluster);
    let (sent, heap) = (cluster.volume().since(sent), heap() - before);
    let speeds = (1..cycles).map(|_| speed(&mut cluster));
    let speed = median(speeds.chain([first]));
    assert!((0..nodes).all(|node| cluster.live(node) == nodes), "nothing happened");

    Steady {
        name: C::NAME,
        nodes,
        speed,
        heap: number(heap) / number(nodes * nodes),
        packets: float(sent.packets) / node_seconds,
        bytes: float(sent.bytes()) / node_seconds,
        wire_bytes: float(sent.wire_bytes()) / node_seconds,
        streams: float(sent.streams) / node_seconds,
    }
}

/// Returns the time for each node of this library to make one push/pull.
///
/// It is 30 s, scaled by cluster size. All periodic work of foca fits into it.
fn cycle(nodes: usize) -> Duration {
    let name = "any".parse().expect("it is a name");
    Config::lan(name, ([10, 0, 0, 1], 7946).into()).push_pull_interval_at(nodes)
}

impl fmt::Display for Steady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Steady { name, nodes, speed, heap, packets, bytes, wire_bytes, streams } = self;
        write!(f, "{name:<24}{nodes:>8}{speed:>13.0}{heap:>17.1}{packets:>14.2}")?;
        write!(f, "{bytes:>13.1}{wire_bytes:>10.1}{streams:>14.4}")
    }
}
