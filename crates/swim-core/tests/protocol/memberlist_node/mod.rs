//! A node on memberlist's wire, held against what a Go member did with the same bytes: what it
//! answered, what it told its application, what it complained of, and what it believed afterwards.
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
