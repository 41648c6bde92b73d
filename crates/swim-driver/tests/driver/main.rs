//! The driver in one thread, with the test's own clock and network.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

mod access;
mod commands;
mod harness;
mod hooks;
mod joins;
mod links;
mod power_loss;
mod seeds;
mod subscribers;
mod turns;
mod watching;
