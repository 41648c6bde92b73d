//! Mistakes across settings, in terms of the file's keys.

use swim_core::ConfigError;

use super::error::SettingsError;
use super::layers::Settings;
use super::setting::Table;
use super::{NODE, NodeSettings, PROTOCOL};
use crate::error::{BindError, families, not_allowed, twice};

impl Settings {
    /// Checks that the settings fit together and that a node can start with them.
    ///
    /// # Errors
    ///
    /// The first mistake. It names each setting involved, with its value and origin.
    pub fn check(&self, node: &NodeSettings) -> Result<(), SettingsError> {
        if node.meta.is_some() && !node.tags.is_empty() {
            let (meta, tags) = (self.mention(node, "meta"), self.mention(node, "tags"));
            return Err(self.about(
                &["meta", "tags"],
                format!("{meta} and {tags} both set the metadata: set only one of them"),
            ));
        }
        node.options.check().map_err(|error| self.explain(node, &error))
    }

    fn explain(&self, node: &NodeSettings, error: &BindError) -> SettingsError {
        let mention = |key| self.mention(node, key);
        let error = match error {
            BindError::Config(error) => error,
            BindError::AdvertiseFamily { bind, .. } => {
                let told = families(*bind, &mention("bind"), &mention("advertise"));
                return self.about(&["advertise", "bind"], told);
            }
            BindError::AdvertiseTwice { beside } => {
                let told = twice(&mention("advertise"), &mention(beside));
                return self.about(&[beside, "advertise"], told);
            }
            BindError::AdvertiseNotAllowed { advertise, .. } => {
                let told = not_allowed(advertise.ip(), &mention("allowed_networks"));
                return self.about(&["allowed_networks"], told);
            }
            error => return self.error(None, error.to_string()),
        };
        match *error {
            ConfigError::OutOfRange { setting, must, beside } => {
                let must = beside
                    .iter()
                    .fold(must.to_string(), |must, key| must.replace(key, &mention(key)));
                let keys: Vec<&str> = [setting].iter().chain(beside).copied().collect();
                self.about(&keys, format!("{} must be {must}", mention(setting)))
            }
            ConfigError::MetaTooLarge { size, .. } => {
                let key = if node.meta.is_some() { "meta" } else { "tags" };
                let max = mention("meta_size_max");
                let told = format!("{key} has {size} bytes, which is more than {max} allows");
                self.about(&[key, "meta_size_max"], told)
            }
            ConfigError::Cipher => {
                let told = format!("with {}, {error}", mention("wire"));
                self.about(&["key_file", "wire"], told)
            }
            ConfigError::Versions { min, max } => {
                let (versions, wire) = (mention("protocol_versions"), mention("wire"));
                let told = format!("{versions} must be versions from {min} to {max}, as on {wire}");
                self.about(&["protocol_versions", "wire"], told)
            }
            ref error => self.error(None, error.to_string()),
        }
    }

    /// The mistake, at the first of these keys that a layer sets.
    fn about(&self, keys: &[&str], told: String) -> SettingsError {
        let origin = |key| self.origin("node", key).or_else(|| self.origin("protocol", key));
        self.error(keys.iter().find_map(|key| origin(key)), told)
    }

    /// A setting with its value and origin.
    fn mention(&self, node: &NodeSettings, key: &str) -> String {
        let of = |table: &Table<NodeSettings>| {
            let setting = table.settings.iter().find(|it| it.key == key)?;
            let from = match self.origin(table.name, key) {
                Some(origin) => origin.to_string(),
                None => "by default".into(),
            };
            let value = setting.shown(node).unwrap_or_else(|| "none".into());
            Some(format!("{key} ({value}, {from})"))
        };
        of(&NODE).or_else(|| of(&PROTOCOL)).unwrap_or_else(|| key.into())
    }
}
