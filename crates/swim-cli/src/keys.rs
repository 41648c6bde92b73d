//! Keys from the environment, or else from a file. Never from the command line, which every user of
//! the machine can read.

use std::env::VarError;
use std::path::Path;

use swim_tokio::Keyring;
use swim_tokio::settings::{Keys, keys_of_file, keys_of_variable};
use zeroize::Zeroizing;

/// The environment variable that may hold keys.
pub(crate) const VARIABLE: &str = "SWIM_KEY";

/// Whose key files are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Those that only their owner can read and change.
    Owner,
    /// Any, such as secrets that are mounted for a group.
    Anybody,
}

/// The keys of an agent; `None` if none are given.
///
/// `named` says that the file was named by a flag or the environment: together with keys in the
/// environment that is one too many. A file that the settings file names gives way to them.
pub(crate) fn keys(
    file: Option<&Path>,
    named: bool,
    readers: Readers,
) -> Result<Option<Keyring>, String> {
    let variable = variable()?.map(Zeroizing::new);
    match (file, variable) {
        (Some(_), Some(_)) if named => {
            Err(format!("both --key-file and {VARIABLE} are given: give one of them"))
        }
        (_, Some(text)) => {
            let keys: Keys = keys_of_variable(VARIABLE, &text)?.into();
            Ok(Some(keys.ring))
        }
        (Some(path), None) => of_file(path, readers).map(Some),
        (None, None) => Ok(None),
    }
}

/// The keys in a file.
pub(crate) fn of_file(path: &Path, readers: Readers) -> Result<Keyring, String> {
    let keys = keys_of_file(path)?;
    match keys.warning.filter(|_| readers == Readers::Owner) {
        Some(warning) => Err(format!(
            "{warning}, or start the agent with --allow-shared-key-file if it is a mounted secret"
        )),
        None => Ok(keys.ring),
    }
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
