//! Rules of this repository that no compiler knows. `cargo test -p tidy` holds them;
//! `cargo run -p tidy` prints what breaks them.
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
//! What breaks a rule today and is to be mended is listed, with a reason, in `exceptions.txt`. A
//! line of that list that is no longer needed is itself a [`Finding`], so the list only gets
//! shorter.
//!
//! `cargo run -p tidy -- owners` prints what each owner of `swim-core` keeps: see [`owners`].

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
