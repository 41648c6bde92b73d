//! Keys from files and the environment. Errors show no byte of what was read.

use std::path::Path;

use swim_core::text;
use swim_core::{Key, Keyring, KeyringError};

use crate::secret_file::{KeyFileError, Readers, read_secret_file};

/// Reads a key file: one key per line, the primary one first.
///
/// Lines that start with `#` are comments.
///
/// # Errors
///
/// The file cannot be read, is open to more than these `readers`, or has no keys.
pub fn keys_of_file(path: &Path, readers: Readers) -> Result<Keyring, KeyFileError> {
    let bytes = read_secret_file(path, readers)?;
    let shown = text::escape(&path.display().to_string());
    of_bytes(&bytes, &shown).map_err(KeyFileError::Unusable)
}

fn of_bytes(bytes: &[u8], shown: &str) -> Result<Keyring, String> {
    let file = format!("the key file {shown}");
    let text = std::str::from_utf8(bytes)
        .map_err(|_| format!("{file} is not valid text: write keys in base64"))?;
    // Some editors put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let keys = of_lines(text).map_err(|wrong| format!("{file}{wrong}"))?;
    ring(keys, &file)
}

/// Reads keys separated by commas, from the environment variable `name`.
///
/// # Errors
///
/// A message that says what is wrong, without a byte of the text.
pub fn keys_of_variable(name: &str, text: &str) -> Result<Keyring, String> {
    if text.trim().is_empty() {
        // Otherwise a secret that went missing would start a member without encryption.
        return Err(format!("{name} is empty: set it to a key, or unset it"));
    }
    let keys = text.split(',').enumerate().map(|(at, key)| {
        key.parse::<Key>().map_err(|error| format!("{name}, key {}: {error}", at + 1))
    });
    ring(keys.collect::<Result<_, _>>()?, name)
}

fn ring(keys: Vec<Key>, from: &str) -> Result<Keyring, String> {
    Keyring::with_keys(keys).map_err(|error| match error {
        KeyringError::Full => {
            format!("{from} has more than {} keys: remove old ones", Keyring::KEYS_MAX)
        }
        error => error.to_string(),
    })
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
        true => Err(" has no key: write one per line, or do not set the file".into()),
        false => Ok(keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "AAAAAAAAAAAAAAAAAAAAAA==";
    const B: &str = "xchacha20:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    fn of_variable(text: &str) -> Result<Vec<Key>, String> {
        keys_of_variable("SWIM_KEY", text).map(|ring| ring.keys().cloned().collect())
    }

    #[test]
    fn a_file_has_a_key_per_line_and_comments() {
        let text = format!("# the new one\n {A} \r\n\n  # and the old one\n{B}");
        assert_eq!(of_lines(&text), Ok(vec![key(A), key(B)]));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_key() {
        let ring = of_bytes(format!("\u{feff}{A}\n").as_bytes(), "keys").unwrap();
        assert_eq!(ring.keys().collect::<Vec<_>>(), [&key(A)]);
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
    fn too_many_keys_are_refused() {
        let many: Vec<String> =
            (0..17u8).map(|byte| Key::aes(&[byte; 16]).unwrap().to_text().to_string()).collect();
        let told = of_variable(&many.join(",")).unwrap_err();
        assert!(told.contains("SWIM_KEY has more than 16 keys"), "{told}");
    }
}
