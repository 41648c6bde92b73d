//! Runs of many seeds.

use std::ops::Range;

use crate::seen::Seen;

/// The seeds tried until one shows a planted bug.
const FLAW_SEEDS: Range<u64> = 0..64;

/// Returns the seeds of the variable `SEEDS`, such as `SEEDS=0..1000`, or else `ordinary`.
fn seeds(ordinary: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return ordinary };
    let range = text
        .split_once("..")
        .and_then(|(first, end)| Some(first.parse::<u64>().ok()?..end.parse::<u64>().ok()?));
    range.unwrap_or_else(|| panic!("SEEDS is written 0..1000, not {text}"))
}

/// Runs each seed, and prints how often each kind of event happened over all of them.
///
/// `run` returns the violations of guarantees and the counts of events of a seed.
///
/// # Panics
///
/// A seed violates a guarantee, or a kind of event never happened.
pub fn expect_guarantees(ordinary: Range<u64>, run: impl Fn(u64) -> (Vec<String>, Seen)) {
    let mut seen: Option<Seen> = None;
    for seed in seeds(ordinary) {
        let (violations, of_seed) = run(seed);
        assert!(violations.is_empty(), "seed {seed}:\n{}", violations.join("\n"));
        match &mut seen {
            Some(seen) => *seen += of_seed,
            None => seen = Some(of_seed),
        }
    }
    let seen = seen.expect("there are seeds");
    println!("{seen}");
    assert_eq!(seen.never(), [""; 0], "these never happened");
}

/// Runs seeds with a planted bug until a violation contains the text `told`.
///
/// # Panics
///
/// No seed shows the bug.
pub fn expect_caught(told: &str, run: impl Fn(u64) -> (Vec<String>, Seen)) {
    for seed in FLAW_SEEDS {
        let (violations, _) = run(seed);
        if violations.iter().any(|violation| violation.contains(told)) {
            return;
        }
    }
    panic!("no seed of {FLAW_SEEDS:?} shows this: {told}");
}
