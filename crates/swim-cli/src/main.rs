//! The `swim` program: an agent to run beside a service, a demonstration, and a simulator.

mod agent;
mod cli;
mod client;
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

/// The exit code for invalid arguments, and for unusable addresses and outputs.
const EXIT_USAGE: u8 = 2;

/// The exit code for failures at run time.
const EXIT_FAILURE: u8 = 1;

/// An error that ends the program.
#[derive(Debug)]
struct Fatal {
    message: String,
    exit_code: u8,
}

impl Fatal {
    /// An error that the user can correct.
    fn usage(message: impl Into<String>) -> Self {
        Fatal { message: message.into(), exit_code: EXIT_USAGE }
    }

    /// A failure at run time.
    fn failure(message: impl Into<String>) -> Self {
        Fatal { message: message.into(), exit_code: EXIT_FAILURE }
    }
}

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Parsed::Run(cli) => cli,
        Parsed::Print(help) => {
            // It fails only if the reader is gone.
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
        .map_err(|error| Fatal::failure(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        let signals = Signals::new()
            .map_err(|error| Fatal::failure(format!("cannot catch signals: {error}")))?;
        match cli.command {
            Command::Demo(arguments) => demo::run(arguments, signals).await,
            Command::Agent(arguments) => agent::run(arguments.into(), signals, log).await,
            Command::Simulate(arguments) => simulate::run(*arguments, signals).await,
            Command::Keygen(arguments) => keygen::run(&arguments),
            Command::Client(command) => client::run(command, signals).await,
        }
    });
    // Does not wait for threads that still resolve a name.
    runtime.shutdown_background();
    result
}

/// The number of worker threads. One member needs one, and a second in case the first is blocked.
fn workers() -> usize {
    const WORKERS_MAX: usize = 4;
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, WORKERS_MAX))
}

/// Prints a warning to standard error.
fn warn(warning: &str) {
    to_stderr(&format!("warning: {warning}"));
}

/// Prints an error to standard error, on one line.
fn to_stderr(message: &str) {
    // If standard error cannot be written, the exit code is all that is left.
    let _ = writeln!(std::io::stderr(), "swim: {}", text::escape(message));
}
