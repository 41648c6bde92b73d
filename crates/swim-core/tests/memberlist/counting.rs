//! Counts what each thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static SPENT: Cell<Spent> = const { Cell::new(Spent { count: 0, largest: 0 }) };
}

/// What some work allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// How often.
    pub count: usize,
    /// The most at once, in bytes.
    pub largest: usize,
}

// SAFETY: hands everything on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        _ = SPENT.try_with(|spent| {
            let Spent { count, largest } = spent.get();
            spent.set(Spent { count: count + 1, largest: largest.max(layout.size()) });
        });
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`; `pointer` came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

pub fn spent(work: impl FnOnce()) -> Spent {
    SPENT.set(Spent { count: 0, largest: 0 });
    work();
    SPENT.get()
}

#[test]
fn the_counter_counts() {
    let spent = spent(|| {
        drop(std::hint::black_box(Box::new([0_u8; 7])));
        drop(std::hint::black_box(Box::new(0_u32)));
    });
    assert_eq!(spent, Spent { count: 2, largest: 7 });
}
