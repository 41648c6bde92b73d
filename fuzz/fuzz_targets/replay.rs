//! Recorded traffic of members with a key, sent again in every way.
//!
//! From time to time it prints how many messages were opened, repeated and refused.

#![no_main]

use std::sync::Mutex;

use swim_fuzz::replay::{Counts, play};

/// The runs between two prints of the counts.
const PRINTED_EVERY: u64 = 10_000;

static TOTAL: Mutex<(u64, Counts)> = Mutex::new((0, Counts { opened: 0, repeated: 0, refused: 0 }));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let counts = play(data, |_| {}).expect("nothing recorded is taken");
    let mut total = TOTAL.lock().expect("no run panicked");
    let (runs, sum) = &mut *total;
    *runs += 1;
    sum.opened += counts.opened;
    sum.repeated += counts.repeated;
    sum.refused += counts.refused;
    if runs.is_multiple_of(PRINTED_EVERY) {
        println!("{runs} runs: {sum:?}");
    }
});
