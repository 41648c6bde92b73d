//! The counting allocator of this program, on which tests of memory rest.

use std::hint::black_box;

use swim_test_support::counting::{Spent, spent};

#[test]
fn the_counter_counts() {
    let both = spent(|| {
        drop(black_box(Box::new([0_u8; 7])));
        drop(black_box(Box::new(0_u32)));
    });
    assert_eq!(both, Spent { count: 2, largest: 7, peak: 7 });
}

#[test]
fn what_is_in_use_together_adds_up() {
    let both = spent(|| {
        let seven = black_box(Box::new([0_u8; 7]));
        drop(black_box(Box::new(0_u32)));
        drop(seven);
    });
    assert_eq!(both, Spent { count: 2, largest: 7, peak: 11 });
}
