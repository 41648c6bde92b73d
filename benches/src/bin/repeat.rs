//! Repeats one operation, for a profiler:
//!
//! ```sh
//! cargo build --release --manifest-path benches/Cargo.toml
//! valgrind --tool=callgrind --toggle-collect='*measured*' \
//!     benches/target/release/repeat known/hot 1000 2000
//! ```
//!
//! `ping/hot@swim/aes256` is the operation with that framing; `wires` lists the names. The program
//! `instructions` counts the operations with committed numbers.

use std::process::ExitCode;

use swim_benches::coder::FRAMINGS;
use swim_benches::{OPERATIONS, Operation, PUSH_PULL, Subject, names};
use swim_core::Config;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let operation = arguments.next().and_then(|key| find(&key));
    let mut number = || arguments.next().and_then(|text| text.parse().ok());
    let (Some((operation, config)), Some(members), Some(times)) = (operation, number(), number())
    else {
        eprintln!("usage: repeat OPERATION[@FRAMING] MEMBERS TIMES; an operation is one of:");
        for operation in operations() {
            eprintln!("  {:12} {}", operation.key, operation.title);
        }
        eprintln!("and a framing, if it is not the plain native wire:");
        for framing in FRAMINGS {
            eprintln!("  {:22} {}", framing.key, framing.title);
        }
        return ExitCode::FAILURE;
    };
    repeat(&operation, config, members, times);
    ExitCode::SUCCESS
}

fn operations() -> impl Iterator<Item = Operation> {
    OPERATIONS.into_iter().chain([PUSH_PULL])
}

/// Returns the operation of this name, and the configuration of its node.
fn find(key: &str) -> Option<(Operation, Config)> {
    let (key, config) = match key.split_once('@') {
        None => (key, names::config()),
        Some((key, framing)) => (key, FRAMINGS.into_iter().find(|it| it.key == framing)?.config()),
    };
    Some((operations().find(|operation| operation.key == key)?, config))
}

fn repeat(operation: &Operation, config: Config, members: usize, times: usize) {
    let mut subject = (operation.subject)(config, members);
    for _ in 0..times {
        if let Some(prepare) = operation.prepare {
            prepare(&mut subject);
        }
        measured(operation, &mut subject);
    }
}

/// A separate function, so that a profiler can tell it from the preparation.
#[inline(never)]
fn measured(operation: &Operation, subject: &mut Subject) {
    (operation.work)(subject);
}
