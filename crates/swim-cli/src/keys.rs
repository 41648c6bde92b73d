//! Keys from the environment or a file. They never come from the command line, which every user of
//! the machine can read.

use std::env::VarError;
use std::path::Path;

use swim_tokio::Keyring;
use swim_tokio::settings::{
    KeyFileError, NodeSettings, Origin, Readers, Settings, keys_of_file, keys_of_variable,
};
use zeroize::Zeroizing;

/// The environment variable that may hold keys.
pub(crate) const VARIABLE: &str = "SWIM_KEY";

/// The keys of an agent; empty if none are set.
///
/// Keys in the environment together with a key file from a flag or the environment are an error.
/// Keys in the environment override a key file from the settings file.
pub(crate) fn keys(layers: &Settings, node: &NodeSettings) -> Result<Keyring, String> {
    let Some(text) = variable()?.map(Zeroizing::new) else {
        return layers.keys(node).map_err(|error| error.to_string());
    };
    match layers.origin("node", "key_file") {
        None | Some(Origin::Line(_)) => keys_of_variable(VARIABLE, &text),
        Some(origin) => Err(format!("both {origin} and {VARIABLE} are set: set only one of them")),
    }
}

/// The keys in a file.
pub(crate) fn of_file(path: &Path, readers: Readers) -> Result<Keyring, String> {
    keys_of_file(path, readers).map_err(|error| match error {
        KeyFileError::Shared(told) => format!(
            "{told}, or start the agent with --allow-shared-key-file if it is a mounted secret"
        ),
        error => error.to_string(),
    })
}

fn variable() -> Result<Option<String>, String> {
    match std::env::var(VARIABLE) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            Err(format!("{VARIABLE} is not valid text: write keys in base64"))
        }
    }
}
