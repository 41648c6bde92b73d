//! A broker of server-sent events on several nodes: a client subscribes at any node, and gets
//! events published at any node.
#![forbid(unsafe_code)]

mod api;
pub mod broker;
mod flaw;
pub mod frame;
mod link;
pub mod log;
mod message;
mod passed;
mod peers;
mod refusal;
mod route;
mod service;
mod settings;
mod standing;
mod streams;

#[doc(hidden)]
pub use flaw::Flaw;
pub use message::{Message, NAME_MAX, Target};
pub use service::{HTTP_PORT, SseCluster};
pub use settings::Settings;
