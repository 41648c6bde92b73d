//! Arbitrary messages, written on memberlist's wire and read again.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swim_fuzz::memberlist_roundtrip::run(data));
