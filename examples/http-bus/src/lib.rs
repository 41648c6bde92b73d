//! A message bus over HTTP: every member of a cluster gets each message that any member accepts.
//!
//! [`Service`] is the whole bus, HTTP included. It takes tasks, time, random numbers and
//! connections from [`Cluster::runtime`](swim_driver::Cluster::runtime). So the same code runs on
//! tokio, smol and async-std, and in the simulator.
//!
//! The HTTP server and client are in `example_http`, which knows nothing of the bus.
#![forbid(unsafe_code)]

mod api;
mod bus;
mod lane;
mod reader;
mod service;
mod settings;
mod shared;

pub use bus::{Id, Message, PAYLOAD_SIZE_MAX, PUBLISHED_MAX, Peer};
pub use service::{Ended, Service, ServiceError};
#[doc(hidden)]
pub use settings::{Delivery, Flaw, Witness};
pub use settings::{Settings, SettingsError};
