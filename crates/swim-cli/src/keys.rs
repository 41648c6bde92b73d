//! Keys from the environment, or else from a file. Never from the command line, which every user of
//! the machine can read.

use std::env::VarError;
use std::path::Path;

use swim_tokio::settings::{Keys, keys_of_file, keys_of_variable};
use zeroize::Zeroizing;

/// The environment variable that may hold keys.
pub(crate) const VARIABLE: &str = "SWIM_KEY";

/// The keys of an agent, and what the user should know of them; `None` if none are given.
///
/// `named` says that the file was named by a flag or the environment: together with keys in the
/// environment that is one too many. A file that the settings file names gives way to them.
pub(crate) fn keys(file: Option<&Path>, named: bool) -> Result<Option<Keys>, String> {
    let variable = variable()?.map(Zeroizing::new);
    match (file, variable) {
        (Some(_), Some(_)) if named => {
            Err(format!("both --key-file and {VARIABLE} are given: give one of them"))
        }
        (_, Some(text)) => Ok(Some(keys_of_variable(VARIABLE, &text)?.into())),
        (Some(path), None) => keys_of_file(path).map(Some),
        (None, None) => Ok(None),
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
