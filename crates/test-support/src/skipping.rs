//! Tests that this machine cannot run fully.

use std::io::{Write, stderr};

/// Reports that a test skipped something, and how to have it tested.
///
/// The test harness hides the `println!` and `eprintln!` output of passing tests, so this writes to
/// standard error directly.
pub fn say_skipped(untested: &str, remedy: &str) {
    // In one write, so that no line of another test comes between. There may be no reader.
    _ = stderr().lock().write_all(format!("\nSKIPPED: {untested}: {remedy}\n").as_bytes());
}
