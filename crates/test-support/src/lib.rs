//! What the tests, benches and fuzz targets of several crates need.

pub mod counting;
mod skipping;

pub use skipping::say_skipped;
