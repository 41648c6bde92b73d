//! The arguments of the program.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;

use crate::scope::Scope;

/// Runs an experiment on a simulated cluster, prints its tables, and writes them as JSON with
/// plots.
#[derive(Debug, Parser)]
#[command(name = "experiments", version)]
pub(crate) struct Cli {
    /// The experiment, or `list` for all of them.
    pub(crate) name: String,
    /// How many runs of each case; each experiment has a number of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// The seed of the first run; the others follow it.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Where NAME.json and the plots are written.
    #[arg(long, value_name = "DIR", default_value = "target/experiments")]
    pub(crate) out: PathBuf,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Fewer and smaller cases: to see that it works.
    #[arg(long)]
    quick: bool,
    /// How many runs go on at once; all processors by default. It changes no result.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl Cli {
    /// What of an experiment is to be run.
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
