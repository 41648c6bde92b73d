//! Measures the behaviour of a cluster: a plan goes in, a report comes out.
//!
//! A [`Plan`] is plain data: the number of nodes, their settings, the network, and the faults with
//! their times. [`Plan::run`] carries it out `runs` times, each with another seed. The [`Report`]
//! has detection times, false positives, how long a healed partition took to merge, and the cost of
//! all that. `swim simulate` is a command line around it. To check single nodes, use a
//! [`World`](crate::World).
//!
//! ```
//! use std::ops::ControlFlow;
//! use swim_core::Config;
//! use swim_sim::secs;
//! use swim_sim::simulation::{Fault, Plan};
//!
//! let settings = Config::lan("any".parse()?, "10.0.0.1:7946".parse()?);
//! let plan = Plan {
//!     nodes: 10,
//!     faults: vec![Fault::Crash { nodes: 1, at: secs(5) }],
//!     duration: secs(60),
//!     runs: 3,
//!     ..Plan::new(settings)
//! };
//! let report = plan.run(|_progress| ControlFlow::Continue(()))?;
//! assert_eq!(report.crashes, 3);
//! assert!(report.known_everywhere.max() >= report.first_declared.max());
//! assert_eq!(report.false_failures.members, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advice;
mod cluster;
mod durations;
mod fault;
mod mistake;
mod plan;
mod run;
mod schedule;
mod summary;
mod tally;

pub use advice::{RoundTrip, Warning};
pub use durations::Durations;
pub use fault::Fault;
pub use mistake::Mistakes;
pub use plan::{Plan, PlanError, Start};
pub use run::Progress;
pub use summary::{Rates, Report};
