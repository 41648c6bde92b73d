//! One node of many loses its power.

use core::fmt;
use core::time::Duration;

use swim_core::Instant;
use swim_sim::{millis, secs};

use super::cluster::{Cluster, Setting};

/// The column headings.
pub const HEADINGS: &str = concat!(
    "                          loss   runs   first knows: median (min to max)   ",
    "last knows: median (min to max)   all know",
);

/// The number of nodes.
const NODES: usize = 1_000;
/// The longest wait.
const PATIENCE: Duration = secs(180);

/// The times until the first and the last peer see a dead node as failed.
#[derive(Clone, Debug)]
pub struct Crashing {
    name: &'static str,
    loss: f64,
    first: Vec<f64>,
    /// Only of the runs in which all peers learned of it.
    last: Vec<f64>,
}

/// Makes `runs` runs, each with its own seed.
///
/// The crash comes at a different time within a probe interval.
#[must_use]
pub fn measure<C: Cluster>(loss: f64, runs: u64) -> Crashing {
    let mut crashing = Crashing { name: C::NAME, loss, first: Vec::new(), last: Vec::new() };
    for run in 0..runs {
        let times = run_once::<C>(loss, 1 + run);
        crashing.first.extend(times.first().map(Duration::as_secs_f64));
        if times.len() == NODES - 1 {
            crashing.last.extend(times.last().map(Duration::as_secs_f64));
        }
    }
    crashing.first.sort_by(f64::total_cmp);
    crashing.last.sort_by(f64::total_cmp);
    crashing
}

/// Returns the time after which each peer knew, in ascending order.
fn run_once<C: Cluster>(loss: f64, seed: u64) -> Vec<Duration> {
    let mut cluster = C::assemble(Setting { records: true, ..Setting::new(seed, NODES) });
    cluster.set_loss(loss);
    cluster.run(secs(10) + millis(seed * 137 % 1_000));
    let (victim, crash) = (NODES - 1, cluster.now());
    cluster.power_off(victim);
    loop {
        cluster.run(secs(1));
        let known = cluster.held_failed_since(victim);
        if known.len() == NODES - 1 || cluster.now() - crash >= PATIENCE {
            let mut times: Vec<Duration> =
                known.into_iter().map(|at: Instant| at - crash).collect();
            times.sort();
            return times;
        }
    }
}

impl fmt::Display for Crashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Crashing { name, loss, first, last } = self;
        let runs = first.len();
        write!(f, "{name:<24}{:>5.0}%{runs:>7}", loss * 100.0)?;
        write!(f, "{:>35}{:>34}{:>8} of {runs}", spread(first), spread(last), last.len())
    }
}

/// Prints the median, minimum and maximum of sorted times in seconds.
fn spread(times: &[f64]) -> String {
    match times {
        [] => "-".to_owned(),
        [min, ..] => {
            let (median, max) = (times[times.len() / 2], times[times.len() - 1]);
            format!("{median:.2} s ({min:.2} to {max:.2})")
        }
    }
}
