//! The settings that all cases of a run share.

use std::path::PathBuf;

use crate::stop::Stop;

/// The settings that all cases of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The seed of the modelled network.
    pub(crate) seed: u64,
    /// The program `swim`.
    pub(crate) swim: PathBuf,
    /// Additional arguments of each agent, such as another transport.
    pub(crate) arguments: Vec<String>,
    /// The folder for the output of the agents.
    pub(crate) logs: Option<PathBuf>,
    pub(crate) stop: Stop,
}
