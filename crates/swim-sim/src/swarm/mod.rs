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
//! One run in three has a [hostile host](crate::Hostile), with tricks that the seed draws, from the
//! start to the end of the faults. At first it acts alone for a while: with keys it must not bring
//! about a failure then, or a member that is not there. Later its tricks mix with the faults. With
//! keys the checkers expect what they expect without it; in the clear they expect that limits hold,
//! that it draws little traffic to others, and that all is well again once it is gone. It draws
//! from a stream of chance of its own, so that runs without it stay what they are; [`Hostility`]
//! has it always, or never.
//!
//! ```text
//! cargo run --release -p swim-sim -- --seeds 0..1000 --wire both --hostile always
//! ```
//!
//! One run in three has faults that last: a member that hears nothing, or is not heard; a network
//! without datagrams; a member that announces a wrong address, or the address of another; a second
//! node with a living member's name; and keys, labels and encryption that are changed on one node
//! after the other. Each begins and ends at times of its own, from a stream of chance of its own,
//! while the steps of the chaos go on as they would without it. All have ended when the calm
//! begins: nodes are started again with the right address, of two with one name one goes on, and
//! who missed a change of keys catches up. [`LastingFaults`] has them always, or never.
//!
//! ```text
//! cargo run --release -p swim-sim -- --seeds 0..1000 --wire both --lasting always
//! ```
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
