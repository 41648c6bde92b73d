//! The native wire format, compared with its schema and an independent implementation.
#![expect(unreachable_pub, reason = "a test has no outside; plain `pub` is what its modules share")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test, too")]

mod compression;
mod frames;
mod model;
mod packets;
mod properties;
mod schema;
