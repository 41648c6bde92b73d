//! The control API over real sockets, with clients of every kind.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod events;
mod hostile;
mod openapi;
mod requests;
