//! A node on memberlist's wire, compared with a Go member that got the same bytes: its answers, its
//! events, its complaints, and its view afterwards.
#![expect(unreachable_pub, reason = "a test has no outside; plain `pub` is what its modules share")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test, too")]

mod decisions;
mod differences;
mod harness;
mod indirect;
mod packets_input;
mod state;
mod streams;
mod streams_input;
