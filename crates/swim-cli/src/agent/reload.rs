//! SIGHUP with --config reloads keys, tags, seeds and the log level. With or without --config, it
//! reloads certificates.

use std::sync::Arc;

use swim_tokio::settings::{NODE, PROTOCOL, Table};
use swim_tokio::{Cluster, Error, Key};

use super::answer::refused;
use super::load::{Loaded, load};
use super::seeds::Seeds;
use super::tls::Certificates;
use crate::cli::AgentArgs;
use crate::log::Log;
use crate::print::Line;
use crate::settings::AGENT;
use crate::style::Tone;
use crate::text;
use crate::warn;

/// The settings that a reload changes. All other settings need a restart.
const RELOADED: [&str; 5] = [KEY_FILE, "tags", "meta", "seeds", "log"];

/// A reload replaces keys by other keys. The first key and the removal of all keys need a restart,
/// like `encryption`: peers without keys cannot read what a member seals.
const KEY_FILE: &str = "key_file";

/// Reloads the settings, and applies those that can change while the agent runs.
pub(super) struct Reloader {
    arguments: Arc<AgentArgs>,
    /// The settings at the start.
    started: Loaded,
    /// The settings of the last reload.
    last: Loaded,
    live: Live,
}

/// The parts of the agent that a reload changes.
pub(super) struct Live {
    pub(super) cluster: Cluster,
    pub(super) seeds: Seeds,
    pub(super) log: Log,
    pub(super) certificates: Certificates,
}

impl Reloader {
    pub(super) fn new(arguments: Arc<AgentArgs>, started: Loaded, live: Live) -> Self {
        let last = started.clone();
        Reloader { arguments, started, last, live }
    }

    /// Reloads, and returns the line about it.
    ///
    /// An invalid file changes nothing. If the node refuses a change, this one and all later ones
    /// are tried again at the next reload.
    pub(super) async fn reload(&mut self) -> Line {
        let arguments = Arc::clone(&self.arguments);
        let loaded = tokio::task::spawn_blocking(move || load(&arguments)).await;
        let new = match loaded.unwrap_or_else(|_| Err("the program is ending".into())) {
            Ok(new) => new,
            Err(wrong) => return refused("reload", &wrong),
        };
        let renewed = match self.live.certificates.reload().await {
            Ok(renewed) => renewed,
            Err(wrong) => return refused("reload", &wrong),
        };
        match self.change_to(&new).await {
            Ok(mut changed) => {
                if renewed {
                    changed.push("certificates".into());
                    if let Some(warning) = self.live.certificates.warning() {
                        warn(&warning);
                    }
                }
                let restart = self.needs_restart(&new);
                let had = std::mem::replace(&mut self.last, new);
                // Keys that wait for a restart are not in use: compare the next keys with the
                // earlier ones.
                if keys_of(&had).is_empty() || keys_of(&self.last).is_empty() {
                    self.last.node.options.config.keyring = had.node.options.config.keyring;
                }
                told(changed, restart)
            }
            Err(error) => refused("reload", &error.to_string()),
        }
    }

    async fn change_to(&self, new: &Loaded) -> Result<Vec<String>, Error> {
        let mut changed = Vec::new();
        // Compared with the last reload: if the file's keys did not change, keys installed by a
        // command stay.
        let (before, keys) = (keys_of(&self.last), keys_of(new));
        if !before.is_empty() && !keys.is_empty() && keys != before {
            self.take_keys(&keys).await?;
            let shown: Vec<String> = keys.iter().map(|key| key.fingerprint().to_string()).collect();
            changed.push(format!("keys {}", shown.join(", ")));
        }
        let (old, now) = (&self.last.node.options, &new.node.options);
        if old.config.meta != now.config.meta {
            self.live.cluster.set_meta(now.config.meta.clone()).await?;
            changed.push(match new.node.tags.is_empty() {
                true => "metadata".into(),
                false => format!("tags {}", text::escape(&new.node.tags.to_string())),
            });
        }
        for seed in now.seeds.iter().filter(|seed| !old.seeds.contains(seed)) {
            self.live.cluster.add_seed(seed).await?;
            self.live.seeds.add(seed);
            changed.push(format!("seed {seed} added"));
        }
        for seed in old.seeds.iter().filter(|seed| !now.seeds.contains(seed)) {
            self.live.cluster.remove_seed(seed).await?;
            self.live.seeds.remove(seed);
            changed.push(format!("seed {seed} removed"));
        }
        if self.last.agent.log != new.agent.log && self.live.log.set(&new.agent.log) {
            changed.push(format!("log {}", new.agent.log));
        }
        Ok(changed)
    }

    /// Replaces the keys in the ring, which may be full before and after. Unwanted keys are removed
    /// first, to make room. One wanted key, preferably one in the ring, becomes primary before the
    /// old primary key is removed.
    async fn take_keys(&self, keys: &[Key]) -> Result<(), Error> {
        let ring = self.live.cluster.keys().await?;
        for key in ring.iter().skip(1).filter(|key| !keys.contains(key)) {
            self.live.cluster.remove_key(key).await?;
        }
        let bridge = keys.iter().find(|key| ring.contains(key)).or(keys.first());
        if let Some(bridge) = bridge {
            self.live.cluster.install_key(bridge.clone()).await?;
            self.live.cluster.use_key(bridge).await?;
        }
        for key in ring.iter().take(1).filter(|key| !keys.contains(key)) {
            self.live.cluster.remove_key(key).await?;
        }
        for key in keys {
            self.live.cluster.install_key(key.clone()).await?;
        }
        // The last key that is used becomes the first of the ring.
        for key in keys.iter().rev() {
            self.live.cluster.use_key(key).await?;
        }
        Ok(())
    }

    fn needs_restart(&self, new: &Loaded) -> Vec<&'static str> {
        let started = &self.started;
        let mut keys = differing(&NODE, &started.node, &new.node);
        keys.extend(differing(&PROTOCOL, &started.node, &new.node));
        keys.extend(differing(&AGENT, &started.agent, &new.agent));
        if started.node.options.config.name != new.node.options.config.name {
            keys.push("name");
        }
        keys.retain(|key| !RELOADED.contains(key));
        if keys_of(started).is_empty() != keys_of(new).is_empty() {
            keys.push(KEY_FILE);
        }
        keys
    }
}

fn keys_of(loaded: &Loaded) -> Vec<Key> {
    loaded.node.options.config.keyring.keys().cloned().collect()
}

/// The keys of the settings that differ.
fn differing<T>(table: &Table<T>, old: &T, new: &T) -> Vec<&'static str> {
    let differs = |setting: &&_| {
        let setting: &swim_tokio::settings::Setting<T> = setting;
        setting.shown(old) != setting.shown(new)
    };
    table.settings.iter().filter(differs).map(|setting| setting.key).collect()
}

fn told(changed: Vec<String>, restart: Vec<&'static str>) -> Line {
    let mut told = match changed.is_empty() {
        true => "nothing changed".to_string(),
        false => changed.join("; "),
    };
    if !restart.is_empty() {
        told.push_str(&format!("; after a restart: {}", restart.join(", ")));
    }
    let tone = if restart.is_empty() { Tone::Good } else { Tone::Warning };
    Line::new("reloaded", tone, told)
        .fields(|record| record.with("changed", changed).with("restart", restart))
}
