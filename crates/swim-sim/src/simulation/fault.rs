//! The faults of a simulation, and their times.

use core::time::Duration;

use crate::loss::Loss;

/// A fault. Times count from the beginning of a run; each run draws the affected nodes anew.
///
/// ```
/// use swim_sim::{Loss, millis, secs, simulation::Fault};
///
/// let faults = [
///     Fault::Crash { nodes: 2, at: secs(10) },
///     Fault::Partition { share: 0.5, at: secs(60), length: secs(30) },
///     Fault::Loss { loss: Loss::bursts(0.1, millis(500)), at: secs(100), length: secs(20) },
/// ];
/// assert_eq!(faults[1].end(), secs(90));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nodes crash at once, without a leave message, and stay down.
    Crash {
        /// How many nodes. At least one node must neither crash nor stall.
        nodes: usize,
        /// When they crash.
        at: Duration,
    },
    /// A share of the nodes is cut off from the rest, both ways.
    Partition {
        /// The share, above 0.0 and below 1.0.
        share: f64,
        /// When it begins.
        at: Duration,
        /// How long it lasts. Partitions must not overlap.
        length: Duration,
    },
    /// Datagrams are lost as given here, instead of as in the plan's network.
    Loss {
        /// Which datagrams are lost.
        loss: Loss,
        /// When it begins.
        at: Duration,
        /// How long it lasts. These faults must not overlap.
        length: Duration,
    },
    /// Nodes neither send nor receive, as starved processes, while their timers go on
    /// ([`Stall::HeldIo`](crate::Stall::HeldIo)). No stalled node crashes in the same run.
    Stall {
        /// How many nodes.
        nodes: usize,
        /// When it begins.
        at: Duration,
        /// How long it lasts.
        length: Duration,
    },
}

impl Fault {
    /// Returns when the fault begins.
    #[must_use]
    pub fn at(&self) -> Duration {
        match *self {
            Fault::Crash { at, .. }
            | Fault::Partition { at, .. }
            | Fault::Loss { at, .. }
            | Fault::Stall { at, .. } => at,
        }
    }

    /// Returns when the fault ends; for a crash, when it happens.
    #[must_use]
    pub fn end(&self) -> Duration {
        match *self {
            Fault::Crash { at, .. } => at,
            Fault::Partition { at, length, .. }
            | Fault::Loss { at, length, .. }
            | Fault::Stall { at, length, .. } => at.saturating_add(length),
        }
    }
}
