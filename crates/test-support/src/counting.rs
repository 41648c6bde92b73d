//! An allocator that counts: how often it is asked, for how much, how many bytes are in use, and
//! the most that ever were. A program uses it with `#[global_allocator] static ALLOCATOR: Counting
//! = Counting;`.
//!
//! It can also look for a secret in what is freed.
//!
//! Each thread has counts of its own, so tests that run at the same time do not disturb each other.
//! Memory that one thread frees for another is counted wrongly.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Hands everything on to the system's allocator.
#[derive(Debug)]
pub struct Counting;

/// A thread may free more than it allocated. From here on no count wraps around.
const START: usize = usize::MAX / 2;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(START) };
    static PEAK: Cell<usize> = const { Cell::new(START) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static SECRET: Cell<Option<[u8; SECRET_SIZE]>> = const { Cell::new(None) };
    static LEFT_BEHIND: Cell<usize> = const { Cell::new(0) };
}

/// How many bytes of a secret are looked for.
pub const SECRET_SIZE: usize = 16;

/// What some work asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// How often it asked for memory, or for more of it.
    pub count: usize,
    /// The most bytes that it asked for at once.
    pub largest: usize,
    /// How many bytes more than before were in use at most.
    pub peak: usize,
}

/// Does the work, and returns what it asked for.
pub fn spent(work: impl FnOnce()) -> Spent {
    let (count, live) = (allocations(), live());
    restart_peak();
    LARGEST.set(0);
    work();
    Spent { count: allocations() - count, largest: LARGEST.get(), peak: peak() - live }
}

/// Does the work, and returns how many blocks of memory that it freed held these bytes of a secret.
pub fn left_behind(secret: [u8; SECRET_SIZE], work: impl FnOnce()) -> usize {
    LEFT_BEHIND.set(0);
    SECRET.set(Some(secret));
    work();
    SECRET.set(None);
    LEFT_BEHIND.get()
}

/// How often memory was asked for, and how often it was asked to grow.
#[must_use]
pub fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// How many bytes are in use, as they were asked for: only the difference of two readings means
/// anything.
#[must_use]
pub fn live() -> usize {
    LIVE.get()
}

/// How many bytes were in use at most since the latest [`restart_peak`], on the scale of [`live`].
#[must_use]
pub fn peak() -> usize {
    PEAK.get()
}

/// Counts the peak from what is in use now.
pub fn restart_peak() {
    PEAK.set(LIVE.get());
}

/// Notes that `grown` bytes are in use more, and `shrunk` less. Both are in use in between: a
/// reallocation holds the old and the new block.
fn note(grown: usize, shrunk: usize) {
    // A thread that ends frees memory when its counters are gone already; that is not counted.
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
/// The block can be read, all of it was written, and nobody writes to it.
unsafe fn look_for(secret: [u8; SECRET_SIZE], pointer: *const u8, size: usize) {
    // SAFETY: as the caller says.
    let block = unsafe { core::slice::from_raw_parts(pointer, size) };
    if block.windows(SECRET_SIZE).any(|bytes| *bytes == secret) {
        _ = LEFT_BEHIND.try_with(|count| count.set(count.get() + 1));
    }
}

// SAFETY: hands everything on to the system's allocator unchanged, except that while a secret is
// looked for, memory is zeroed at first, and a block moves whenever it changes its size.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // Zeroed, so that all of it can be read.
        let zeroed = secret().is_some();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { if zeroed { System.alloc_zeroed(layout) } else { System.alloc(layout) } }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        if let Some(secret) = secret() {
            // SAFETY: the caller gives the block up. What was there before the search began was
            // written, too, as far as it matters here: a test has no other memory.
            unsafe { look_for(secret, pointer, layout.size()) };
        }
        // SAFETY: the caller keeps the contract of `dealloc`; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if secret().is_some() {
            // SAFETY: the caller keeps the contract of `realloc`, so the size fits the alignment.
            let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
            // SAFETY: both blocks are valid for so many bytes, and the old one is given up.
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
