//! Real processes on a modelled network: see the library, and `netlab --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    netlab::run()
}
