//! The arguments of the program.

use clap::{Args, Parser, Subcommand};

use crate::attacks::{ATTACKS, Attack};
use crate::stage::Size;

/// Attacks real members on loopback, and tells what they suffer.
#[derive(Debug, Parser)]
#[command(name = "swim-attacks", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// List the attacks.
    List,
    /// Carry out attacks; all of them if none is named.
    Run(Run),
    /// Do the work that S94 has counted under valgrind.
    #[command(hide = true)]
    Work {
        /// Only the cases with this in their name, to look at them in a profile.
        case: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Names of attacks, as `list` has them.
    names: Vec<String>,
    /// Take seconds for each attack (the default).
    #[arg(long, conflicts_with = "large")]
    small: bool,
    /// Take as long as the scenarios say: a minute for each case.
    #[arg(long)]
    large: bool,
    /// Print a line of JSON for each case.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Run {
    pub(crate) fn size(&self) -> Size {
        if self.large { Size::Large } else { Size::Small }
    }

    /// The attacks that were named.
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
