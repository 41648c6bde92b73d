//! Tests of the public API of `swim-sim`: `cluster`, `attacks`, `hostile_peers` and
//! `checkers_bite`. The tests of its programs are in `crates/swim-sim/programs`.
//!
//! They are a separate package for the reason given in `crates/swim-core/tests`.
