//! Runs of which the seed decides everything: the cluster, the network, and what goes wrong.
//!
//! A [`run`] draws a plan from its seed: 1 to 64 nodes, a configuration, a network, and *which*
//! kinds of faults there are. Runs that leave some kinds out find more than runs that always have
//! all of them, because one fault often hides what another would have shown (Groce, Zhang, Eide,
//! Chen, Regehr: "Swarm Testing", ISSTA 2012). Chaos comes first, and then calm, in which the nodes
//! have to agree within a bound that follows from their configuration. All
//! [`checkers`](crate::checkers) watch all of it.
//!
//! A [`sweep`] runs many seeds, on several threads, and adds up what was [`Seen`]: a sweep without
//! a partition would show nothing about partitions. The program of this crate does it from the
//! command line:
//!
//! ```text
//! cargo run --release -p swim-sim -- --seeds 0..1000
//! cargo run --release -p swim-sim -- --seeds 0..1000 --wire both
//! ```
//!
//! A seed speaks the native wire in the clear. With [`Wires`] it may speak memberlist's, and have
//! keys, a label and compression, under the same faults. The checkers expect the same on both, but
//! for how soon nodes agree: see [`bounds::settling`](crate::bounds::settling).
//!
//! [`mixed`] is an older and smaller run, of a few nodes with the usual configuration and every
//! fault at once.
//!
//! [`digests`] prints what identifies the run of each seed, of either kind. A change that is to
//! leave the behaviour as it was leaves them as they were:
//!
//! ```text
//! cargo run --release -p swim-sim --bin digest -- 0..1000
//! cargo run --release -p swim-sim --bin digest -- --swarm --wire both 0..1000
//! ```

mod calm;
mod chaos;
mod digests;
mod fault;
mod mixed;
mod plan;
mod run;
mod seen;
mod sweep;
mod threads;
mod wires;

pub use digests::{Digest, Scenario, digests};
pub use mixed::{Outcome, mixed};
pub use run::{Finished, run, run_on, run_script, run_with};
pub use seen::Seen;
pub use sweep::{Failed, Sweep, sweep, sweep_on};
pub use threads::quiet_panics;
pub use wires::Wires;
