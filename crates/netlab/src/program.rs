//! The program `netlab`.

use std::process::ExitCode;

use clap::Parser;

use crate::cases::CASES;
use crate::cli::{Cli, Task};
use crate::{runner, user_lab};

/// Runs the task that this process's arguments choose.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Cli::parse().task {
        Task::List => {
            for case in CASES {
                println!("{}\n    {}\n    Oracle: {}\n", case.name, case.about, case.oracle);
            }
            Ok(ExitCode::SUCCESS)
        }
        Task::Run(run) => runner::run(&run),
        Task::Lab(lab) => user_lab::run(&lab),
    };
    done.unwrap_or_else(|error| {
        eprintln!("netlab: {error}");
        ExitCode::from(2)
    })
}
