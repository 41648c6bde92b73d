//! `experiments`: the experiments of the SWIM, Lifeguard and Rapid papers and the goals of this
//! project, on simulated clusters. `experiments list` says what there is;
//! `docs/reports/experiments.md` in the repository says what came out.
//!
//! Everything printed is a function of the arguments: the same seed gives the same table.
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

/// The exit code for an experiment that does not exist, and for a directory that cannot be written.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.name == "list" {
        return finish(list());
    }
    match experiments::ALL.iter().find(|experiment| experiment.name == cli.name) {
        Some(experiment) => finish(carry_out(experiment, &cli)),
        None => finish(Err(format!("there is no experiment {:?}; try `list`", cli.name))),
    }
}

/// The table of contents.
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
            // If this cannot be said there is nowhere left to say it; the exit code tells.
            let _ = writeln!(std::io::stderr(), "experiments: {message}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn unwritten(error: std::io::Error) -> String {
    format!("cannot write the result: {error}")
}
