//! The control API of a swim node, for operators and programs beside it.
//!
//! [`serve`] gives any application on tokio what `swim agent` has: HTTP/1.1 with JSON under `/v1`
//! on a Unix socket, events as they happen, and metrics for Prometheus. [`client`] asks such a
//! socket; the commands of the program `swim` (`swim members`, `swim monitor` and so on) are made
//! with it, so they work with an application, too.
//!
//! ```
//! use swim_agent::{ServeOptions, default_directory, serve, socket_name};
//! use swim_tokio::Node;
//!
//! async fn serve_node(node: &Node) -> Result<swim_agent::Served, swim_agent::ServeError> {
//!     let mut options = ServeOptions::new();
//!     let name = node.cluster().local().name;
//!     options.socket = Some(default_directory().join(socket_name(name.as_str())));
//!     serve(node.cluster(), options).await
//! }
//! ```
//!
//! # Security
//!
//! Access to the socket is access to the node: a client can make it leave. The file system decides
//! who has it: the socket is in a directory that only its owner, and perhaps a group, may enter.
//! The address of metrics is for anybody who reaches it, and read-only.
//!
//! # More
//!
//! `docs/reference/control-api.md` lists the routes; `openapi.json` in this crate describes them to
//! programs. [`limits`] has what a client may take.
#![forbid(unsafe_code)]

mod api;
mod body;
#[cfg(unix)]
pub mod client;
mod connections;
mod error;
mod events;
mod filter;
mod limited_io;
pub mod limits;
mod members;
mod metrics;
mod node;
mod options;
mod problem;
mod query;
mod routes;
mod served;
#[cfg(unix)]
mod socket;
mod timer;

pub use error::ServeError;
pub use options::ServeOptions;
pub use served::{Served, serve};
#[cfg(unix)]
pub use socket::{SOCKET_PATH_SIZE_MAX, default_directory, socket_name};
