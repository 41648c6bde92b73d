//! The clusters of the experiments.

use swim_core::{Config, Stats};
use swim_sim::{World, WorldOptions};

/// Returns the names of the first nodes of an assembled cluster.
pub(crate) fn names(nodes: usize) -> Vec<String> {
    (0..nodes).map(|number| format!("n{number}")).collect()
}

/// Converts names for the simulator's interface.
pub(crate) fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// The LAN profile with changes, 0.5 to 2 ms of latency, and no digest of the run.
pub(crate) fn lan(seed: u64, change: impl Fn(&mut Config) + 'static) -> WorldOptions {
    WorldOptions::new(seed).digest(false).configure(move |_, config| change(config))
}

/// Sums a counter over these nodes, which must all run.
pub(crate) fn sum(world: &World, names: &[String], counter: impl Fn(&Stats) -> u64) -> u64 {
    names.iter().map(|name| counter(&world.node(name).stats())).sum()
}

/// Converts a count for arithmetic.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

/// Converts a number of nodes for arithmetic.
pub(crate) fn size(nodes: usize) -> f64 {
    number(nodes as u64)
}
