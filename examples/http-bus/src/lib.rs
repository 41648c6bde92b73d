//! A message bus over HTTP: what one member of a cluster accepts, all of them get.
//!
//! [`Service`] is the whole of it, HTTP included. It depends on no runtime: tasks, time, chance and
//! connections come from [`Cluster::runtime`](swim_driver::Cluster::runtime), so that it runs on
//! tokio, smol and async-std, and in the simulator, without a changed line.
//!
//! HTTP itself is in `example_http`, which knows nothing of the bus.
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
