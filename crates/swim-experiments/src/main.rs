//! The experiments of the SWIM, Lifeguard and Rapid papers, and the goals of this project.
//!
//! They run on simulated clusters. `experiments list` names them. `docs/reports/experiments.md` has
//! the results.
//!
//! All output is a function of the arguments: the same seed gives the same tables.
#![forbid(unsafe_code)]

mod census;
mod cli;
mod cluster;
mod experiments;
mod load;
mod parallel;
mod plot;
mod report;
mod samples;
mod scope;
mod table;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::experiments::Experiment;

/// The exit code for an unknown experiment, or a directory that cannot be written.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.name == "list" {
        return finish(list());
    }
    match experiments::ALL.iter().find(|experiment| experiment.name == cli.name) {
        Some(experiment) => finish(carry_out(experiment, &cli)),
        None => finish(Err(format!("no experiment is named {:?}: try `list`", cli.name))),
    }
}

/// Prints the list of experiments.
fn list() -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    for experiment in experiments::ALL {
        writeln!(out, "{:<10} {}", experiment.name, experiment.what).map_err(unwritten)?;
    }
    Ok(())
}

fn carry_out(experiment: &Experiment, cli: &Cli) -> Result<(), String> {
    let report = (experiment.run)(&cli.scope());
    let json = report.json(experiment, &cli.scope());
    let mut out = std::io::stdout().lock();
    if cli.json {
        writeln!(out, "{json:#}").map_err(unwritten)?;
    } else {
        write!(out, "{}", report.text(experiment)).map_err(unwritten)?;
    }
    drop(out);
    report.save(&cli.out, experiment, &json)
}

fn finish(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // If standard error fails too, only the exit code can report it.
            let _ = writeln!(std::io::stderr(), "experiments: {message}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn unwritten(error: std::io::Error) -> String {
    format!("cannot write the result: {error}")
}
