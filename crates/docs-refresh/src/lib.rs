//! Writes the parts of the docs that are made from code and from what programs print.
//!
//! `docs/refresh` writes them, `docs/refresh --check` fails if one is stale, and `docs/refresh
//! --demo` draws the picture of the demo from a new run.
//!
//! A part stands in a page between two comments. The first one names what the part is made from:
//!
//! | `<!-- refresh: ... -->` | the part |
//! |---|---|
//! | `run ARGUMENTS` | the output of the program `swim` with these arguments |
//! | `bench ARGUMENTS` | what a program of `benches/` prints as Markdown |
//! | `file PATH` | a file of the repository, without its crate documentation |
//! | `settings` | the settings, from `docs/swim.example.toml` |
//! | `events` | the events, from the documentation of `Event` |
//! | `counters` | the counters of `Stats` |
//! | `crates` | the packages in `crates/`, from their manifests |
//! | `instructions` | `benches/instructions.txt` as a table |
//!
//! `<!-- /refresh -->` ends it. All of these are the same on every machine, so that a check can
//! compare them.

mod crates;
mod demo;
mod events;
mod page;
mod sources;
mod tables;

pub use demo::draw_demo;
pub use page::{Outcome, refresh};
pub use sources::Sources;
