//! Seeds on several threads, and panics that do not stop other seeds.

use core::cell::RefCell;
use core::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    /// The place of this thread's last panic, if panics are quiet.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps panics in the whole program from printing anything.
///
/// [`sweep`](super::sweep) and [`digests`](super::digests) catch panics, and report text and place
/// with each failed seed. For programs that do nothing else.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().map(ToString::to_string);
        PANICKED_AT.with(|place| *place.borrow_mut() = at);
    }));
}

/// Calls `run` with each seed, on `jobs` threads, in the order of the seeds.
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

/// Calls `run`. If it panics, returns the text and place of the panic.
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
