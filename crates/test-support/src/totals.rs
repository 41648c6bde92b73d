//! A counting allocator for the whole process, across threads.
//!
//! A program uses it with `#[global_allocator] static ALLOCATOR: Totals = Totals;`. The counts of
//! [`counting`](crate::counting) are per thread, and thus wrong for a runtime with its own threads:
//! memory moves between them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Passes everything on to the system's allocator.
#[derive(Debug)]
pub struct Totals;

/// The memory that the process has asked for so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// How often it asked for memory, or for more of it.
    pub allocations: usize,
    /// The total bytes requested. A block that grows counts as a new one.
    pub bytes: usize,
    /// The requested bytes in use.
    pub live: usize,
}

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);

/// The counts so far.
#[must_use]
pub fn total() -> Total {
    // Freed memory was requested before: read in this order, the difference is never negative.
    let freed = FREED.load(Relaxed);
    let (allocations, bytes) = (ALLOCATIONS.load(Relaxed), BYTES.load(Relaxed));
    Total { allocations, bytes, live: bytes.saturating_sub(freed) }
}

fn note(size: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    BYTES.fetch_add(size, Relaxed);
}

// SAFETY: passes everything on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Totals {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        FREED.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        FREED.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`; `pointer` came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
