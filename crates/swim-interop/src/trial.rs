//! Tests whose requirements a machine may lack.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::missing::Missing;

/// Runs a program with one test that may be skipped.
///
/// It is the whole `main` of a test target without the standard harness, which hides the output of
/// passing tests and cannot report a skipped one.
///
/// If a requirement is missing, it prints a box and reports the test as ignored, or as failed if
/// `SWIM_INTEROP_REQUIRE` is set.
#[must_use]
pub fn run_if(
    is_there: fn() -> Result<(), Missing>,
    untested: &'static str,
    name: &str,
    check: fn(),
) -> ExitCode {
    let trial = Trial::ignorable_test(name, move || match is_there() {
        Ok(()) => {
            check();
            Ok(Completion::Completed)
        }
        Err(missing) => {
            missing.announce(untested);
            missing.skip()
        }
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}
