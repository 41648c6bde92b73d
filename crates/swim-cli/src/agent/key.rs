//! The commands about keys. Keys come from files, and only their fingerprints are printed.

use std::path::Path;

use swim_tokio::settings::Readers;
use swim_tokio::{Cluster, CommandError, Error, Key, KeyringError};

use super::answer;
use crate::keys;
use crate::print::Line;
use crate::style::Tone;

/// A command about keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyCommand {
    Install { file: String },
    Use { fingerprint: String },
    Remove { fingerprint: String },
    List,
}

impl KeyCommand {
    /// The usage of the commands, after the first `key`.
    pub(super) const FORMS: &str =
        "install FILE, key use FINGERPRINT, key remove FINGERPRINT or key list";

    /// Parses the text after `key`.
    pub(super) fn parse(word: &str, rest: &str) -> Result<KeyCommand, String> {
        let fingerprint = || rest.to_ascii_lowercase();
        match (word, rest) {
            ("list", "") => Ok(KeyCommand::List),
            ("install", file) if !file.is_empty() => Ok(KeyCommand::Install { file: file.into() }),
            ("use", _) if is_fingerprint(rest) => {
                Ok(KeyCommand::Use { fingerprint: fingerprint() })
            }
            ("remove", _) if is_fingerprint(rest) => {
                Ok(KeyCommand::Remove { fingerprint: fingerprint() })
            }
            ("use" | "remove", _) => {
                Err(format!("usage: key {word} FINGERPRINT, the 8 digits that 'key list' shows"))
            }
            _ => Err(format!("usage: key {}", Self::FORMS)),
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            KeyCommand::Install { .. } => "key install",
            KeyCommand::Use { .. } => "key use",
            KeyCommand::Remove { .. } => "key remove",
            KeyCommand::List => "key list",
        }
    }

    /// Runs the command, and returns the output.
    pub(super) async fn ask(self, cluster: &Cluster, readers: Readers) -> Result<Line, Error> {
        let word = self.word();
        match self {
            KeyCommand::List => Ok(list(&cluster.keys().await?)),
            KeyCommand::Install { file } => install(cluster, word, file, readers).await,
            KeyCommand::Use { fingerprint } => {
                let key = find(cluster, &fingerprint).await?;
                cluster.use_key(&key).await?;
                Ok(done(word, "sealing with", &fingerprint))
            }
            KeyCommand::Remove { fingerprint } => {
                let key = find(cluster, &fingerprint).await?;
                cluster.remove_key(&key).await?;
                Ok(done(word, "no longer accepting", &fingerprint))
            }
        }
    }
}

async fn install(
    cluster: &Cluster,
    word: &str,
    file: String,
    readers: Readers,
) -> Result<Line, Error> {
    // The file may be on a slow disk.
    let read = tokio::task::spawn_blocking(move || keys::of_file(Path::new(&file), readers)).await;
    let ring = match read.unwrap_or_else(|_| Err("the program is ending".into())) {
        Ok(read) => read,
        Err(wrong) => return Ok(answer::refused(word, &wrong)),
    };
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for key in ring.keys().cloned() {
        let fingerprint = key.fingerprint().to_string();
        match cluster.install_key(key).await? {
            true => new.push(fingerprint),
            false => old.push(fingerprint),
        }
    }
    let told = match (new.as_slice(), old.as_slice()) {
        (new, []) => new.join(", "),
        ([], old) => format!("already installed: {}", old.join(", ")),
        (new, old) => format!("{}; already installed: {}", new.join(", "), old.join(", ")),
    };
    Ok(answer::done(word, &told).fields(|record| record.with("installed", new).with("known", old)))
}

async fn find(cluster: &Cluster, fingerprint: &str) -> Result<Key, Error> {
    let keys = cluster.keys().await?;
    keys.into_iter()
        .find(|key| key.fingerprint().to_string() == fingerprint)
        .ok_or(Error::Command(CommandError::Keyring(KeyringError::Unknown)))
}

fn list(keys: &[Key]) -> Line {
    let shown: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(at, key)| {
            let primary = if at == 0 { ", primary" } else { "" };
            format!("{} ({}{primary})", key.fingerprint(), key.cipher())
        })
        .collect();
    let told = match keys {
        [] => "none: nothing is encrypted".into(),
        _ => shown.join(", "),
    };
    Line::new("keys", Tone::Plain, told).fields(|record| {
        let keys = keys.iter().map(|key| {
            let (fingerprint, cipher) = (key.fingerprint().to_string(), key.cipher().to_string());
            serde_json::json!({ "fingerprint": fingerprint, "cipher": cipher })
        });
        record.with("keys", keys.collect::<Vec<_>>())
    })
}

fn done(word: &str, told: &str, fingerprint: &str) -> Line {
    answer::done(word, &format!("{told} {fingerprint}"))
        .fields(|record| record.with("fingerprint", fingerprint))
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
