//! The options of a network.

use core::time::Duration;

use crate::bandwidth::Bandwidth;
use crate::latency::Latency;
use crate::loss::Loss;
use crate::time::millis;

/// The options of a [`Network`](crate::Network). Each can be changed later.
///
/// ```
/// use swim_sim::{Latency, Loss, NetworkOptions, Reordering, millis};
///
/// let bad = NetworkOptions {
///     latency: Latency::LogNormal { median: millis(30), p99: millis(300) },
///     loss: Loss::bursts(0.05, millis(800)),
///     duplication: 0.01,
///     reordering: Reordering { probability: 0.1, delay_max: millis(100) },
///     ..NetworkOptions::default()
/// };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkOptions {
    /// The latency of datagrams and of pieces of streams.
    pub latency: Latency,
    /// Which datagrams are lost. Pieces of streams are delayed instead.
    pub loss: Loss,
    /// The probability, 0.0 to 1.0, that a datagram that is not lost arrives twice. Each copy has
    /// its own latency.
    pub duplication: f64,
    /// Which datagrams are delayed further, so that others overtake them.
    pub reordering: Reordering,
    /// How fast each host sends; unlimited if `None`.
    pub bandwidth: Option<Bandwidth>,
}

impl Default for NetworkOptions {
    /// Makes a network with 0.5-2 ms of latency, and no faults.
    fn default() -> Self {
        NetworkOptions {
            latency: Latency::Uniform(Duration::from_micros(500), millis(2)),
            loss: Loss::NONE,
            duplication: 0.0,
            reordering: Reordering::default(),
            bandwidth: None,
        }
    }
}

/// Delays some datagrams in addition to their latency. A latency that varies reorders, too.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reordering {
    /// The probability, 0.0 to 1.0, that a datagram is delayed.
    pub probability: f64,
    /// The longest additional delay; all shorter ones are equally likely.
    pub delay_max: Duration,
}
