//! The settings of an agent, from flags, the environment and the settings file.

use std::path::Path;

use swim_tokio::settings::{NodeSettings, Origin, Settings};
use swim_tokio::{Encryption, Wire};

use crate::cli::AgentArgs;
use crate::settings::{AGENT, AgentSettings, layers};
use crate::{keys, text};

/// Settings that fit together.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) node: NodeSettings,
    pub(crate) agent: AgentSettings,
}

/// Reads all layers. Blocks while it reads files.
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

/// A flag or variable for encryption needs a key. A settings file may set it without one: the
/// example file has the default.
fn needs_key(layers: &Settings, node: &NodeSettings) -> Result<(), String> {
    let config = &node.options.config;
    let origin = layers.origin("node", "encryption").filter(|it| !matches!(it, Origin::Line(_)));
    match origin.filter(|_| config.encryption != Encryption::Off && config.keyring.is_empty()) {
        None => Ok(()),
        Some(origin) => Err(layers
            .error_at(origin, format!(
                "encryption \"{}\" needs a key: set --key-file <FILE>, SWIM_KEY, or key_file in \
                 the settings file",
                config.encryption.as_str()
            ))
            .to_string()),
    }
}

/// The label keeps clusters apart, and the address decides which strangers can reach the node. So
/// the user must give both. With a settings file, the error names its keys.
fn missing(node: &NodeSettings, file: Option<&Path>, binds: bool) -> Result<(), String> {
    let config = &node.options.config;
    let labelled = !config.label.is_empty() || config.wire == Wire::Memberlist;
    if let Some(file) = file {
        return match labelled {
            true => Ok(()),
            false => Err(format!(
                "{}: label is missing in [node]: set the cluster's label there, with --cluster or \
                 with SWIM_LABEL; only wire = \"memberlist\" works without one",
                text::escape(&file.display().to_string())
            )),
        };
    }
    let wanted = [(binds, "--bind <ADDR>"), (labelled, "--cluster <LABEL>")];
    let missing: Vec<&str> = wanted.iter().filter(|(is, _)| !is).map(|(_, flag)| *flag).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let only = if labelled { "" } else { "; only --wire memberlist works without a label" };
    Err(format!(
        "missing: {}, or a settings file with bind and label: --config <FILE>{only} (see 'swim \
         agent --help')",
        missing.join(" ")
    ))
}
