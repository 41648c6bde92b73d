//! SWIM + Lifeguard cluster membership on tokio.
//!
//! [`bind`] starts a node and gives a [`Cluster`] handle to talk to it, its [`Events`], and the
//! future that *is* the node. Dropping the future stops everything that it started.
//!
//! ```
//! use swim_tokio::{Event, Notice, Options, bind};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Two nodes on this machine, on free ports. Servers use `Options::lan`, and keep port 7946.
//! let mut options = Options::local("a".parse()?);
//! options.bind = "127.0.0.1:0".parse()?;
//! let (a, mut events_of_a, node) = bind(options).await?;
//! tokio::spawn(node);
//!
//! let mut options = Options::local("b".parse()?);
//! options.bind = "127.0.0.1:0".parse()?;
//! options.config.meta = "role=cache".into();
//! let (b, _, node) = bind(options).await?;
//! tokio::spawn(node);
//!
//! // b joins through a; any member will do, or names as in "node-1.example.org:7946".
//! let joined = b.join([a.local_address()]).await?;
//! assert_eq!(joined.members, 2);
//!
//! // a hears of it.
//! while let Some(notice) = events_of_a.next().await {
//!     if let Notice::Event(Event::Joined { member, .. }) = notice {
//!         assert_eq!(member.name, "b");
//!         assert_eq!(member.meta, "role=cache");
//!         break;
//!     }
//! }
//! b.send_reliable("a", "hello").await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a node does with the runtime
//!
//! It opens one UDP socket and one TCP listener on the same port. Its turn runs in the future that
//! [`bind`] returns; every connection and every name that is being resolved is a task of its own,
//! which ends with it. Names are resolved by the system on tokio's blocking threads, at most
//! [`RESOLVES_MAX`] at a time. It does not matter whether the runtime has one thread or
//! many. Keep the runtime's threads free of blocking work: a node that is not polled cannot answer,
//! and is suspected by others.
//!
//! # More
//!
//! [`Options`] has the settings, [`Cluster`] the commands, [`Event`] what a node can tell. Who has
//! to decide something at once, such as whom to admit, gives [`Hooks`] to [`bind_with_hooks`].
//! `swim-core` is the protocol without sockets, and `swim-driver` what adapters for other runtimes
//! share with this one.
#![forbid(unsafe_code)]

mod adapter;
mod bind;
mod connections;
mod datagrams;
mod report;
mod resolver;
mod sockets;

pub use bind::{bind, bind_with_hooks};
pub use swim_driver::{
    Answer, BindError, Bytes, CipherKind, Cluster, CommandError, Config, ConfigError, Departure,
    DropCounts, DropReason, Error, Event, Events, Failure, Fingerprint, HealthReason, Hooks,
    INPUTS_PER_TURN_MAX, Incarnation, IpNet, Joined, Key, KeyError, Keyring, KeyringError, Member,
    MemberRef, Merge, MessageCounts, MessageKind, Name, NameError, Notice, Options, PORT_DEFAULT,
    Pong, RESOLVES_MAX, RequestId, SeedError, State, Stats, VersionRange, Versions, Via, Wire,
};
