//! Test helpers of pubsub and sharded-cache: runs of many seeds, and processes with line clients.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod process;
mod random;
mod seeds;
mod seen;

#[cfg(unix)]
pub use process::{LineClient, NodeProcess, wait_for};
pub use random::Random;
pub use seeds::{expect_caught, expect_guarantees};
pub use seen::Seen;
