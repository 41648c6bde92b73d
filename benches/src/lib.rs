//! The cost of a swim-core node.
//!
//! Criterion (`cargo bench`) and the table of figures (`cargo run --release --bin figures`) measure
//! the same operations.
//!
//! A node is driven as by a real caller. After each call, all outputs are taken and dropped, and
//! the next deadline is queried. All of that is measured.

pub mod coder;
pub mod exchange;
pub mod names;
mod operation;
pub mod peers;
pub mod samples;
mod subject;
pub mod timing;
pub mod updates;

pub use operation::{OPERATIONS, Operation, PUSH_PULL, QUEUED, UPDATES_PER_PACKET};
pub use subject::Subject;

/// The number of members that the measured nodes know, including themselves.
pub const CLUSTER_SIZES: [usize; 3] = [10, 1_000, 100_000];
