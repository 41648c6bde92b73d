//! Tests that need something which a machine may lack.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::missing::Missing;

/// Runs a program of one test that needs something: the whole `main` of a test target without the
/// usual harness, which hides what a passing test prints and has no word for a skipped one.
///
/// Where it is missing a box says so, and the test is reported as ignored, or as failed if
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
