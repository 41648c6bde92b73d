//! HTTP/1.1 over the connections of a [`RuntimeHandle`](swim_driver::RuntimeHandle), with limits.
//!
//! [`serve`] passes requests to a [`Handler`]. [`Client`] sends requests to one server over a
//! persistent connection. Both use hyper, with the clock and timers of the runtime.

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
