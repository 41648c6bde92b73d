//! Support for the tests, benches and fuzz targets of several crates.

pub mod counting;
mod skipping;
pub mod totals;

pub use skipping::say_skipped;
