//! Lines of a connection, with a limit, and places for connections: for programs whose clients
//! speak text.
#![forbid(unsafe_code)]

mod lines;
mod places;
mod word;

pub use lines::{LineError, Lines};
pub use places::{NoPlace, Place, Places};
pub use word::word;
