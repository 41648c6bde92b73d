//! Rules of this repository that the compiler does not check.
//!
//! `cargo test -p tidy` checks them. `cargo run -p tidy` prints violations.
//!
//! | rule | holds |
//! |---|---|
//! | [`imports`] | an import of `swim-core` never points to a higher layer, see [`layers`] |
//! | [`calls`] | at most four files of `swim-core` call each other in a circle |
//! | [`sizes`] | a file has at most 600 lines and a function 70, without tests |
//! | [`columns`] | a line of code or prose has at most 100 columns |
//! | [`reasons`] | each `allow` and `expect` has a reason |
//! | [`promises`] | each promise of `docs/reference/security.md` names a test that exists |
//! | [`prose`] | no sentence opens with a stand-in for a noun, and no phrase needs decoding |
//! | [`links`] | a link between pages leads to a file and heading that exist |
//!
//! `exceptions.txt` lists violations to be fixed later, each with a reason. An unused line is
//! itself a [`Finding`], so the list only gets shorter.
//!
//! `cargo run -p tidy -- owners` prints the size and use of each owner of `swim-core`: see
//! [`owners`].

pub mod calls;
pub mod columns;
mod definitions;
pub mod exceptions;
mod finding;
mod graph;
pub mod imports;
pub mod layers;
pub mod links;
mod markdown;
pub mod owners;
mod paths;
pub mod promises;
pub mod prose;
pub mod reasons;
mod repository;
pub mod sizes;
mod source;
mod test_code;

pub use finding::{Finding, Rule};
pub use repository::{Repository, check};
pub use source::Source;
