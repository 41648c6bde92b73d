//! A cluster member for a device with a network chip and little memory. It needs only `swim-core`.
//!
//! [`Member`] connects a node to a [`Network`] chip. The program (`main.rs`) is for a
//! microcontroller. It measures the size of a member there, with and without each feature of
//! `swim-core`:
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin sizes
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod member;
mod settings;

pub use member::{Member, Network};
pub use settings::Settings;
