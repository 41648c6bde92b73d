//! Runs in which the seed decides everything: the cluster, the network and the faults.
//!
//! A [`run`] draws a plan from its seed: 1 to 64 nodes, a configuration, a network, and *which*
//! kinds of faults occur. Runs without some kinds find more than runs that always have all of them,
//! because one fault often hides the effects of another (Groce, Zhang, Eide, Chen, Regehr: "Swarm
//! Testing", ISSTA 2012). Chaos comes first. In the calm after it, the nodes have to agree within a
//! bound that follows from their configuration. All [`checkers`](crate::checkers) watch the whole
//! run.
//!
//! A [`sweep`] runs many seeds on several threads, and adds up the events that were [`Seen`]: a
//! sweep without a partition would show nothing about partitions. To run one from the command line:
//!
//! ```text
//! cargo run --release -p swim-sim -- --seeds 0..1000
//! cargo run --release -p swim-sim -- --seeds 0..1000 --wire both
//! ```
//!
//! By default, a run speaks the native wire in the clear. With [`Wires`] it may speak memberlist's
//! wire, and have keys, a label and compression, under the same faults. The checkers expect the
//! same on both wires, except for the time in which nodes agree: see
//! [`bounds::settling`](crate::bounds::settling).
//!
//! One run in three has a [hostile host](crate::Hostile) until the faults end, with tricks that the
//! seed draws. At first it acts alone for a while: with keys, it must not cause a failure or add a
//! member that does not exist. Later its tricks mix with the faults.
//!
//! - With keys, the checkers expect as much as without a hostile host.
//! - In the clear they expect that limits hold, that it draws little traffic to other hosts, and
//!   that the cluster recovers once it is gone.
//!
//! The hostile host has its own random numbers, so runs without it do not change. [`Hostility`]
//! puts it in all runs, or in none.
//!
//! ```text
//! cargo run --release -p swim-sim -- --seeds 0..1000 --wire both --hostile always
//! ```
//!
//! One run in three has lasting faults:
//!
//! - a member that receives nothing, or whose traffic is lost;
//! - a network without datagrams;
//! - a member that announces a wrong address, or that of another member;
//! - a second node with a living member's name;
//! - keys, labels and encryption that change on one node after the other.
//!
//! Each begins and ends at its own times, from its own random numbers, and does not change the
//! steps of the chaos. All have ended when the calm begins: nodes have restarted with the right
//! address, of two nodes with one name one remains, and nodes that missed a change of keys have
//! caught up. [`LastingFaults`] puts them in all runs, or in none.
//!
//! ```text
//! cargo run --release -p swim-sim -- --seeds 0..1000 --wire both --lasting always
//! ```
//!
//! [`mixed`] is an older and smaller run, of a few nodes with the usual configuration and all
//! faults at once.
//!
//! [`digests`] prints a line that identifies the run of each seed, of either kind. A change that
//! preserves behaviour preserves these lines:
//!
//! ```text
//! cargo run --release -p swim-sim --bin digest -- 0..1000
//! cargo run --release -p swim-sim --bin digest -- --swarm --wire both 0..1000
//! ```

mod calm;
mod chaos;
mod digests;
mod fault;
mod lasting;
mod mixed;
mod plan;
mod run;
mod seen;
mod setup;
mod siege;
mod sweep;
mod threads;
mod wires;

pub use digests::{Digest, Scenario, digests};
pub use mixed::{Outcome, mixed};
pub use run::{Finished, run, run_on, run_script, run_with};
pub use seen::Seen;
pub use setup::{Hostility, LastingFaults, Setup};
pub use sweep::{Failed, Sweep, sweep, sweep_on};
pub use threads::quiet_panics;
pub use wires::Wires;
