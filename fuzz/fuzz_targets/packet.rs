//! Arbitrary bytes as a datagram.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swim_fuzz::packet::run(data));
