//! What the tests of pubsub and sharded-cache share: seeds and what they saw, and processes of the
//! programs with clients that speak lines.
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
