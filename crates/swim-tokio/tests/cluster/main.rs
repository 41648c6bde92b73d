//! Nodes on real sockets of this machine. No test uses a fixed port or waits for a fixed time: each
//! waits for what it expects, with a generous limit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

mod access;
mod binding;
mod failing;
mod forming;
mod harness;
mod hooks;
mod hostile;
mod stopping;
mod traffic;
