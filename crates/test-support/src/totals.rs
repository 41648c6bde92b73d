//! An allocator that counts what the whole process asks for, on whichever thread. A program uses it
//! with `#[global_allocator] static ALLOCATOR: Totals = Totals;`.
//!
//! [`counting`](crate::counting) counts by thread, which a runtime with threads of its own would
//! mislead: memory moves between them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Hands everything on to the system's allocator.
#[derive(Debug)]
pub struct Totals;

/// What the process has asked for so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// How often it asked for memory, or for more of it.
    pub allocations: usize,
    /// For how many bytes in all. A block that grows counts as a new one.
    pub bytes: usize,
    /// How many bytes are in use, as they were asked for.
    pub live: usize,
}

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);

/// What was counted until now.
#[must_use]
pub fn total() -> Total {
    // What is freed was asked for before: read in this order, the difference is never negative.
    let freed = FREED.load(Relaxed);
    let (allocations, bytes) = (ALLOCATIONS.load(Relaxed), BYTES.load(Relaxed));
    Total { allocations, bytes, live: bytes.saturating_sub(freed) }
}

fn note(size: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    BYTES.fetch_add(size, Relaxed);
}

// SAFETY: hands everything on to the system's allocator unchanged.
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
