//! Tests a cluster, and the service on top of it, on virtual time over a modelled network.
//!
//! This is a service, and a test that crashes one of its nodes under 100 seeds, in about a second:
//!
//! ```
#![doc = include_str!("../examples/service.rs")]
//! ```
//!
//! A failed assertion prints the command that replays its seed, and the world fails again in the
//! same way. The service runs unchanged on a real runtime:
//! `swim_tokio::bind(options).await?.run(..)` takes it as [`World::start_application`] does.
//!
//! # Nodes without an application
//!
//! Nodes of `swim-core` alone are cheaper: an hour of a small cluster takes a fraction of a second.
//! A [`World`] runs them in one thread, without sockets and without waiting. A run is a pure
//! function of the seed, the [`WorldOptions`] and the calls.
//!
//! ```
//! use swim_sim::{World, secs};
//!
//! let mut world = World::new(42);
//! world.form(3); // n0, n1 and n2
//! world.crash("n2");
//! world.run(secs(40));
//! world.expect_failed("n2");
//! world.expect_alive_everywhere("n0");
//! ```
//!
//! # Applications
//!
//! An application gets its node's [`Cluster`] and [`Events`]. It takes tasks, time, random numbers
//! and connections from [`Cluster::runtime`].
//!
//! - **Tasks** of a process run in one thread after each turn of its node, in the order in which
//!   they were woken. No time passes meanwhile.
//! - **Timers** follow the clock of the host, with its faults. Timers due at the same time fire in
//!   the order of their creation.
//! - **Faults**: a crash drops all tasks, a restart starts the application anew, and a stall stops
//!   it.
//!
//! The following is not simulated, and keeps a run from repeating:
//!
//! - **Real time**: `Instant::now`, `SystemTime`, a runtime's own timers. Use
//!   [`RuntimeHandle::now`], [`sleep`](RuntimeHandle::sleep) and
//!   [`timeout`](RuntimeHandle::timeout).
//! - **A runtime's own `spawn`**: it panics, because that runtime is not running. Use
//!   [`RuntimeHandle::spawn`].
//! - **Threads** and `spawn_blocking`: the test fails if one of them wakes a task. Do slow work
//!   before the test begins.
//! - **Sockets, files, other processes**: use [`RuntimeHandle::connect`] and
//!   [`listen`](RuntimeHandle::listen), and pass everything else to the application as a parameter.
//! - **Other randomness**: random numbers of the system, a `select!` that is not `biased`, the
//!   order of a `HashMap`. Use [`RuntimeHandle::random`] and a `BTreeMap`.
//!
//! To find a leftover, run a seed twice and compare [`World::digest`].
//!
//! # The model
//!
//! - **Time** jumps from event to event. Each host has a clock with a reading of its own, which can
//!   be set forward and back, and may run fast or slow.
//! - **Datagrams** have a latency from a distribution ([`Latency`]), which may have a long tail.
//!   They can be lost with a probability, in general or for single nodes, or in bursts ([`Loss`]).
//!   They can arrive twice, and overtake each other. A host with limited [`Bandwidth`] queues them,
//!   and drops those that do not fit into its queue.
//! - **Links** are cut both ways, one way, or for datagrams alone. A clogged link holds everything,
//!   and delivers it in order once it is freed.
//! - **Streams** open after a round trip and deliver in order. A host whose process is down refuses
//!   them. A lost piece is sent again after 200 ms, 400 ms, and so on, at most eight times;
//!   everything behind it waits. A cut or clogged link stalls a stream, and resets it after 51 s.
//!   Bytes arrive as they were written, or in pieces ([`Pieces`]).
//! - **Processes** crash, restart without state or with an old incarnation, and stall while their
//!   sockets fill, in one of three ways ([`Stall`]). Hosts lose power. An address can pass to
//!   another node ([`World::restart_with`]), and two nodes can have one name
//!   ([`World::start_with`]).
//! - **Drivers**: a process is a bare node ([`World::start`]), which gets every input at once, or a
//!   whole driver ([`World::start_driver`]), as behind `swim-tokio`. A driver's input waits in its
//!   sockets, datagrams up to a limit, until the driver takes a turn. It runs whenever something
//!   waits, or only part of the time ([`World::poll_driver_every`]). A write completes once the
//!   peer has read all but what the buffers hold ([`WorldOptions::stream_buffer`]). Dials follow
//!   the model of streams, and the driver's timeout.
//! - **A hostile host** ([`Hostile`]) is not a member and has no keys. It sends anything from any
//!   source address and opens streams. On the path it records what members send, repeats it, whole
//!   or changed, and redirects their streams ([`World::set_hostile`]).
//! - **Names** that drivers look up resolve to addresses, to nothing, late or never ([`Lookup`],
//!   [`World::set_name`]).
//! - **Applications** run beside drivers ([`World::start_application`]). A test can also call a
//!   driver and wait for answers ([`World::ask`]), and read its events at any pace ([`Reader`]).
//!
//! [`Churn`] and [`Stalls`] inject faults on a schedule. [`Network`] is the network alone, for
//! nodes of another kind.
//!
//! Each class of faults has its own random numbers: a run with loss sees the same latencies as one
//! without, until the loss changes what nodes do.
//!
//! # Checks
//!
//! Expectations check one instant. [`checkers`] check every change: no incarnation goes down, old
//! news revives no failed member, each request has one answer, with keys no message is delivered
//! twice, and more. [`WorldOptions::checked`] adds all of them, [`WorldOptions::check`] one of your
//! own.
//!
//! [`swarm`] draws everything from a seed: the cluster, its configuration and its faults. To run
//! many seeds: `cargo run --release -p swim-sim -- --seeds 0..1000`.
//!
//! To measure (how fast, how often, at which cost) rather than to check, run a plan of
//! [`simulation`].
//!
//! # Failures
//!
//! A failed expectation panics with a report: what every node believes, the last events about the
//! member in question, the seed, and the command that runs it again (see
//! [`WorldOptions::replay`]).
#![forbid(unsafe_code)]

mod adapter;
mod alarm;
mod application;
mod ask;
mod assemble;
mod bandwidth;
pub mod bounds;
mod chance;
pub mod checkers;
mod churn;
mod clog;
mod commands;
mod connection;
mod contents;
mod dice;
mod drivers;
mod engine;
mod expect;
mod fate;
mod faults;
mod host;
mod host_clock;
mod hostile;
mod latency;
mod links;
mod loss;
mod names;
mod network;
mod network_options;
mod options;
mod packets;
mod polling;
mod process;
mod queue;
mod random;
mod reader;
mod report;
pub mod simulation;
mod socket_queue;
mod stall;
mod stalls;
mod streams;
pub mod swarm;
mod time;
mod trace;
mod world;

pub use ask::Reply;
pub use bandwidth::Bandwidth;
pub use churn::Churn;
pub use commands::Request;
pub use fate::{Fate, Passage};
pub use hostile::{Hostile, Trick};
pub use latency::Latency;
pub use loss::Loss;
pub use names::Lookup;
pub use network::Network;
pub use network_options::{NetworkOptions, Reordering};
pub use options::{Pieces, WorldOptions};
pub use reader::Reader;
pub use stall::Stall;
pub use stalls::Stalls;
pub use swim_core::{
    Answer, Config, Event, Failure, Incarnation, Instant, Key, Keyring, Member, Name, Node, State,
    Via, Wire,
};
pub use swim_driver::{
    Bytes, Change, Cluster, Connection, Departure, Elapsed, Error, Events, Listener, Notice,
    Options, RuntimeHandle, Tags, Task, TaskEnded, Watch,
};
pub use time::{millis, secs};
pub use trace::{Record, Traffic};
pub use world::World;
