//! SWIM + Lifeguard cluster membership on async-std.
//!
//! async-std is no longer developed
//! ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052.html)). This crate is for
//! services that run on it today. For new ones use `swim-smol` or `swim-tokio`, which have the same
//! types and functions.
//!
//! [`start`] starts a node, and returns the handle that owns it. The handle gives a [`Cluster`] for
//! commands and queries, and the node's [`Events`]. [`Node::shutdown`] leaves the cluster and stops
//! the node.
//!
//! ```
//! use std::time::Duration;
//! use swim_async_std::{Change, Options, start};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! async_std::task::block_on(async {
//!     // Two nodes on this machine, on free ports. Servers use `Options::lan`, and keep port 7946.
//!     let mut options = Options::local("a".parse()?);
//!     options.bind = "127.0.0.1:0".parse()?;
//!     let a = start(options).await?;
//!
//!     let mut options = Options::local("b".parse()?);
//!     options.bind = "127.0.0.1:0".parse()?;
//!     options.config.meta = "role=cache".into();
//!     let b = start(options).await?;
//!
//!     // b joins through a; any member works, also by name, as in "node-1.example.org:7946".
//!     let joined = b.cluster().join([a.cluster().local_address()]).await?;
//!     assert_eq!(joined.members, 2);
//!
//!     // a sees b.
//!     let mut watch = a.cluster().watch();
//!     if let Some(Change::Joined { member, .. }) = watch.next().await {
//!         assert_eq!(member.name, "b");
//!         assert_eq!(member.meta, "role=cache");
//!     }
//!     b.cluster().send_reliable("a", "hello").await?;
//!     b.shutdown(Duration::from_secs(5)).await?;
//!     Ok(())
//! })
//! # }
//! ```
//!
//! An application that owns its event loop uses [`bind`] and [`Bound::run`].
//!
//! # Use of the runtime
//!
//! A node opens one UDP socket and one TCP listener on the same port. Its turn runs in the task
//! that [`start`] spawns, or in the future of [`Bound::run`]. Each connection and each name lookup
//! has its own task, which ends with the node. Tasks run on async-std's executor, which has a
//! thread for each core. The system resolves names on async-std's blocking threads, at most 8 at a
//! time. Sockets and timers are those of `async-io`. Keep the executor's threads free of blocking
//! work: a node that is not polled cannot answer, and peers suspect it.
//!
//! # More
//!
//! See [`Options`] for settings, [`Cluster`] for commands, [`Event`] for what a node reports. To
//! control admission or attach application data, implement [`Hooks`] and use [`start_with_hooks`].
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod bind;
mod runtime;

#[cfg(feature = "tls")]
pub use bind::bind_tls;
pub use bind::{Bound, bind, bind_on, bind_with_hooks, start, start_with_hooks};
pub use runtime::AsyncStd;
pub use swim_driver::{
    BindError, Bytes, Carrier, Change, CipherKind, Cluster, CommandError, Config, ConfigError,
    Connection, ConnectionError, Counter, CounterKind, Departure, DialPurpose, DropCounts,
    DropReason, Elapsed, Encryption, Error, Event, Events, Failure, Fingerprint, HealthReason,
    Hooks, Incarnation, IpNet, Joined, Key, KeyError, KeyFileError, Keyring, KeyringError,
    Listener, Member, MemberRef, MemoryNetwork, MemoryStream, MemoryTransport, Merge,
    MessageCounts, MessageKind, Name, NameError, NameKeeper, NoHooks, Node, Notice, Options,
    PORT_DEFAULT, Pong, Readers, Runtime, RuntimeHandle, SeedError, State, Stats, StreamResource,
    StreamSource, SuspicionTimeouts, Tags, TagsError, Task, TaskEnded, Timer, TlsFault, TlsFiles,
    Transport, VersionRange, Versions, Via, Watch, Wire, metrics_text,
};
#[cfg(feature = "toml")]
pub use swim_driver::{SettingsError, settings};
pub use swim_sockets::{AsyncIoTimer, TcpConnection, UdpTcp};
#[cfg(feature = "tls")]
pub use swim_tls::{Tls, TlsError, TlsStream, TlsTransport};
