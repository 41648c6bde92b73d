//! Lines of a connection, with a limit: for programs whose clients speak text.
#![forbid(unsafe_code)]

mod lines;

pub use lines::{LineError, Lines};
