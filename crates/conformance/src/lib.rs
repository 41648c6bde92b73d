//! The test suite for all adapters on all transports.
//!
//! An adapter describes itself with [`Adapter`], and [`run`]s the suite in a test without the usual
//! harness, for each of its transports:
//!
//! - [`Settings::default_transport`]: the transport that its `start` opens;
//! - `Settings::over_tls`, with the feature `tls`: the same with TLS streams;
//! - [`Settings::over`]: a [`Network`], such as the in-memory one, or a custom one.
//!
//! A case is a function of a `Scene`. It starts nodes, lets strangers contact them, and waits for
//! expected results. No case uses a fixed port or waits for a fixed time. To show that something
//! does not happen, a case checks everything that was reported before something else happened.
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
