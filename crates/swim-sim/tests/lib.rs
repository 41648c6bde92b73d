//! The tests of `swim-sim`'s public face: `cluster`, `attacks`, `hostile_peers` and
//! `checkers_bite`. Those of its programs are in `crates/swim-sim/programs`.
//!
//! They are a package of their own for the reason that `crates/swim-core/tests` gives.
