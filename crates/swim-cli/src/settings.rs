//! Settings of the program: the tables `[agent]` and `[simulate]`, and the layers: flags, the
//! environment, a file.

use std::net::SocketAddr;
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
    /// A path, a directory with a slash at its end, or [`RPC_OFF`]; `None` for the default.
    pub(crate) rpc: Option<String>,
    pub(crate) rpc_group: Option<String>,
    pub(crate) metrics_listen: Option<SocketAddr>,
}

/// As `rpc`: there is no control API.
pub(crate) const RPC_OFF: &str = "off";

impl Default for AgentSettings {
    fn default() -> Self {
        AgentSettings {
            json: false,
            log: "off".into(),
            rpc: None,
            rpc_group: None,
            metrics_listen: None,
        }
    }
}

/// The table `[agent]`.
pub(crate) static AGENT: Table<AgentSettings> = Table {
    name: "agent",
    about: "The output of 'swim agent', and its control API.",
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
        Setting {
            key: "rpc",
            about: "The Unix socket of the control API, which commands such as 'swim members' use. \
                    By default NAME.sock in /run/swim for root, else in $XDG_RUNTIME_DIR/swim, \
                    else in swim-UID in the directory for temporary files.",
            change: "to keep several agents apart, or to have no control API",
            kind: Kind::Text {
                form: RPC_FORM,
                example: "\"/run/swim/cache-7.sock\"",
                get: |agent| agent.rpc.clone(),
                set: |agent, text| {
                    rpc(text)?;
                    agent.rpc = Some(text.into());
                    Ok(())
                },
            },
        },
        Setting {
            key: "rpc_group",
            about: "A group whose users may use the control API, too: its name or number.",
            change: "where operators are not the agent's user",
            kind: Kind::Text {
                form: "the name or the number of a group",
                example: "\"adm\"",
                get: |agent| agent.rpc_group.clone(),
                set: |agent, text| {
                    group(text)?;
                    agent.rpc_group = Some(text.into());
                    Ok(())
                },
            },
        },
        Setting {
            key: "metrics_listen",
            about: "Address for /metrics, /healthz and /readyz over HTTP, read-only, for anybody \
                    who reaches it.",
            change: "for Prometheus and for load balancers",
            kind: Kind::Text {
                form: METRICS_FORM,
                example: "\"127.0.0.1:9107\"",
                get: |agent| agent.metrics_listen.map(|address| address.to_string()),
                set: |agent, text| {
                    agent.metrics_listen = Some(metrics_address(text)?);
                    Ok(())
                },
            },
        },
    ],
};

const RPC_FORM: &str = "the path of a socket, a directory with a slash at its end, or \"off\"";
const METRICS_FORM: &str = "IP:PORT or :PORT";

/// Checks a value of `rpc`.
pub(crate) fn rpc(text: &str) -> Result<(), String> {
    match text {
        "" => Err(format!("expected {RPC_FORM}")),
        _ => Ok(()),
    }
}

/// Checks a value of `rpc_group`.
pub(crate) fn group(text: &str) -> Result<(), String> {
    match text.is_empty() || text.contains([':', '\n']) {
        true => Err("expected the name or the number of a group".into()),
        false => Ok(()),
    }
}

/// Reads a value of `metrics_listen`.
pub(crate) fn metrics_address(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => text.to_string(),
    };
    address.parse().map_err(|_| format!("expected {METRICS_FORM}, not {text:?}"))
}

/// The variable by which commands find an agent: none of the settings of an agent.
pub(crate) const RPC_VARIABLE: &str = "SWIM_RPC";

/// The file and the environment, without flags. Warns at once about variables that are not
/// settings: they may explain an error that follows.
pub(crate) fn layers(file: Option<&Path>) -> Result<Settings, SettingsError> {
    let mut settings = match file {
        Some(path) => Settings::read(path)?,
        None => Settings::new(),
    };
    let known = variables();
    let unknown =
        settings.add_variables(std::env::vars_os(), &known, &[keys::VARIABLE, RPC_VARIABLE])?;
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
