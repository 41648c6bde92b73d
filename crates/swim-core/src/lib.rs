//! SWIM + Lifeguard cluster membership as a pure state machine.
//!
//! A [`Node`] is one member of a cluster. It discovers the other members, detects failures, spreads
//! the news, and carries small application messages. It has no sockets, clock, threads or
//! randomness of its own: the caller passes in packets with the current time, and carries out the
//! outputs. The same code therefore runs on a server, in a simulator, in a browser and on a
//! microcontroller.
//!
//! Use this crate with an event loop of your own. For a runtime there are adapters, such as
//! `swim-tokio`.
//!
//! # The loop
//!
//! The loop passes in each input with the time at which it was received: datagrams
//! ([`Node::handle_packet`]), connections ([`Node::handle_accept`]) and stream events
//! ([`Node::handle_stream`]). It calls [`Node::handle_timeout`] at the time that
//! [`Node::poll_timeout`] returns, after all input that arrived before. After each of these calls,
//! and after each command, it takes all outputs ([`Node::poll_output`]) and carries them out in
//! order:
//!
//! ```
//! use swim_core::{Config, Instant, Node, Output};
//!
//! let config = Config::lan("cache-1".parse()?, "10.0.0.1:7946".parse()?);
//! // From the operating system, or fixed to repeat a run.
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
//!     // A real loop waits here for input or a command, until the deadline at most. This one has
//!     // no network, so the join times out.
//!     let Some(deadline) = node.poll_timeout() else { break };
//!     now = deadline;
//!     node.handle_timeout(now);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Streams
//!
//! Each join, push/pull, reliable message, and ping over a stream uses a stream of its own: a TCP
//! connection. The loop keeps a table of streams. [`Node::handle_accept`] and [`StreamOp::Open`]
//! add a stream; the last three rows remove one:
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
//! The loop reports the peer's bytes as [`StreamInput::Data`], and the end of the peer's sending
//! side as [`StreamInput::Finished`]. The node limits the number of streams, their duration, and
//! the bytes received. Only the loop knows what was written, so it enforces two limits itself: the
//! time for a closing stream (see [`StreamOp::Close`]), and the bytes that wait for peers that do
//! not read. A complete loop is [below](#a-whole-loop).
//!
//! # Main types
//!
//! - [`Config`], every interval and limit, with presets
//! - [`Event`], news for the application, each with its cause
//! - [`Stats`], counters
//! - [`supersedes`], the rule that decides between two beliefs about a member
//! - [`wire`], the format of datagrams and streams
//!
//! Bad input from the network never causes an error or a panic. The node counts it by
//! [`DropReason`], and reports the first of its kind from a host as [`Event::BadInput`].
//!
//! The protocol is SWIM (Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style
//! Process Group Membership Protocol", DSN 2002) with all three parts of Lifeguard (Dadgar,
//! Phillips, Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection", DSN
//! 2018). Push/pull anti-entropy and the timing are those of HashiCorp memberlist.
//!
//! # Features
//!
//! Three features are on by default. If program memory is short, leave out the ones that your
//! cluster does not use (`default-features = false`):
//!
//! | feature | absent without it | such input is dropped as |
//! |---|---|---|
//! | `compression` | `Config::compression` | [`DropReason::Compressed`] |
//! | `encryption` | `Key`, `Keyring`, `Encryption`, and what takes them | [`DropReason::Sealed`] |
//! | `memberlist` | `Wire::Memberlist`, `Config::memberlist` | [`DropReason::Memberlist`] |
//!
//! Nodes do not negotiate features: each member must be able to read what any other member sends.
//! `docs/reports/performance.md` lists the program size with each feature.
//!
//! The feature `serde` (off by default) serialises events and members.
//!
//! # A whole loop
//!
//! This loop uses the standard library's non-blocking sockets. The example `own_loop` of this crate
//! runs two such nodes on loopback.
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
