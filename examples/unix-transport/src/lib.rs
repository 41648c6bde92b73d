//! A custom transport: nodes on one machine that talk over Unix sockets.
//!
//! A [`Directory`] represents a network. Each node has two sockets in it, named by its address: one
//! for datagrams, and one that listens for streams. Addresses are only names here: any IP address
//! and port will do. Every user who may write to the directory can take part.
//!
//! The transport is polled and uses `async-io`, so it works on every runtime, with `swim-smol` and
//! `swim-async-std` too.
//!
//! ```
//! use std::time::Duration;
//! use swim_tokio::{NoHooks, Options, bind_on};
//! use unix_transport::Directory;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let network = Directory::new(folder)?;
//! let transport = network.open("10.0.0.1:7946".parse()?)?;
//! let a = bind_on(transport, Options::local("a".parse()?), Box::new(NoHooks)).await?.spawn();
//! let transport = network.open("10.0.0.2:7946".parse()?)?;
//! let b = bind_on(transport, Options::local("b".parse()?), Box::new(NoHooks)).await?.spawn();
//!
//! let joined = b.cluster().join(["10.0.0.1:7946"]).await?;
//! assert_eq!(joined.members, 2);
//! b.shutdown(Duration::from_secs(5)).await?;
//! # drop(a);
//! # Ok(())
//! # }
//! ```
#![cfg(unix)]
#![forbid(unsafe_code)]

mod connection;
mod directory;
mod names;
mod transport;

pub use connection::UnixConnection;
pub use directory::Directory;
pub use transport::UnixTransport;
