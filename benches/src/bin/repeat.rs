//! Repeats one operation, for a profiler to look at:
//!
//! ```sh
//! cargo build --release --manifest-path benches/Cargo.toml
//! valgrind --tool=callgrind --toggle-collect='*measured*' \
//!     benches/target/release/repeat known/hot 1000 2000
//! ```
//!
//! The program `instructions` does it for those operations whose instructions are held.

use std::process::ExitCode;

use swim_benches::{OPERATIONS, Operation, PUSH_PULL, Subject};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let operation =
        arguments.next().and_then(|key| operations().find(|operation| operation.key == key));
    let mut number = || arguments.next().and_then(|text| text.parse().ok());
    let (Some(operation), Some(members), Some(times)) = (operation, number(), number()) else {
        eprintln!("usage: repeat OPERATION MEMBERS TIMES; an operation is one of:");
        for operation in operations() {
            eprintln!("  {:12} {}", operation.key, operation.title);
        }
        return ExitCode::FAILURE;
    };
    repeat(&operation, members, times);
    ExitCode::SUCCESS
}

fn operations() -> impl Iterator<Item = Operation> {
    OPERATIONS.into_iter().chain([PUSH_PULL])
}

fn repeat(operation: &Operation, members: usize, times: usize) {
    let mut subject = (operation.subject)(swim_benches::names::config(), members);
    for _ in 0..times {
        if let Some(prepare) = operation.prepare {
            prepare(&mut subject);
        }
        measured(operation, &mut subject);
    }
}

/// A function of its own, so that a profiler can tell it from what is prepared.
#[inline(never)]
fn measured(operation: &Operation, subject: &mut Subject) {
    (operation.work)(subject);
}
