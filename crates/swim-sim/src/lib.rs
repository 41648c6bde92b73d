//! A cluster in a test: `swim-core` nodes on virtual time, over a network that can be broken.
//!
//! A [`World`] runs real nodes in one thread, without sockets and without waiting: an hour of a
//! small cluster takes a fraction of a second. Everything that happens is a pure function of the
//! seed, the [`Options`] and the calls, so that a failure found once is found again.
//!
//! ```
//! use swim_sim::{World, secs};
//!
//! let mut world = World::new(42);
//! for name in ["a", "b", "c"] {
//!     world.start(name);
//! }
//! world.join("b", "a");
//! world.join("c", "a");
//! world.run(secs(5));
//! world.expect_converged();
//!
//! world.crash("c");
//! world.run(secs(40));
//! world.expect_failed("c");
//! world.expect_alive_everywhere("a");
//! world.expect_alive_everywhere("b");
//! ```
//!
//! # The model
//!
//! - **Time** jumps from event to event. Each host has a clock of its own, which shows another
//!   time than the others and can be set forward and back.
//! - **Datagrams** take a latency from a distribution, and are lost with a probability: in general,
//!   and for single nodes. Links are cut both ways or one way, or for datagrams alone.
//! - **Streams** open after a round trip, deliver in order, wait for lost pieces, stall behind a
//!   cut, and are refused by a host whose process is down. Their bytes arrive as they were written,
//!   or in pieces ([`Pieces`]).
//! - **Processes** crash, restart without a memory, and pause while their sockets fill; hosts lose
//!   their power.
//!
//! Randomness is drawn whether or not it is used: a run without loss and one with loss see the same
//! latencies, until what was lost makes a difference.
//!
//! # When an expectation is not met
//!
//! It panics with what every node believes, the last events about the member in question, the seed,
//! and the command that runs it again (see [`Options::replay`]).
#![forbid(unsafe_code)]

mod assemble;
pub mod bounds;
mod churn;
mod commands;
mod connection;
mod engine;
mod expect;
mod faults;
mod host;
mod network;
mod options;
mod packets;
mod queue;
mod report;
mod streams;
pub mod swarm;
mod time;
mod trace;
mod world;

pub use churn::Churn;
pub use commands::Request;
pub use network::Latency;
pub use options::{Options, Pieces};
pub use time::{millis, secs};
pub use trace::{Record, Traffic};
pub use world::World;
