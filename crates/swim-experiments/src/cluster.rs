//! The clusters that experiments are made with.

use swim_core::{Config, Stats};
use swim_sim::{World, WorldOptions};

/// The names of the first nodes of an assembled cluster.
pub(crate) fn names(nodes: usize) -> Vec<String> {
    (0..nodes).map(|number| format!("n{number}")).collect()
}

/// These names as the simulator takes them.
pub(crate) fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// The LAN profile with changes, 0.5 to 2 ms of latency, no digest of the run.
pub(crate) fn lan(seed: u64, change: impl Fn(&mut Config) + 'static) -> WorldOptions {
    WorldOptions::new(seed).digest(false).configure(move |_, config| change(config))
}

/// The sum of a counter over these nodes, which all run.
pub(crate) fn sum(world: &World, names: &[String], counter: impl Fn(&Stats) -> u64) -> u64 {
    names.iter().map(|name| counter(&world.node(name).stats())).sum()
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

/// How many nodes, as a number to reckon with.
pub(crate) fn size(nodes: usize) -> f64 {
    number(nodes as u64)
}
