//! One suite of tests for all adapters on all transports.
//!
//! An adapter describes itself with [`Adapter`], and [`run`]s the suite in a test without the usual
//! harness, for each of its transports:
//!
//! - [`Settings::default_transport`]: the one that its `start` opens;
//! - `Settings::over_tls`, with the feature `tls`: the same with streams that speak TLS;
//! - [`Settings::over`]: those of a [`Network`], such as the in-memory one, or one of a user's own.
//!
//! A case is a function of a `Scene`, in which it starts nodes, has strangers knock at them, and
//! waits for what should come true. No case uses a fixed port or waits for a fixed time. What must
//! not happen is asked of all that was heard until something else did.
#![allow(clippy::unwrap_used, reason = "a case that cannot go on stops here, helpers included")]
#![forbid(unsafe_code)]

mod adapter;
mod alone;
mod case;
mod cases;
mod counting;
mod loopback;
mod network;
mod node;
mod runner;
mod scene;
mod setting;
mod stranger;
#[cfg(feature = "tls")]
mod tls;
mod unstarted;
mod wait;

pub use adapter::{Adapter, LocalFuture, Threads};
pub use network::Network;
pub use runner::run;
pub use setting::Settings;
