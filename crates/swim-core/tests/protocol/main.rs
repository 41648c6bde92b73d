//! The wire formats, and one bare node that speaks them: what it makes of the bytes that it gets,
//! what it answers, and how much memory that takes.
//!
//! One folder or file, one subject, and one program for all of them: a program more takes longer to
//! link than most tests take to run. `cargo test -p swim-core-tests --test protocol -- hostile::`
//! runs those of one subject.

mod ack_payload;
mod counter;
mod hostile;
mod memberlist;
mod memberlist_node;
mod memory;
mod secrets;
mod steady_state;
mod wire;
mod wire_alloc;

use swim_test_support::counting::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
