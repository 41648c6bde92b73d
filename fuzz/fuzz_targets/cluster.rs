//! A simulated cluster of up to five nodes, watched by all checkers.
//!
//! The input decides the configuration and the faults.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((&first, script)) = data.split_first() {
        let finished = swim_sim::swarm::run_script(script, 1 + usize::from(first % 5));
        assert!(finished.settled_after <= finished.bound);
    }
});
