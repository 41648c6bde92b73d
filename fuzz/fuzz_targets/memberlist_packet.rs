//! Arbitrary bytes as a datagram of memberlist's wire, which must not take much memory.

#![no_main]

use swim_test_support::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Nodes, coders, and a few copies of an unpacked packet or stream.
const MEMORY_MAX: usize = 8 << 20;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let before = counting::live();
    counting::restart_peak();
    swim_fuzz::memberlist_packet::run(data);
    let taken = counting::peak() - before;
    assert!(taken <= MEMORY_MAX, "{taken} bytes of memory");
});
