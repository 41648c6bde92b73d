//! Keys from files and from the environment. Never from the command line, which every user of the
//! machine can read; and what is wrong is told without a byte of what was there.

use std::env::VarError;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use swim_tokio::{Key, Keyring, KeyringError};
use zeroize::Zeroizing;

use crate::text;

/// The environment variable that may hold keys.
pub(crate) const VARIABLE: &str = "SWIM_KEY";

/// A file larger than this is none of ours.
const FILE_SIZE_MAX: usize = 64 << 10;

/// Keys that were read, and what the user should know of it.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) keys: Vec<Key>,
    pub(crate) warning: Option<String>,
}

/// The keyring of an agent, from the file or the environment variable, and what the user should
/// know of it. An empty one if neither is given.
pub(crate) fn ring(
    file: Option<&Path>,
    variable: Option<String>,
) -> Result<(Keyring, Option<String>), String> {
    let variable = variable.map(Zeroizing::new);
    let (keys, from) = match (file, variable) {
        (Some(_), Some(_)) => {
            return Err(format!("both --key-file and {VARIABLE} are given: give one of them"));
        }
        (Some(path), None) => (read(path)?, "--key-file"),
        (None, Some(text)) => (Keys { keys: of_variable(&text)?, warning: None }, VARIABLE),
        (None, None) => return Ok((Keyring::default(), None)),
    };
    let ring = Keyring::with_keys(keys.keys).map_err(|error| match error {
        KeyringError::Full => {
            format!("{from} has more than {} keys, the most that are tried", Keyring::KEYS_MAX)
        }
        error => error.to_string(),
    })?;
    Ok((ring, keys.warning))
}

/// The environment variable, if it is set.
pub(crate) fn variable() -> Result<Option<String>, String> {
    match std::env::var(VARIABLE) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            Err(format!("{VARIABLE} is not text: keys are written in base64"))
        }
    }
}

/// Reads a file: one key per line, the primary one first; lines that start with `#` are comments.
pub(crate) fn read(path: &Path) -> Result<Keys, String> {
    let shown = text::escape(&path.display().to_string());
    let cannot = |error: std::io::Error| format!("cannot read the key file {shown}: {error}");
    let file = File::open(path).map_err(cannot)?;
    let warning = open_to_others(&file).map(|mode| {
        format!(
            "the key file {shown} can be read by others than its owner (mode {mode:04o}): change \
             it with 'chmod 600 {shown}'"
        )
    });
    // As large as it may get: one that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_SIZE_MAX + 1));
    file.take(FILE_SIZE_MAX as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > FILE_SIZE_MAX {
        return Err(format!(
            "the key file {shown} has more than {FILE_SIZE_MAX} bytes: is it one?"
        ));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| format!("the key file {shown} is not text: keys are written in base64"))?;
    let keys = of_lines(text).map_err(|wrong| format!("the key file {shown}{wrong}"))?;
    Ok(Keys { keys, warning })
}

fn of_lines(text: &str) -> Result<Vec<Key>, String> {
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        keys.push(line.parse::<Key>().map_err(|error| format!(", line {}: {error}", at + 1))?);
    }
    match keys.is_empty() {
        true => Err(" has no key: write one per line, or leave the file away".into()),
        false => Ok(keys),
    }
}

fn of_variable(text: &str) -> Result<Vec<Key>, String> {
    if text.trim().is_empty() {
        // Taken for none, a secret that went missing would be a member without encryption.
        return Err(format!("{VARIABLE} is empty: give it a key, or unset it"));
    }
    let keys = text.split(',').enumerate().map(|(at, key)| {
        key.parse::<Key>().map_err(|error| format!("{VARIABLE}, key {}: {error}", at + 1))
    });
    keys.collect()
}

/// The permissions of a file that others than its owner may read or change.
#[cfg(unix)]
fn open_to_others(file: &File) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file.metadata().ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    (metadata.is_file() && mode & 0o066 != 0).then_some(mode)
}

/// Elsewhere permissions cannot be told in a few bits.
#[cfg(not(unix))]
fn open_to_others(_file: &File) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "AAAAAAAAAAAAAAAAAAAAAA==";
    const B: &str = "xchacha20:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_has_a_key_per_line_and_comments() {
        let text = format!("# the new one\n {A} \r\n\n  # and the old one\n{B}");
        assert_eq!(of_lines(&text), Ok(vec![key(A), key(B)]));
    }

    #[test]
    fn a_variable_has_keys_between_commas() {
        assert_eq!(of_variable(A), Ok(vec![key(A)]));
        assert_eq!(of_variable(&format!("{A}, {B}\n")), Ok(vec![key(A), key(B)]));
    }

    #[test]
    fn what_is_wrong_is_told_without_what_was_there() {
        for (told, expected) in [
            (of_lines("# nothing\n"), "has no key"),
            (of_lines(&format!("{A}\nc2VjcmV0")), ", line 2: the key has 6 bytes"),
            (of_lines("c2VjcmV0!"), ", line 1: the key is not standard base64"),
            (of_variable(" "), "SWIM_KEY is empty"),
            (of_variable(&format!("{A},")), "SWIM_KEY, key 2: the key has 0 bytes"),
            (of_variable("secret"), "SWIM_KEY, key 1: the key is not standard base64"),
        ] {
            let told = told.unwrap_err();
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains("secret") && !told.contains("c2V"), "{told}");
        }
    }

    #[test]
    fn too_many_keys_and_keys_in_two_places_are_refused() {
        let many: Vec<String> =
            (0..17u8).map(|byte| Key::aes(&[byte; 16]).unwrap().to_text().to_string()).collect();
        let told = ring(None, Some(many.join(","))).unwrap_err();
        assert!(told.contains("SWIM_KEY has more than 16 keys"), "{told}");
        let told = ring(Some(Path::new("any")), Some(A.into())).unwrap_err();
        assert!(told.contains("give one of them"), "{told}");
        assert_eq!(ring(None, None), Ok((Keyring::default(), None)));
    }
}
