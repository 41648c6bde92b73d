//! Publish and subscribe among the members of a cluster.
//!
//! Clients speak lines to any node. Each node pushes what its clients publish to every other node,
//! over one connection that it keeps to each. [`PubSub`] is the logic: it runs beside a node on any
//! runtime, and in the simulator. The program in `main.rs` runs it on tokio.
//!
//! # Between nodes
//!
//! A node draws a *life*, a random number, when it starts, and announces it in its tags together
//! with the port for peers. It numbers the messages that it takes, from 1 in each life, and keeps
//! the latest of them in a ring. A link begins with `HELLO`, which names the lives at both ends;
//! the receiver answers with the number of the message that it expects next. So a short break
//! loses nothing, nothing arrives twice, and the receiver counts what left the ring before it
//! could be sent.
//!
//! | module | what it is |
//! |---|---|
//! | `service` | starts everything, follows the membership, leaves |
//! | `hub` | the state of a node, behind one lock; it never waits |
//! | `link`, `intake` | the two ends of a connection between nodes |
//! | `session` | a connection of a client |
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
