//! The wire formats, and one bare node that speaks them: how it handles input, its answers, and the
//! memory that takes.
//!
//! There is one folder or file per subject, and one program for all: another program takes longer
//! to link than most tests take to run. To run the tests of one subject:
//! `cargo test -p swim-core-tests --test protocol -- hostile::`.

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
