//! An allocator that counts: how often it was asked, how many bytes are in use, and the most that
//! ever were. A program uses it with `#[global_allocator]`.
//!
//! The counts are those of the thread that asks, so threads do not disturb each other's; what one
//! thread frees for another is counted wrongly.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Hands everything on to the system's allocator.
#[derive(Debug)]
pub(crate) struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// How often memory was asked for, and how often it was asked to grow.
#[must_use]
pub(crate) fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// How many bytes are in use, as they were asked for.
#[must_use]
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// How many bytes were in use at most since the latest [`restart_peak`].
#[must_use]
pub(crate) fn peak() -> usize {
    PEAK.get()
}

/// Counts the peak from what is in use now.
pub(crate) fn restart_peak() {
    PEAK.set(LIVE.get());
}

/// Notes that `grown` bytes are in use more, and `shrunk` less. Both are in use in between: whoever
/// moves memory holds the old and the new.
fn note(grown: usize, shrunk: usize) {
    // A thread that ends frees memory when its counters are gone already; that is not counted.
    _ = LIVE.try_with(|live| {
        let most = live.get().wrapping_add(grown);
        live.set(most.wrapping_sub(shrunk));
        _ = PEAK.try_with(|peak| peak.set(peak.get().max(most)));
    });
    if grown > 0 {
        _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    }
}

// SAFETY: hands everything on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: the caller keeps the contract of `realloc`; `pointer` came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
