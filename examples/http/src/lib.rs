//! HTTP/1.1 over the connections of a [`RuntimeHandle`](swim_driver::RuntimeHandle), with limits.
//!
//! [`serve`] answers requests by a [`Handler`]; [`Client`] sends them over a connection that it
//! keeps. Both are hyper underneath, with the time of the runtime.

#![forbid(unsafe_code)]

mod body;
mod client;
mod served_connection;
mod server;
mod timer;

pub use body::{Body, BodyError, full, read_body};
pub use client::{Client, ClientError, ClientLimits, Reply};
pub use served_connection::ServedConnection;
pub use server::{Handler, ServerLimits, serve};
pub use timer::RuntimeTimer;
