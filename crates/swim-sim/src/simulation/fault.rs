//! What goes wrong in a simulation, and when.

use core::time::Duration;

use crate::loss::Loss;

/// Something that goes wrong. Times count from the beginning of a run; which nodes it hits is drawn
/// anew in each run.
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
    /// So many nodes crash at once, without a goodbye, and stay down.
    Crash {
        /// How many; one node at least goes on.
        nodes: usize,
        /// When.
        at: Duration,
    },
    /// A share of all nodes, above 0.0 and below 1.0, is cut off from the others, both ways.
    Partition {
        /// Which share.
        share: f64,
        /// When it begins.
        at: Duration,
        /// How long it lasts; two partitions do not overlap.
        length: Duration,
    },
    /// Another loss of datagrams than that of the plan's network.
    Loss {
        /// Which datagrams are lost.
        loss: Loss,
        /// When it begins.
        at: Duration,
        /// How long it lasts; two of them do not overlap.
        length: Duration,
    },
    /// So many nodes neither send nor receive, as starved processes do, while their timers go on
    /// ([`Stall::HeldIo`](crate::Stall::HeldIo)). None of them is one that crashes.
    Stall {
        /// How many.
        nodes: usize,
        /// When it begins.
        at: Duration,
        /// How long it lasts.
        length: Duration,
    },
}

impl Fault {
    /// When it begins.
    #[must_use]
    pub fn at(&self) -> Duration {
        match *self {
            Fault::Crash { at, .. }
            | Fault::Partition { at, .. }
            | Fault::Loss { at, .. }
            | Fault::Stall { at, .. } => at,
        }
    }

    /// When it is over; of a crash when it happens.
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
