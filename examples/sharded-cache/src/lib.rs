//! A cache whose keys are spread over the members of a cluster.
//!
//! Each key has one owner among the live members. A client sends a request to any node, which
//! answers it or forwards it to the owner. When members come and go, each node hands the keys that
//! it no longer owns to their new owners.
//!
//! [`Cache`] is the logic: it runs beside a node on any runtime, and in the simulator. The program
//! in `main.rs` runs it on tokio.
//!
//! | module | what it is |
//! |---|---|
//! | `cache` | starts the node, answers and forwards requests, leaves |
//! | `serving` | connections and their limits |
//! | `handover` | hands keys to their new owners |
//! | `owner` | which member owns a key |
//! | `store` | the keys and values of this node |
//! | `request` | the lines that clients and nodes send |
#![forbid(unsafe_code)]

mod cache;
mod handover;
mod owner;
mod request;
mod serving;
mod settings;
mod store;

pub use cache::{Cache, PORT, StartError};
pub use example_lines::{LineError, Lines};
pub use owner::owner;
#[doc(hidden)]
pub use settings::Flaw;
pub use settings::{LINE_SIZE_MAX, Settings};
