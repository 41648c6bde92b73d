//! The arguments of the program.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;

use crate::scope::Scope;

/// Run an experiment on a simulated cluster
///
/// Prints its tables, and writes them as JSON with plots.
#[derive(Debug, Parser)]
#[command(name = "experiments", version)]
pub(crate) struct Cli {
    /// Experiment, or `list` to print all of them
    pub(crate) name: String,
    /// Number of runs of each case [default: depends on the experiment]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// Seed of the first run; later runs count up from it
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Directory for NAME.json and the plots
    #[arg(long, value_name = "DIR", default_value = "target/experiments")]
    pub(crate) out: PathBuf,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Run fewer and smaller cases, as a smoke test
    #[arg(long)]
    quick: bool,
    /// Number of parallel runs [default: one per processor]; does not change results
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl Cli {
    /// Returns the extent of the experiment.
    pub(crate) fn scope(&self) -> Scope {
        let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok());
        Scope {
            runs: self.runs,
            seed: self.seed,
            quick: self.quick,
            jobs: jobs.map_or(1, NonZeroUsize::get),
        }
    }
}
