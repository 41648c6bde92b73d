//! Publish and subscribe among the members of a cluster.
//!
//! Clients send lines of text to any node. Each node sends what its clients publish to every other
//! node, over one connection per peer. [`PubSub`] is the logic: it runs beside a node on any
//! runtime, and in the simulator. The program in `main.rs` runs it on tokio.
//!
//! # Between nodes
//!
//! When it starts, a node draws a *life*, a random number. It announces the life and its port for
//! peers in its tags. A node numbers the messages that it takes, from 1 in each life, and keeps the
//! latest in a ring.
//!
//! A *link* is a connection over which one node sends its messages to another. It begins with
//! `HELLO`, which names the lives at both ends. The receiver answers with the number of the message
//! that it expects next. So a short break loses nothing and repeats nothing, and the receiver can
//! count the messages that left the ring before they were sent.
//!
//! | module | what it is |
//! |---|---|
//! | `service` | starts the tasks, follows the members, leaves |
//! | `hub` | the state of a node, behind one lock; it never waits |
//! | `link`, `intake` | the sending and the receiving end of a link |
//! | `session` | a client's connection |
#![forbid(unsafe_code)]

mod clients;
mod frame;
mod hub;
mod intake;
mod life;
mod link;
mod message;
mod peer;
mod request;
mod ring;
mod service;
mod session;
mod settings;

pub use example_lines::{LineError, Lines};
pub use life::Life;
pub use message::Topic;
pub use service::{CLIENT_PORT, DATA_PORT, LIFE, Ports, PubSub, StartError};
#[doc(hidden)]
pub use settings::Flaw;
pub use settings::{LINE_SIZE_MAX, Settings};
