//! Asks an agent, and prints its answer.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;
use swim_agent::client::{Client, ClientError, find};

use super::arguments::AgentArg;
use crate::print::Format;
use crate::record::printable;
use crate::settings::RPC_VARIABLE;
use crate::{EXIT_FAILURE, EXIT_USAGE, Fatal};

/// The exit code if there is no agent, or if it is not clear which one is meant.
const EXIT_NO_AGENT: u8 = 3;

/// An agent to ask.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) client: Client,
    pub(super) format: Format,
}

impl Asked {
    /// The agent that is meant.
    pub(super) fn find(arguments: &AgentArg) -> Result<Self, Fatal> {
        let variable = || std::env::var_os(RPC_VARIABLE).filter(|path| !path.is_empty());
        let given = arguments.rpc.clone().or_else(|| variable().map(PathBuf::from));
        let socket = find(given.as_deref())
            .map_err(|error| Fatal { message: error.to_string(), exit_code: EXIT_NO_AGENT })?;
        let client = Client::new(socket);
        Ok(Asked { client, format: Format::for_stdout(arguments.json) })
    }

    /// Prints an answer as JSON, or as what `shown` makes of it.
    pub(super) fn print(
        &self,
        answer: &Value,
        shown: impl FnOnce(&Value) -> String,
    ) -> Result<(), Fatal> {
        match self.format.json {
            true => say(&printable(&answer.to_string())),
            false => say(&shown(answer)),
        }
    }
}

/// Why a command ends without success.
pub(super) fn fatal(error: ClientError) -> Fatal {
    let exit_code = match &error {
        ClientError::NotServed { .. }
        | ClientError::NoAccess { .. }
        | ClientError::Connect { .. } => EXIT_NO_AGENT,
        ClientError::Refused { status: 400, .. } => EXIT_USAGE,
        _ => EXIT_FAILURE,
    };
    Fatal { message: error.to_string(), exit_code }
}

/// Prints text, with a line break at its end.
pub(super) fn say(text: &str) -> Result<(), Fatal> {
    let mut output = anstream::stdout().lock();
    let written = writeln!(output, "{text}").and_then(|()| output.flush());
    written.map_err(|error| Fatal::failure(format!("cannot write to standard output: {error}")))
}

/// A text of an answer; empty if it is missing.
pub(super) fn text_at<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer[key].as_str().unwrap_or_default()
}
