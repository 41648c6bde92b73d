//! Certificates for tests, valid and flawed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
#![forbid(unsafe_code)]

mod authority;
mod folder;

pub use authority::{Authority, Flaw, Issued};
pub use folder::Folder;
