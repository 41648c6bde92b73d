//! What all cases of a run have in common.

use std::path::PathBuf;

use crate::stop::Stop;

/// With what cases run.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Of all chance of the modelled network.
    pub(crate) seed: u64,
    /// The program `swim`.
    pub(crate) swim: PathBuf,
    /// Further arguments of each agent, such as another transport.
    pub(crate) arguments: Vec<String>,
    /// Where the output of the agents goes.
    pub(crate) logs: Option<PathBuf>,
    pub(crate) stop: Stop,
}
