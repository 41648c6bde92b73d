//! Seeds on several threads, and panics that do not end the others.

use core::cell::RefCell;
use core::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    /// Where this thread panicked last, if panics are quiet.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics print nothing from now on, in the whole program: [`sweep`](super::sweep) and
/// [`digests`](super::digests) catch them, and say with each failed seed what it was and where. For
/// programs that do nothing else.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().map(ToString::to_string);
        PANICKED_AT.with(|place| *place.borrow_mut() = at);
    }));
}

/// Calls this with each seed, on so many threads at once, in the order of the seeds.
pub(super) fn each(seeds: Range<u64>, jobs: usize, run: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        break;
                    }
                    run(seed);
                }
            });
        }
    });
}

/// Runs this; if it panics, what with and where.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        let text = text.unwrap_or_else(|| "a panic without a text".to_owned());
        match PANICKED_AT.with(RefCell::take) {
            Some(at) => format!("{text}\n-- at {at}"),
            None => text,
        }
    })
}
