//! The plan of a simulation.

use core::fmt;
use core::time::Duration;

use swim_core::{Config, ConfigError};

use crate::latency::Latency;
use crate::loss::Loss;
use crate::network_options::NetworkOptions;
use crate::simulation::fault::Fault;
use crate::time::secs;

/// The plan of a simulation. See the [module](crate::simulation).
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How many nodes, at least 2. Memory grows with their square: see
    /// [`memory_estimate`](Plan::memory_estimate).
    pub nodes: usize,
    /// How a run begins.
    pub start: Start,
    /// The settings of every node. Each node gets its own name, address and incarnation.
    pub config: Config,
    /// The network.
    pub network: NetworkOptions,
    /// The faults.
    pub faults: Vec<Fault>,
    /// How long a run lasts, in virtual time.
    pub duration: Duration,
    /// The seed of the first run. Each further run has the next higher one.
    pub seed: u64,
    /// How many runs.
    pub runs: u32,
}

/// How a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// All nodes know each other, as in a cluster that formed long ago.
    Formed,
    /// All nodes start at once, and each joins through the first one and one other.
    Joining,
}

impl Plan {
    /// Plans one run of two minutes with ten nodes that know each other, and no faults.
    ///
    /// The network is [`NetworkOptions::default`].
    #[must_use]
    pub fn new(config: Config) -> Self {
        Plan {
            nodes: 10,
            start: Start::Formed,
            config,
            network: NetworkOptions::default(),
            faults: Vec::new(),
            duration: secs(120),
            seed: 1,
            runs: 1,
        }
    }

    /// Checks that the plan can be simulated.
    ///
    /// For plans that can be, but hardly as intended, see [`warnings`](Plan::warnings).
    ///
    /// # Errors
    ///
    /// The first thing that cannot be simulated.
    pub fn validate(&self) -> Result<(), PlanError> {
        const NODES_MAX: usize = (1 << 24) - 3;
        /// After decades, the time in nanoseconds and the incarnations would overflow.
        const DURATION_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
        self.config.validate().map_err(PlanError::Config)?;
        if !(2..=NODES_MAX).contains(&self.nodes) {
            return Err(PlanError::Nodes { nodes: self.nodes });
        }
        if self.config.members_max < self.nodes {
            let members_max = self.config.members_max;
            return Err(PlanError::MembersMax { members_max, nodes: self.nodes });
        }
        if self.duration.is_zero() || self.duration > DURATION_MAX {
            return Err(PlanError::Duration { duration: self.duration });
        }
        if self.runs == 0 {
            return Err(PlanError::Runs);
        }
        validate_latency(self.network.latency)?;
        validate_loss(self.network.loss)?;
        self.validate_faults()
    }

    /// Estimates the least memory of a run, in bytes: every node has a table of all others.
    #[must_use]
    pub fn memory_estimate(&self) -> u64 {
        /// Per entry with a short name, measured, with its share of the unused part of the table.
        const MEMBER_BYTES: u64 = 130;
        let nodes = self.nodes as u64;
        nodes.saturating_mul(nodes).saturating_mul(MEMBER_BYTES)
    }

    /// Returns how many nodes crash in total.
    #[must_use]
    pub fn crashes(&self) -> usize {
        let crashes = self.faults.iter().map(|fault| match fault {
            Fault::Crash { nodes, .. } => *nodes,
            _ => 0,
        });
        crashes.fold(0, usize::saturating_add)
    }

    fn validate_faults(&self) -> Result<(), PlanError> {
        let stalled = self.faults.iter().map(|fault| match fault {
            Fault::Stall { nodes, .. } => *nodes,
            _ => 0,
        });
        let (crashed, nodes) = (self.crashes(), self.nodes);
        let stalled = stalled.fold(0, usize::saturating_add);
        if crashed.saturating_add(stalled) >= nodes {
            return Err(PlanError::Victims { crashed, stalled, nodes });
        }
        for fault in &self.faults {
            match *fault {
                Fault::Partition { share, .. } => {
                    if !(1..nodes).contains(&minority(share, nodes)) {
                        return Err(PlanError::Share { share, nodes });
                    }
                }
                Fault::Loss { loss, .. } => validate_loss(loss)?,
                Fault::Crash { .. } | Fault::Stall { .. } => {}
            }
        }
        self.validate_order(|fault| matches!(fault, Fault::Partition { .. }), "partitions")?;
        self.validate_order(|fault| matches!(fault, Fault::Loss { .. }), "times of other loss")
    }

    fn validate_order(
        &self,
        of_kind: impl Fn(&Fault) -> bool,
        what: &'static str,
    ) -> Result<(), PlanError> {
        let mut spans: Vec<_> = self.faults.iter().filter(|fault| of_kind(fault)).collect();
        spans.sort_by_key(|fault| fault.at());
        match spans.windows(2).find(|pair| pair[1].at() < pair[0].end()) {
            Some(pair) => Err(PlanError::Overlap { what, at: pair[1].at() }),
            None => Ok(()),
        }
    }
}

/// The number of nodes in a share of them.
// Casts of floats saturate, and NaN becomes 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub(super) fn minority(share: f64, nodes: usize) -> usize {
    libm::round(share * nodes as f64) as usize
}

fn validate_latency(latency: Latency) -> Result<(), PlanError> {
    let wrong = match latency {
        Latency::Uniform(from, to) if from > to => "a range must go from the lower to the higher",
        Latency::LogNormal { median, p99 } if median.is_zero() || p99 < median => {
            "the median must be above zero, and the 99th percentile not below it"
        }
        Latency::Empirical(quantiles) if quantiles.is_empty() || !quantiles.is_sorted() => {
            "give at least one quantile, in ascending order"
        }
        _ => return Ok(()),
    };
    Err(PlanError::Network { what: "latency", wrong })
}

fn validate_loss(loss: Loss) -> Result<(), PlanError> {
    let probability = |value: f64| (0.0..=1.0).contains(&value);
    let wrong = match loss {
        Loss::Independent(share) if !probability(share) => "a probability must be 0.0 to 1.0",
        Loss::Bursty { loss_good, loss_bad, .. }
            if !probability(loss_good) || !probability(loss_bad) =>
        {
            "a probability must be 0.0 to 1.0"
        }
        Loss::Bursty { mean_good, mean_bad, .. } if mean_good.is_zero() || mean_bad.is_zero() => {
            "bursts, and the times between them, must be longer than zero"
        }
        _ => return Ok(()),
    };
    Err(PlanError::Network { what: "loss", wrong })
}

/// The reason why a plan cannot be simulated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PlanError {
    /// A setting of the nodes cannot work.
    Config(ConfigError),
    /// Too few nodes or too many.
    Nodes {
        /// The number of nodes.
        nodes: usize,
    },
    /// A node's table is smaller than the cluster.
    MembersMax {
        /// The setting.
        members_max: usize,
        /// The number of nodes.
        nodes: usize,
    },
    /// The duration is zero, or more than a year.
    Duration {
        /// The duration of a run.
        duration: Duration,
    },
    /// The number of runs is 0.
    Runs,
    /// No node is left that neither crashes nor stalls.
    Victims {
        /// How many nodes crash.
        crashed: usize,
        /// How many nodes stall.
        stalled: usize,
        /// The number of nodes.
        nodes: usize,
    },
    /// One side of a partition has no nodes.
    Share {
        /// The share.
        share: f64,
        /// The number of nodes.
        nodes: usize,
    },
    /// Two faults of a kind at the same time.
    Overlap {
        /// The kind.
        what: &'static str,
        /// When the second one begins.
        at: Duration,
    },
    /// The network options are invalid.
    Network {
        /// The invalid option.
        what: &'static str,
        /// The rule that it breaks.
        wrong: &'static str,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Config(error) => error.fmt(f),
            PlanError::Nodes { nodes } => {
                write!(f, "{nodes} nodes cannot be simulated: use 2 to 16777213")
            }
            PlanError::MembersMax { members_max, nodes } => {
                write!(
                    f,
                    "members_max is {members_max}, below the {nodes} nodes of the cluster: "
                )?;
                write!(f, "raise it, or use fewer nodes")
            }
            PlanError::Duration { duration } => {
                write!(
                    f,
                    "a run of {duration:?} cannot be simulated: use a time above zero and of at \
                     most a year"
                )
            }
            PlanError::Runs => f.write_str("the number of runs is 0: use at least 1"),
            PlanError::Victims { crashed, stalled, nodes } => {
                write!(f, "{crashed} crashes and {stalled} stalled nodes of {nodes} nodes: ")?;
                write!(f, "at least one node has to be left to see it; use more nodes, or fewer ")?;
                write!(f, "faults")
            }
            PlanError::Share { share, nodes } => {
                write!(f, "a partition of {}% of {nodes} nodes leaves one side ", share * 100.0)?;
                write!(f, "empty: use a share of at least one node, and not all of them")
            }
            PlanError::Overlap { what, at } => {
                write!(f, "two {what} overlap at {at:?}: end one before the next starts")
            }
            PlanError::Network { what, wrong } => write!(f, "the {what} is invalid: {wrong}"),
        }
    }
}

impl std::error::Error for PlanError {}
