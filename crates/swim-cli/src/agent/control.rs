//! The control API of an agent: where it is served, and what the agent says of it.

use clap::Args;
use swim_agent::{ServeError, ServeOptions, Served};
use swim_tokio::Cluster;
use swim_tokio::settings::{Settings, Value};

use super::load::Loaded;
use crate::output::Output;
use crate::print::Line;
use crate::settings::{AgentSettings, RPC_OFF, group, metrics_address, rpc, written};
use crate::style::Tone;
use crate::{Fatal, text, warn};

/// Arguments of `swim agent` about its control API.
#[derive(Args, Debug, Default)]
pub(crate) struct ControlArgs {
    /// Unix socket of the control API, or 'off' [default: NAME.sock in /run/swim or the like]
    ///
    /// Commands such as 'swim members' use it. A directory with a slash at its end gets NAME.sock.
    #[arg(long, value_name = "PATH", value_parser = written(rpc))]
    rpc: Option<String>,

    /// A group whose users may use the control API, too
    #[arg(long, value_name = "GROUP", value_parser = written(group))]
    rpc_group: Option<String>,

    /// Serve /metrics, /healthz and /readyz on this address: IP:PORT or :PORT
    #[arg(long, value_name = "ADDR", value_parser = written(metrics_address))]
    metrics_listen: Option<String>,
}

impl ControlArgs {
    /// Adds what is given to the layers.
    pub(crate) fn add_to(&self, settings: &mut Settings) {
        for (key, flag, value) in [
            ("rpc", "--rpc", &self.rpc),
            ("rpc_group", "--rpc-group", &self.rpc_group),
            ("metrics_listen", "--metrics-listen", &self.metrics_listen),
        ] {
            if let Some(value) = value {
                settings.add_flag("agent", key, flag, Value::Bare(value.clone()));
            }
        }
    }
}

/// The control API of an agent, if it has one.
#[derive(Debug)]
pub(super) struct Control(Option<Served>);

/// Serves the control API as the settings want it.
///
/// Another agent may have the default socket, which nobody asked for: this agent goes on without
/// one, and warns.
pub(super) async fn serve(cluster: &Cluster, loaded: &Loaded) -> Result<Control, Fatal> {
    let agent = &loaded.agent;
    let name = cluster.local().name;
    let mut options = ServeOptions::new();
    options.socket = socket(agent, name.as_str());
    options.group = agent.rpc_group.clone();
    options.metrics_listen = agent.metrics_listen;
    let config = &loaded.node.options.config;
    for (key, value) in [
        ("program", concat!("swim ", env!("CARGO_PKG_VERSION")).to_string()),
        ("cluster", String::from_utf8_lossy(&config.label).into_owned()),
        ("profile", loaded.node.profile.as_str().into()),
        ("wire", config.wire.as_str().into()),
        ("transport", loaded.node.options.transport.as_str().into()),
    ] {
        options.about.insert(key.into(), value);
    }
    if options.socket.is_none() && options.metrics_listen.is_none() {
        return Ok(Control(None));
    }
    let fatal = |error: ServeError| Fatal::usage(error.to_string());
    match swim_agent::serve(cluster.clone(), options.clone()).await {
        Ok(served) => Ok(Control(Some(served))),
        Err(error @ ServeError::Metrics { .. }) => Err(fatal(error)),
        Err(error) if agent.rpc.is_none() && agent.rpc_group.is_none() => {
            warn(&format!("no control API: {error}; set --rpc to a path, or to off"));
            options.socket = None;
            if options.metrics_listen.is_none() {
                return Ok(Control(None));
            }
            let served = swim_agent::serve(cluster.clone(), options).await.map_err(fatal)?;
            Ok(Control(Some(served)))
        }
        Err(error) => Err(fatal(error)),
    }
}

#[cfg(unix)]
fn socket(agent: &AgentSettings, name: &str) -> Option<std::path::PathBuf> {
    let file = swim_agent::socket_name(name);
    match agent.rpc.as_deref() {
        Some(RPC_OFF) => None,
        Some(directory) if directory.ends_with('/') => {
            Some(std::path::Path::new(directory).join(file))
        }
        Some(path) => Some(path.into()),
        None => Some(swim_agent::default_directory().join(file)),
    }
}

/// A path that is given is refused with the reason.
#[cfg(not(unix))]
fn socket(agent: &AgentSettings, _name: &str) -> Option<std::path::PathBuf> {
    agent.rpc.as_deref().filter(|rpc| *rpc != RPC_OFF).map(Into::into)
}

impl Control {
    /// Prints where the control API is.
    pub(super) async fn tell(&self, output: &Output) {
        let Some(served) = &self.0 else {
            return;
        };
        let socket = served.socket().map(|path| path.display().to_string());
        let metrics = served.metrics_address().map(|address| address.to_string());
        let told: Vec<String> = [
            socket.as_deref().map(|socket| format!("API on {}", text::escape(socket))),
            metrics.as_deref().map(|address| format!("metrics on {address}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let line = Line::new("control", Tone::Plain, told.join(", "));
        let line = line.fields(|it| it.with_some("rpc", socket).with_some("metrics", metrics));
        output.line(line).await;
    }

    /// Waits until a client has made the node leave.
    pub(super) async fn left(&self) {
        match &self.0 {
            Some(served) => served.left().await,
            None => std::future::pending().await,
        }
    }

    /// Answers the last requests, and removes the socket.
    pub(super) async fn shutdown(self) {
        if let Some(served) = self.0 {
            served.shutdown().await;
        }
    }
}
