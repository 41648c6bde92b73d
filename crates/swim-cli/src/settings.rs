//! Settings of the program: the tables `[agent]` and `[simulate]`, and the layers: flags, the
//! environment, a file.

use std::path::{Path, PathBuf};

use swim_tokio::SettingsError;
use swim_tokio::settings::{Kind, Setting, Settings, Table, Variable};

use crate::simulate::SIMULATE;
use crate::{keys, log, warn};

/// The settings in `[agent]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentSettings {
    pub(crate) json: bool,
    pub(crate) log: String,
}

impl Default for AgentSettings {
    fn default() -> Self {
        AgentSettings { json: false, log: "off".into() }
    }
}

/// The table `[agent]`.
pub(crate) static AGENT: Table<AgentSettings> = Table {
    name: "agent",
    about: "The output of 'swim agent'.",
    variables: "SWIM_AGENT_",
    settings: &[
        Setting {
            key: "json",
            about: "Print one JSON object per line.",
            change: "if a program reads the output",
            kind: Kind::Flag { get: |agent| agent.json, set: |agent, on| agent.json = on },
        },
        Setting {
            key: "log",
            about: "Log to standard error. The flag -v and RUST_LOG override it.",
            change: "to diagnose a problem",
            kind: Kind::Text {
                form: log::FORM,
                example: "",
                get: |agent| Some(agent.log.clone()),
                set: |agent, text| {
                    log::check(text)?;
                    agent.log = text.into();
                    Ok(())
                },
            },
        },
    ],
};

/// The file and the environment, without flags. Warns at once about variables that are not
/// settings: they may explain an error that follows.
pub(crate) fn layers(file: Option<&Path>) -> Result<Settings, SettingsError> {
    let mut settings = match file {
        Some(path) => Settings::read(path)?,
        None => Settings::new(),
    };
    let known = variables();
    let unknown = settings.add_variables(std::env::vars_os(), &known, &[keys::VARIABLE])?;
    unknown.iter().for_each(|variable| warn(&variable.to_string()));
    Ok(settings)
}

/// The environment variables of all tables.
fn variables() -> Vec<Variable> {
    let mut variables = Settings::node_variables();
    variables.extend(AGENT.variables());
    variables.extend(SIMULATE.variables());
    variables
}

/// The flag that names the settings file.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ConfigArg {
    /// TOML settings file, like docs/swim.example.toml; flags and SWIM_* variables override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Checks a value with `parse`, and returns it as written, for a layer of settings.
pub(crate) fn written<T: 'static>(
    parse: impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |text| parse(text).map(|_| text.to_string())
}

#[cfg(test)]
mod tests;
