//! A cluster in which nothing happens.

use core::fmt;
use core::time::Duration;

use cpu_time::ProcessTime;
use swim_core::Config;
use swim_sim::secs;

use super::cluster::{Cluster, Setting};
use super::{float, median, number};

/// What the columns say.
pub const HEADINGS: &str = concat!(
    "                              N   node-s per   heap bytes per   packets per    bytes per  ",
    "... with   streams per\n",
    "                                       CPU-s    node x member        node-s       node-s   ",
    "headers        node-s",
);

/// What a cluster costs that has nothing to do.
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

/// Measures a cluster from 30 s after it was assembled, over one cycle of push/pulls of this
/// library, and the speed again over further ones, so many in all: the median counts. `heap` says
/// how many bytes are in use.
///
/// # Panics
///
/// When somebody no longer knows everybody in the end.
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

/// How long each node of this library takes to make one push/pull: 30 s, stretched as the size of
/// the cluster asks for. All that foca does regularly fits in.
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
