//! Keys from the environment, or else from a file. Never from the command line, which every user of
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

/// The keys of an agent; none if none are given.
///
/// A file that is named by a flag or the environment, together with keys in the environment, is one
/// too many. A file that the settings file names gives way to them.
pub(crate) fn keys(layers: &Settings, node: &NodeSettings) -> Result<Keyring, String> {
    let Some(text) = variable()?.map(Zeroizing::new) else {
        return layers.keys(node).map_err(|error| error.to_string());
    };
    match layers.origin("node", "key_file") {
        None | Some(Origin::Line(_)) => keys_of_variable(VARIABLE, &text),
        Some(origin) => Err(format!("both {origin} and {VARIABLE} are given: give one of them")),
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
            Err(format!("{VARIABLE} is not text: keys are written in base64"))
        }
    }
}
