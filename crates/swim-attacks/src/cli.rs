//! The arguments of the program.

use clap::{Args, Parser, Subcommand};

use crate::attacks::{ATTACKS, Attack};
use crate::stage::Size;

/// Attack real members on loopback, and report the effect
#[derive(Debug, Parser)]
#[command(name = "swim-attacks", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// List the attacks
    List,
    /// Run attacks; all of them if none is named
    Run(Run),
    /// Do the work of S94 that valgrind counts
    #[command(hide = true)]
    Work {
        /// Run only cases with this in their name, for profiling
        case: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Names of attacks, from `list`
    names: Vec<String>,
    /// Take seconds for each attack (the default)
    #[arg(long, conflicts_with = "large")]
    small: bool,
    /// Take a minute for each case, as in the scenarios
    #[arg(long)]
    large: bool,
    /// Print a line of JSON for each case
    #[arg(long)]
    pub(crate) json: bool,
}

impl Run {
    pub(crate) fn size(&self) -> Size {
        if self.large { Size::Large } else { Size::Small }
    }

    /// Returns the chosen attacks.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static Attack>, String> {
        if self.names.is_empty() {
            return Ok(ATTACKS.iter().collect());
        }
        let find = |name: &String| {
            let attack = ATTACKS.iter().find(|attack| attack.name.eq_ignore_ascii_case(name));
            attack.ok_or_else(|| format!("no attack is named {name}: see `swim-attacks list`"))
        };
        self.names.iter().map(find).collect()
    }
}
