//! SWIM + Lifeguard cluster membership as a pure state machine.
//!
//! A [`Node`] is one member of a cluster: it finds out who else is there, notices who fails, tells
//! others, and carries small messages of the application. It has no sockets, no clock, no threads
//! and no randomness of its own: the caller hands in packets with the time, and carries out what
//! comes out. So the same code runs on a server, in a simulator, in a browser, and on a
//! microcontroller. Adapters that do the carrying exist for runtimes (`swim-tokio`); this crate is
//! for those who bring their own event loop.
//!
//! # The loop
//!
//! A loop hands in what arrives, each piece with the time at which it was taken: datagrams
//! ([`Node::handle_packet`]), connections ([`Node::handle_accept`]), and news of streams
//! ([`Node::handle_stream`]). It calls [`Node::handle_timeout`] at the time of
//! [`Node::poll_timeout`], after what had arrived by then. After every call of these and of a
//! command it takes all outputs ([`Node::poll_output`]) and carries them out, in their order:
//!
//! ```
//! use swim_core::{Config, Instant, Node, Output};
//!
//! let config = Config::lan("cache-1".parse()?, "10.0.0.1:7946".parse()?);
//! // Of the operating system, or fixed, to repeat a run.
//! let seed = [7; 32];
//! let mut now = Instant::ORIGIN;
//! let mut node = Node::new(config, seed, now)?;
//! node.join(now, "10.0.0.2:7946".parse()?)?;
//!
//! for _ in 0..5 {
//!     while let Some(output) = node.poll_output() {
//!         match output {
//!             Output::Packet { to, payload, .. } => println!("to {to}: {} bytes", payload.len()),
//!             Output::Stream { id, op } => println!("{id:?}: {op:?}"),
//!             Output::Event(event) => println!("{event}"),
//!             Output::Answer { request, result } => println!("{request:?}: {result:?}"),
//!         }
//!     }
//!     // Here a real loop waits for input, or a command, until the deadline at most. This one has
//!     // no network: the join fails when its time is over.
//!     let Some(deadline) = node.poll_timeout() else { break };
//!     now = deadline;
//!     node.handle_timeout(now);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Streams
//!
//! Joins, push/pulls, reliable messages, and pings where datagrams fail take a stream each: a TCP
//! connection. The loop keeps a table of them. A stream enters it when [`Node::handle_accept`]
//! returns it or [`StreamOp::Open`] names it, and leaves it as the last three lines say:
//!
//! | what | what the loop does |
//! |---|---|
//! | [`StreamOp::Open`] | adds the stream, dials, and reports [`StreamInput::Opened`] |
//! | [`StreamOp::Send`] | writes once the stream is open, in order; keeps what cannot be written yet |
//! | [`StreamOp::Finish`] | closes its sending side once everything is written, and reads on |
//! | [`StreamOp::Close`] | removes the stream and closes it, once everything is written |
//! | [`StreamOp::Abort`] | removes the stream and closes it, now |
//! | the stream fails | removes it, and reports [`StreamInput::Failed`] |
//!
//! The peer's bytes are reported as [`StreamInput::Data`], and the end of its sending side as
//! [`StreamInput::Finished`]. The node limits how many streams are open, how long, and how much
//! comes on them. Two limits are up to the loop, as only it knows what was written: how long a
//! stream that is closing may take ([`StreamOp::Close`] says when to give it up), and how much may
//! wait to be written to peers that do not read. A whole loop is [below](#a-whole-loop).
//!
//! # What is where
//!
//! [`Config`] holds every interval and limit, with presets; [`Event`] is what the application
//! hears, each with its cause; [`Stats`] counts; [`supersedes`] is the rule by which two beliefs
//! about a member are weighed; [`wire`] is the format of datagrams and streams.
//!
//! Bad input from the network is never an error and never a panic: it is counted by
//! [`DropReason`], and the first of its kind from a host becomes [`Event::BadInput`].
//!
//! The protocol is SWIM (Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style
//! Process Group Membership Protocol", DSN 2002) with the three parts of Lifeguard (Dadgar,
//! Phillips, Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection", DSN
//! 2018), with push/pull anti-entropy and the timing of HashiCorp memberlist.
//!
//! # Features
//!
//! Three features are on by default. Where program memory is short, leave out what the cluster does
//! not use (`default-features = false`):
//!
//! | feature | absent without it | such input is dropped as |
//! |---|---|---|
//! | `compression` | `Config::compression` | [`DropReason::Compressed`] |
//! | `encryption` | `Key`, `Keyring`, `Encryption`, and what takes them | [`DropReason::Sealed`] |
//! | `memberlist` | `Wire::Memberlist`, `Config::memberlist` | [`DropReason::Memberlist`] |
//!
//! Nodes do not negotiate: each member of a cluster must be able to read what one of them sends.
//! `docs/reports/performance.md` has the size of a program with each feature.
//!
//! The feature `serde`, off by default, serialises events and members.
//!
//! # A whole loop
//!
//! It uses non-blocking sockets of the standard library. The example `own_loop` of this crate runs
//! two of these on loopback.
//!
//! ```
#![doc = include_str!("../examples/own_loop/member.rs")]
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod address;
mod budget;
#[doc(hidden)]
pub mod channel;
mod clock;
mod config;
mod context;
mod deadlines;
mod detection;
mod dissemination;
mod error;
mod exchange;
mod fingerprint;
mod hooks;
#[cfg(feature = "encryption")]
mod key;
#[cfg(feature = "encryption")]
mod keyring;
mod member;
mod members;
mod membership;
mod node;
#[cfg(all(feature = "encryption", feature = "memberlist"))]
#[cfg(test)]
mod numbers;
mod output;
mod outputs;
mod random;
mod recent;
mod reported;
mod sabotage;
mod stats;
mod status;
#[doc(hidden)]
pub mod text;
mod time;
pub mod wire;

#[cfg(feature = "encryption")]
pub use config::Encryption;
pub use config::{Config, NameKeeper, SuspicionTimeouts};
pub use deadlines::Deadlines;
pub use error::{CommandError, ConfigError, Refused};
pub use fingerprint::Fingerprint;
pub use hooks::{Hooks, Merge, NoHooks};
pub use ipnet::IpNet;
#[cfg(feature = "encryption")]
pub use key::{CipherKind, Key, KeyError};
#[cfg(feature = "encryption")]
pub use keyring::{Keyring, KeyringError};
pub use member::{
    Belief, Incarnation, Member, MemberRef, NAME_SIZE_MAX, Name, NameError, State, Verdict,
    VersionRange, Versions, supersedes,
};
pub use node::Node;
pub use output::{
    Answer, ConnectionError, Event, Failure, HealthReason, Output, PacketKind, RequestId, StreamId,
    StreamInput, StreamOp, StreamResource, StreamSource, TlsFault, Via,
};
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use sabotage::Sabotage;
pub use stats::{Counter, CounterKind, DropCounts, DropReason, MessageCounts, MessageKind, Stats};
pub use status::Status;
pub use time::Instant;
pub use wire::Wire;
