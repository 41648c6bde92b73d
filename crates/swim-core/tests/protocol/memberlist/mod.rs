//! memberlist's wire, compared with bytes that a Go member sent, and with its handling of other
//! bytes. The forms of a body are tested next to the decoder.
#![expect(unreachable_pub, reason = "a test has no outside; plain `pub` is what its modules share")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test, too")]

mod hostile;
mod lzw;
mod messages;
mod packets;
mod properties;
mod streams;
pub mod vectors;
