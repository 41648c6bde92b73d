//! Arbitrary bytes, in arbitrary pieces, on streams.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swim_fuzz::stream::run(data));
