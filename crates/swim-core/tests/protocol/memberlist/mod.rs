//! memberlist's wire, held against bytes that a Go member sent and against what it did with others.
//! What a body may look like is tested next to the decoder.
#![expect(unreachable_pub, reason = "a test has no outside; plain `pub` is what its modules share")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test, too")]

mod hostile;
mod lzw;
mod messages;
mod packets;
mod properties;
mod streams;
pub mod vectors;
