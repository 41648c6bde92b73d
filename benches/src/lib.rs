//! What a swim-core node costs. The operations that are measured are the same for criterion
//! (`cargo bench`) and for the table of figures (`cargo run --release --bin figures`).
//!
//! A node is driven as a real caller drives it: after every call all outputs are taken and dropped
//! and the next deadline is asked for, all of it inside of what is measured.

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

/// How many members the measured nodes know, themselves included.
pub const CLUSTER_SIZES: [usize; 3] = [10, 1_000, 100_000];
