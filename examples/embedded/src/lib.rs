//! A cluster member for a device with a network chip and little memory, on `swim-core` alone.
//!
//! [`Member`] stands between a node and what [`Network`] asks of the chip. The program beside it
//! (`main.rs`) is for a microcontroller; it shows what a member takes there, with each feature of
//! `swim-core` and without:
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
