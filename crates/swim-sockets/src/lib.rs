//! The sockets of a node: UDP and TCP on one port.
//!
//! The adapters are built on this. [`Sockets::open`] opens sockets of the standard library, for
//! other adapters or an event loop of your own. The feature `async-io` adds `UdpTcp`, the transport
//! that smol and async-std share, and its timer.
//!
//! ```
//! use swim_sockets::Sockets;
//!
//! let sockets = Sockets::open("127.0.0.1:0".parse()?)?;
//! assert_eq!(sockets.datagrams.local_addr()?, sockets.listener.local_addr()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "async-io")]
mod application;
#[cfg(feature = "async-io")]
mod connection;
mod connections;
mod polled;
mod sockets;
#[cfg(feature = "async-io")]
mod timer;
mod tuning;
#[cfg(feature = "async-io")]
mod udp_tcp;

#[cfg(feature = "async-io")]
pub use application::{connect, listen_async};
#[cfg(feature = "async-io")]
pub use connection::TcpConnection;
pub use connections::{Connections, Waits};
pub use sockets::{Sockets, listen, open_listener};
#[cfg(feature = "async-io")]
pub use timer::AsyncIoTimer;
pub use tuning::tune;
#[cfg(feature = "async-io")]
pub use udp_tcp::UdpTcp;
