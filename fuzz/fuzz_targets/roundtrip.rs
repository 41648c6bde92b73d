//! Arbitrary messages, written and read again.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swim_fuzz::roundtrip::run(data));
