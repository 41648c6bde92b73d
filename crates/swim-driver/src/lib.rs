//! Drives a [`swim_core::Node`] on any async runtime.
//!
//! Applications use an adapter such as `swim-tokio`, which re-exports what they need from here:
//! [`Options`] to start a node, [`Cluster`] for commands and queries, [`Events`] and [`Watch`] to
//! follow members. These types are the same on every runtime.
//!
//! Adapters use [`Driver`], which makes every decision that does not depend on the runtime. It has
//! no sockets, and owns:
//!
//! - the node and its clock,
//! - the streams and the bytes that wait to be written on them,
//! - the seeds, and when to ask each again,
//! - the callers that wait for an answer,
//! - the members as the application sees them.
//!
//! The adapter opens sockets, resolves names, copies bytes and sleeps:
//!
//! ```
//! use std::time::Instant;
//! use swim_driver::{Driver, Inbox, Io};
//!
//! # trait Wait { fn wait(&mut self, inbox: &Inbox, until: Option<Instant>); }
//! fn run(mut driver: Driver, mut io: impl Io + Wait) {
//!     let inbox = driver.inbox();
//!     loop {
//!         // Waits for a datagram, connection, report, resolved name, command or the timeout.
//!         io.wait(&inbox, driver.poll_timeout());
//!         // The turn takes what arrived before `now`, and only then fires the timers.
//!         let now = Instant::now();
//!         driver.turn(now, &mut io);
//!     }
//! }
//! ```
//!
//! # Bounds
//!
//! These are bounded:
//!
//! - waiting commands, and the waiting events of each subscriber, in number and in bytes
//!   ([`Options`]),
//! - inputs per turn ([`INPUTS_PER_TURN_MAX`]),
//! - names being resolved ([`RESOLVES_MAX`]),
//! - seeds: 256, or as many as the node is started with,
//! - seeds of one join (4096), and addresses of one name (16),
//! - bytes that wait to be written.
//!
//! The core bounds the rest: see [`Config`].
//!
//! # Logging
//!
//! Events are logged with `tracing` under the target `swim`; the field `node` has the node's name.
//! Members that come and go are `info`, problems are `warn`, the rest is `debug`.
#![forbid(unsafe_code)]

mod action;
mod advertise;
mod bound;
mod carrier;
mod cluster;
mod command;
mod connection;
mod driver;
mod engine;
mod error;
mod events;
mod joins;
mod leaving;
mod links;
mod log;
mod memory;
mod metrics;
mod node;
mod options;
mod replies;
mod runtime;
mod runtime_handle;
mod secret_file;
mod seed;
mod seeds;
#[cfg(feature = "toml")]
pub mod settings;
mod settling;
mod streams;
mod system_clock;
mod tags;
mod task;
mod tls_files;
mod transport;
mod view;
mod watch;

pub use action::{Action, DialPurpose, Input, Io, ResolveId, StreamNews, connection_error};
pub use bound::Bound;
/// The bytes of payloads, metadata and application state. Cheap to clone.
pub use bytes::Bytes;
pub use carrier::Carrier;
pub use cluster::Cluster;
pub use command::{Command, Inbox, Joined, Pong};
pub use connection::{Connection, Listener};
pub use driver::{Driver, INPUTS_PER_TURN_MAX};
pub use error::{BindError, Error};
pub use events::{Events, Notice};
pub use joins::RESOLVES_MAX;
pub use leaving::Departure;
pub use links::LinkCounts;
pub use memory::{MemoryNetwork, MemoryStream, MemoryTransport};
pub use metrics::metrics_text;
pub use node::Node;
pub use options::{Options, PORT_DEFAULT};
pub use runtime::{Runtime, Timer};
pub use runtime_handle::{Elapsed, RuntimeHandle};
pub use secret_file::{KeyFileError, Readers, read_secret_file};
pub use seed::SeedError;
#[cfg(feature = "toml")]
pub use settings::SettingsError;
pub use swim_core::{
    CipherKind, CommandError, Config, ConfigError, ConnectionError, Counter, CounterKind,
    DropCounts, DropReason, Encryption, Event, Failure, Fingerprint, HealthReason, Hooks,
    Incarnation, IpNet, Key, KeyError, Keyring, KeyringError, Member, MemberRef, Merge,
    MessageCounts, MessageKind, Name, NameError, NameKeeper, NoHooks, Refused, State, Stats,
    StreamId, StreamResource, StreamSource, SuspicionTimeouts, TlsFault, VersionRange, Versions,
    Via, Wire,
};
pub use tags::{Tags, TagsError};
pub use task::{Task, TaskEnded};
pub use tls_files::TlsFiles;
pub use transport::Transport;
pub use watch::{Change, Watch};
