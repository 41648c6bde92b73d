//! TLS between two ends of an in-memory network.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod files;
mod mistakes;
mod scene;
mod strangers;
mod talking;
