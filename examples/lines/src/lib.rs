//! Helpers for servers whose clients speak lines of text: bounded lines, and a limit on
//! connections.
#![forbid(unsafe_code)]

mod lines;
mod places;
mod word;

pub use lines::{LineError, Lines};
pub use places::{NoPlace, Place, Places};
pub use word::word;
