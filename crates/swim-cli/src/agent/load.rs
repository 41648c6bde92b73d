//! What an agent is started with, from flags, the environment and the settings file.

use std::path::Path;

use swim_tokio::settings::{NodeSettings, Origin, Settings};
use swim_tokio::{Encryption, Wire};

use crate::cli::AgentArgs;
use crate::settings::{AGENT, AgentSettings, layers};
use crate::{keys, text};

/// Settings that work together, and what the user should know of them.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) node: NodeSettings,
    pub(crate) agent: AgentSettings,
}

/// Reads all layers. Reading files, it may take as long as their disks do.
pub(crate) fn load(arguments: &AgentArgs) -> Result<Loaded, String> {
    let shown = |error: swim_tokio::SettingsError| error.to_string();
    let file = arguments.config.config.as_deref();
    let mut layers = layers(file).map_err(shown)?;
    arguments.add_to(&mut layers);
    let mut agent = AgentSettings::default();
    layers.apply(&AGENT, &mut agent).map_err(shown)?;
    let mut node = layers.node().map_err(shown)?;
    missing(&node, file, layers.has("node", "bind"))?;
    node.options.config.keyring = keys::keys(&layers, &node)?;
    needs_key(&layers, &node)?;
    layers.check(&node).map_err(shown)?;
    Ok(Loaded { node, agent })
}

/// Encryption that is asked for at the start needs a key. A settings file may say it for the day
/// when there is one: it has the default.
fn needs_key(layers: &Settings, node: &NodeSettings) -> Result<(), String> {
    let config = &node.options.config;
    let origin = layers.origin("node", "encryption").filter(|it| !matches!(it, Origin::Line(_)));
    match origin.filter(|_| config.encryption != Encryption::Off && config.keyring.is_empty()) {
        None => Ok(()),
        Some(origin) => Err(layers
            .error_at(origin, format!(
                "encryption \"{}\" needs a key: --key-file <FILE>, SWIM_KEY, or key_file in the \
                 settings file",
                config.encryption.as_str()
            ))
            .to_string()),
    }
}

/// A label keeps clusters apart, and the address is where strangers can reach the node: both are
/// said, not assumed. What a settings file lacks is told by its keys.
fn missing(node: &NodeSettings, file: Option<&Path>, binds: bool) -> Result<(), String> {
    let config = &node.options.config;
    let labelled = !config.label.is_empty() || config.wire == Wire::Memberlist;
    if let Some(file) = file {
        return match labelled {
            true => Ok(()),
            false => Err(format!(
                "{}: label is missing in [node]: give the cluster's label there, or by --cluster \
                 or SWIM_LABEL; only wire = \"memberlist\" needs none",
                text::escape(&file.display().to_string())
            )),
        };
    }
    let wanted = [(binds, "--bind <ADDR>"), (labelled, "--cluster <LABEL>")];
    let missing: Vec<&str> = wanted.iter().filter(|(is, _)| !is).map(|(_, flag)| *flag).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let only = if labelled { "" } else { "; only --wire memberlist needs no label" };
    Err(format!(
        "missing: {}, or a settings file with bind and label: --config <FILE>{only} (see 'swim \
         agent --help')",
        missing.join(" ")
    ))
}
