//! The `swim` program: a cluster member to run beside a service, a demonstration, and a simulator.

mod agent;
mod cli;
mod demo;
mod describe;
mod input;
mod keygen;
mod keys;
mod log;
mod output;
mod print;
mod record;
mod settings;
mod signal;
mod simulate;
mod style;
mod table;
mod text;

use std::io::Write;
use std::process::ExitCode;

use crate::cli::{Cli, Command, Parsed};
use crate::log::Log;
use crate::signal::Signals;

/// The exit code for wrong arguments, and for addresses and outputs that cannot be used.
const EXIT_USAGE: u8 = 2;

/// The exit code for what went wrong later.
const EXIT_FAILURE: u8 = 1;

/// Why the program ends without success.
#[derive(Debug)]
struct Fatal {
    message: String,
    exit_code: u8,
}

impl Fatal {
    /// Something that the user can put right before trying again.
    fn usage(message: impl Into<String>) -> Self {
        Fatal { message: message.into(), exit_code: EXIT_USAGE }
    }

    /// Something that went wrong on the way.
    fn failure(message: impl Into<String>) -> Self {
        Fatal { message: message.into(), exit_code: EXIT_FAILURE }
    }
}

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Parsed::Run(cli) => cli,
        Parsed::Print(help) => {
            // With the reader gone there is nobody left to help.
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
        Parsed::Wrong(line) => {
            to_stderr(&line);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match start(*cli) {
        Ok(code) => ExitCode::from(code),
        Err(fatal) => {
            to_stderr(&fatal.message);
            ExitCode::from(fatal.exit_code)
        }
    }
}

fn start(cli: Cli) -> Result<u8, Fatal> {
    let log = Log::start(cli.verbose)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .map_err(|error| Fatal::failure(format!("cannot start: {error}")))?;
    let result = runtime.block_on(async {
        let signals = Signals::new()
            .map_err(|error| Fatal::failure(format!("cannot catch signals: {error}")))?;
        match cli.command {
            Command::Demo(arguments) => demo::run(arguments, signals).await,
            Command::Agent(arguments) => agent::run(arguments.into(), signals, log).await,
            Command::Simulate(arguments) => simulate::run(*arguments, signals).await,
            Command::Keygen(arguments) => keygen::run(&arguments),
        }
    });
    // A thread that still looks up a name must not keep the program from ending.
    runtime.shutdown_background();
    result
}

/// A member needs no more than one thread, and one that is free when the other is held up.
fn workers() -> usize {
    const WORKERS_MAX: usize = 4;
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, WORKERS_MAX))
}

/// Says on standard error what the user should know, and goes on.
fn warn(warning: &str) {
    to_stderr(&format!("warning: {warning}"));
}

/// Says on standard error, in one line, what is wrong.
fn to_stderr(message: &str) {
    // If this cannot be said there is nowhere left to say it; the exit code tells.
    let _ = writeln!(std::io::stderr(), "swim: {}", text::escape(message));
}
