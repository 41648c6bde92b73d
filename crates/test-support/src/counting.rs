//! A counting allocator: how many requests, for how much, how many bytes are in use, and the peak.
//!
//! A program uses it with `#[global_allocator] static ALLOCATOR: Counting = Counting;`. It can also
//! look for a secret in freed memory.
//!
//! Each thread has its own counts, so concurrent tests do not disturb each other. Memory that one
//! thread frees for another is counted wrongly.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Passes everything on to the system's allocator.
#[derive(Debug)]
pub struct Counting;

/// A thread may free more than it allocated. From this start no count wraps around.
const START: usize = usize::MAX / 2;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(START) };
    static PEAK: Cell<usize> = const { Cell::new(START) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static SECRET: Cell<Option<[u8; SECRET_SIZE]>> = const { Cell::new(None) };
    static LEFT_BEHIND: Cell<usize> = const { Cell::new(0) };
}

/// How many bytes of a secret to look for.
pub const SECRET_SIZE: usize = 16;

/// The memory that some work asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// How often it asked for memory, or for more of it.
    pub count: usize,
    /// The largest request in bytes.
    pub largest: usize,
    /// The most bytes in use, above the use before the work.
    pub peak: usize,
}

/// Does the work, and returns the memory that it asked for.
pub fn spent(work: impl FnOnce()) -> Spent {
    let (count, live) = (allocations(), live());
    restart_peak();
    LARGEST.set(0);
    work();
    Spent { count: allocations() - count, largest: LARGEST.get(), peak: peak() - live }
}

/// Does the work, and returns how many of the blocks that it freed held these bytes of a secret.
pub fn left_behind(secret: [u8; SECRET_SIZE], work: impl FnOnce()) -> usize {
    LEFT_BEHIND.set(0);
    SECRET.set(Some(secret));
    work();
    SECRET.set(None);
    LEFT_BEHIND.get()
}

/// How often memory was requested, including growth.
#[must_use]
pub fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// The requested bytes in use. Only the difference of two readings is meaningful.
#[must_use]
pub fn live() -> usize {
    LIVE.get()
}

/// The most bytes in use since the last [`restart_peak`], on the scale of [`live`].
#[must_use]
pub fn peak() -> usize {
    PEAK.get()
}

/// Restarts the peak at the current use.
pub fn restart_peak() {
    PEAK.set(LIVE.get());
}

/// Counts `grown` more bytes in use and `shrunk` fewer. In between both are in use: a reallocation
/// holds the old and the new block.
fn note(grown: usize, shrunk: usize) {
    // A thread that ends may free memory after its counters are gone; that is not counted.
    _ = LIVE.try_with(|live| {
        let most = live.get().wrapping_add(grown);
        live.set(most.wrapping_sub(shrunk));
        _ = PEAK.try_with(|peak| peak.set(peak.get().max(most)));
    });
    if grown > 0 {
        _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        _ = LARGEST.try_with(|largest| largest.set(largest.get().max(grown)));
    }
}

fn secret() -> Option<[u8; SECRET_SIZE]> {
    SECRET.try_with(Cell::get).ok().flatten()
}

/// Looks for the secret in a block that is about to be freed.
///
/// # Safety
///
/// The block is readable and fully written, and nothing writes to it.
unsafe fn look_for(secret: [u8; SECRET_SIZE], pointer: *const u8, size: usize) {
    // SAFETY: by the contract of this function.
    let block = unsafe { core::slice::from_raw_parts(pointer, size) };
    if block.windows(SECRET_SIZE).any(|bytes| *bytes == secret) {
        _ = LEFT_BEHIND.try_with(|count| count.set(count.get() + 1));
    }
}

// SAFETY: passes everything on to the system's allocator unchanged, except during the search for a
// secret: then memory starts zeroed, and a block moves whenever its size changes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // Zeroed, so that all of it is readable.
        let zeroed = secret().is_some();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { if zeroed { System.alloc_zeroed(layout) } else { System.alloc(layout) } }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        if let Some(secret) = secret() {
            // SAFETY: the caller gives the block up. A block from before the search was written as
            // far as it matters here: a test has no other memory.
            unsafe { look_for(secret, pointer, layout.size()) };
        }
        // SAFETY: the caller keeps the contract of `dealloc`; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if secret().is_some() {
            // SAFETY: the caller keeps the contract of `realloc`, so the size fits the alignment.
            let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
            // SAFETY: both blocks are valid for this many bytes, and the old one is given up.
            unsafe {
                let place = self.alloc(new);
                if !place.is_null() {
                    place.copy_from_nonoverlapping(pointer, layout.size().min(size));
                    self.dealloc(pointer, layout);
                }
                return place;
            }
        }
        note(size, layout.size());
        // SAFETY: the caller keeps the contract of `realloc`; `pointer` came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
