//! A service in a test: its nodes, their clients and the network between them, on virtual time.
//!
//! This is a service, and a test that crashes a part of it under 100 seeds, in about a second:
//!
//! ```
#![doc = include_str!("../examples/service.rs")]
//! ```
//!
//! An assertion that does not hold says under which seed, and a world of that seed does the same
//! again. The service is the same on a real runtime: `swim_tokio::bind(options).await?.run(..)`
//! takes it as [`World::start_application`] does.
//!
//! # A cluster without a service
//!
//! Nodes of `swim-core` alone are cheaper: an hour of a small cluster takes a fraction of a second.
//! A [`World`] runs them in one thread, without sockets and without waiting, and everything that
//! happens is a pure function of the seed, the [`WorldOptions`] and the calls.
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
//! An application has its node's [`Cluster`] and [`Events`], and its tasks, time, chance and
//! connections from [`Cluster::runtime`]. All tasks of a process run in one thread, each once it
//! was woken, in that order, after the turn of its node. No time passes meanwhile. Timers that are
//! due together go off in the order in which they were made, by the clock of the host, with its
//! faults. A crash drops all tasks; a restart begins the application anew; a stalled process stands
//! still.
//!
//! Not covered is what depends on something else than the seed:
//!
//! - **Real time**: `Instant::now`, `SystemTime`, a runtime's own timers. Use
//!   [`RuntimeHandle::now`], [`sleep`](RuntimeHandle::sleep) and
//!   [`timeout`](RuntimeHandle::timeout).
//! - **A runtime's own `spawn`**, which panics, as no such runtime is there. Use
//!   [`RuntimeHandle::spawn`].
//! - **Threads** and `spawn_blocking`: the test fails when one of them wakes a task. Do slow things
//!   before the test begins.
//! - **Sockets, files, other processes**. Use [`RuntimeHandle::connect`] and
//!   [`listen`](RuntimeHandle::listen), and give the application everything else as a parameter.
//! - **Chance of other sources**: random numbers of the system, a `select!` that is not `biased`,
//! the order of a `HashMap`. Use [`RuntimeHandle::random`] and a `BTreeMap`.
//!
//! [`World::digest`] finds what was overlooked: two runs of one seed that differ have different
//! ones.
//!
//! # The model
//!
//! - **Time** jumps from event to event. Each host has a clock of its own, which shows another
//!   time than the others, can be set forward and back, and may run fast or slow.
//! - **Datagrams** take a latency from a distribution ([`Latency`]), also one with a long tail.
//!   They are lost with a probability, in general and for single nodes, or in bursts ([`Loss`]).
//!   They arrive twice, and overtake each other. A host sends so much per second, and drops what
//!   its queue does not hold ([`Bandwidth`]).
//! - **Links** are cut both ways or one way, or for datagrams alone; or they are clogged, hold what
//!   comes, and let it through in order once they are free.
//! - **Streams** open after a round trip, deliver in order, and are refused by a host whose process
//!   is down. A lost piece is sent again after 200 ms, 400 ms, and so on, at most eight times; what
//!   is behind it waits. A cut or clogged link stalls a stream, and resets it after 51 s. Their
//!   bytes arrive as they were written, or in pieces ([`Pieces`]).
//! - **Processes** crash, restart without a memory or with an old incarnation, and stall while
//!   their sockets fill, in one of three ways ([`Stall`]); hosts lose their power. An address may
//!   get another node ([`World::restart_with`]), and a name two ([`World::start_with`]).
//! - **Drivers**: a process is a bare node ([`World::start`]), given everything the instant that it
//!   happens, or a whole driver ([`World::start_driver`]), as behind `swim-tokio`. What comes for a
//!   driver waits in its sockets, datagrams up to a limit, until it takes a turn; it runs whenever
//!   something waits, or only so often and for so long ([`World::poll_driver_every`]). It is told
//!   that a write is written when its peer has read all but what the buffers hold
//!   ([`WorldOptions::stream_buffer`]). Its dials end by the model of streams, or when it said.
//! - **A hostile host** ([`Hostile`]) is no member, and has no keys. It sends what it likes under
//!   any source address, opens streams, and on the path it records what members say, says it
//!   again, whole or changed, and leads their streams elsewhere ([`World::set_hostile`]).
//! - **Names** lead drivers to addresses, to nothing, late or never ([`Lookup`],
//!   [`World::set_name`]).
//! - **Applications** run beside drivers ([`World::start_application`]). A test asks a driver
//! itself, too, and waits for answers ([`World::ask`]), and reads its events as fast or as slowly
//! as it likes ([`Reader`]).
//!
//! [`Churn`] and [`Stalls`] do some of this on a schedule. The network can be had without the rest
//! ([`Network`]), for nodes of another kind.
//!
//! Randomness of one kind does not depend on another: a run without loss and one with loss see the
//! same latencies, and so on for every class of faults, until what they did makes a difference.
//!
//! # What watches a run
//!
//! Expectations look at one instant. [`checkers`] look at every change: that no incarnation goes
//! down, that nobody comes back from the dead by old news, that each request has one answer, that
//! with keys no message is delivered twice, and so on. [`WorldOptions::checked`] has all of them
//! watch a world, [`WorldOptions::check`] one of your own.
//!
//! [`swarm`] draws everything from a seed, the cluster, its configuration, and what goes wrong, and
//! runs many seeds: `cargo run --release -p swim-sim -- --seeds 0..1000`.
//!
//! Who wants figures rather than expectations (how fast, how often, at which cost) hands a plan to
//! [`simulation`].
//!
//! # When an expectation is not met
//!
//! It panics with what every node believes, the last events about the member in question, the seed,
//! and the command that runs it again (see [`WorldOptions::replay`]).
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
