//! What an agent is started with, from flags, the environment and the settings file.

use swim_tokio::settings::NodeSettings;
use swim_tokio::{Encryption, Wire};

use super::access::EncryptionArg;
use crate::cli::AgentArgs;
use crate::keys;
use crate::settings::{AGENT, AgentSettings, layers};

/// Settings that work together, and what the user should know of them.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) node: NodeSettings,
    pub(crate) agent: AgentSettings,
    pub(crate) warnings: Vec<String>,
}

/// Reads all layers. Reading files, it may take as long as their disks do.
pub(crate) fn load(arguments: &AgentArgs) -> Result<Loaded, String> {
    let shown = |error: swim_tokio::SettingsError| error.to_string();
    let file = arguments.config.config.as_deref();
    let (mut layers, warnings) = layers(file).map_err(shown)?;
    arguments.add_to(&mut layers);
    let mut agent = AgentSettings::default();
    layers.apply(&AGENT, &mut agent).map_err(shown)?;
    let mut node = layers.node().map_err(shown)?;
    missing(&node, file.is_some() || layers.has("node", "bind"))?;
    let config = &mut node.options.config;
    let named = arguments.access.key_file.is_some() || std::env::var_os("SWIM_KEY_FILE").is_some();
    let readers = arguments.access.readers();
    if let Some(ring) = keys::keys(node.key_file.as_deref(), named, readers)? {
        config.keyring = ring;
    }
    if config.keyring.is_empty()
        && let Some(asked @ (EncryptionArg::Outgoing | EncryptionArg::Required)) =
            arguments.access.encryption
    {
        let asked = Encryption::from(asked).as_str();
        return Err(format!(
            "--encryption {asked} needs a key: --key-file <FILE>, SWIM_KEY, or key_file in the \
             settings file"
        ));
    }
    layers.check(&node).map_err(shown)?;
    Ok(Loaded { node, agent, warnings })
}

/// A label keeps clusters apart, and the address is where strangers can reach the node: both are
/// said, not assumed.
fn missing(node: &NodeSettings, binds: bool) -> Result<(), String> {
    let config = &node.options.config;
    let labelled = !config.label.is_empty() || config.wire == Wire::Memberlist;
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
