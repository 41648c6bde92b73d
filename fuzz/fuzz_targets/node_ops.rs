//! Arbitrary operations on one node, with invariants checked after each.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swim_fuzz::node_ops::run(data));
