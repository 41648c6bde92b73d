//! Settings from a file, the environment and flags.
//!
//! A settings file is TOML, with four tables:
//!
//! - `[node]`: the name and addresses of a node, and which members it admits,
//! - `[protocol]`: how all nodes of the cluster work,
//! - `[agent]` and `[simulate]`: settings of the program `swim`.
//!
//! Each reader takes its own tables and skips the rest, so one file serves an application,
//! `swim agent` and `swim simulate`. `docs/swim.example.toml` has every setting with its default,
//! its range and when to change it.
//!
//! [`Options::from_toml`] and [`Options::from_toml_file`] read a file alone. [`Settings`] adds the
//! environment and flags. A program with its own table describes it with a [`Table`], and gets the
//! same messages, variables and comments.

mod error;
mod example;
mod explain;
mod keys;
mod layers;
mod node;
mod protocol;
mod setting;
mod tls;
mod value;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use swim_core::{Keyring, Name, Wire};

use self::tls::TlsSaid;
use crate::options::Options;
use crate::tags::Tags;

pub use crate::secret_file::{KeyFileError, Readers};
pub use error::{Origin, SettingsError};
pub use example::example;
pub use keys::{keys_of_file, keys_of_variable};
pub use layers::{Settings, TABLES, UnknownVariable, VARIABLES_PREFIX, Variable};
pub use node::{
    NODE, advertised_address, bind_address, interface, label, name, network, seed, versions,
};
pub use protocol::PROTOCOL;
pub use setting::{ABOVE_ZERO, Kind, SetPairs, Setting, Table, duration};
pub use value::Value;

/// A preset of timing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// [`Options::lan`].
    #[default]
    Lan,
    /// [`Options::wan`].
    Wan,
    /// [`Options::local`].
    Local,
}

impl Profile {
    /// The word in a settings file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Profile::Lan => "lan",
            Profile::Wan => "wan",
            Profile::Local => "local",
        }
    }

    fn options(self, name: Name) -> Options {
        match self {
            Profile::Lan => Options::lan(name),
            Profile::Wan => Options::wan(name),
            Profile::Local => Options::local(name),
        }
    }
}

/// The result of the tables `[node]` and `[protocol]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeSettings {
    /// The options of the node, without the keys in [`key_file`](NodeSettings::key_file).
    pub options: Options,
    /// The profile to start from.
    pub profile: Profile,
    /// The key file. In a settings file, a relative path starts at the file's folder.
    pub key_file: Option<PathBuf>,
    /// Which key files are accepted.
    pub readers: Readers,
    /// The tags to announce as metadata.
    pub tags: Tags,
    /// The metadata, if not tags.
    pub(crate) meta: Option<String>,
    /// The TLS settings, perhaps incomplete.
    pub(crate) tls: TlsSaid,
}

impl NodeSettings {
    /// The defaults of a profile.
    #[must_use]
    pub fn new(name: Name, profile: Profile) -> Self {
        let options = profile.options(name);
        let (readers, tags) = (Readers::Owner, Tags::new());
        let tls = TlsSaid::default();
        NodeSettings { options, profile, key_file: None, readers, tags, meta: None, tls }
    }
}

impl Settings {
    /// The environment variables of `[node]` and `[protocol]`: `SWIM_` and the key in capitals.
    #[must_use]
    pub fn node_variables() -> Vec<Variable> {
        NODE.variables().into_iter().chain(PROTOCOL.variables()).collect()
    }

    /// Combines the layers into the settings of a node, without its keys.
    ///
    /// The name defaults to this host's name.
    ///
    /// # Errors
    ///
    /// The first setting that is unknown or has an invalid value. [`check`](Settings::check) finds
    /// the settings that do not fit together.
    pub fn node(&self) -> Result<NodeSettings, SettingsError> {
        // The defaults of all other settings depend on these two.
        let mut begin = NodeSettings::new(stand_in(), Profile::default());
        self.apply_some(&PROTOCOL, |key| key == "profile" || key == "wire", &mut begin)?;
        let mut node = NodeSettings::new(stand_in(), begin.profile);
        if begin.options.config.wire == Wire::Memberlist {
            node.options.config = node.options.config.memberlist();
        }
        self.apply(&NODE, &mut node)?;
        self.apply(&PROTOCOL, &mut node)?;
        if !self.has("node", "name") {
            node.options.config.name = self.host_name()?;
        }
        if let Some(meta) = &node.meta {
            node.options.config.meta = meta.clone().into();
        } else if !node.tags.is_empty() {
            node.options.config.meta = node.tags.encode();
        }
        node.key_file = node.key_file.map(|path| self.in_folder("key_file", path));
        node.options.tls = self.tls(&node)?;
        Ok(node)
    }

    /// Reads the settings and the keys of a node, ready to start it.
    ///
    /// # Errors
    ///
    /// The first setting that is unknown or cannot work, or an unusable key file.
    pub fn options(&self) -> Result<Options, SettingsError> {
        let mut node = self.node()?;
        node.options.config.keyring = self.keys(&node)?;
        self.check(&node)?;
        Ok(node.options)
    }

    /// Reads the keys of a node from its `key_file`. Empty without one.
    ///
    /// # Errors
    ///
    /// The error of [`keys_of_file`], with the origin of the file name. For a file that others can
    /// read, it also has the setting that allows it.
    pub fn keys(&self, node: &NodeSettings) -> Result<Keyring, SettingsError> {
        let Some(path) = &node.key_file else {
            return Ok(Keyring::default());
        };
        let origin = self.origin("node", "key_file");
        keys_of_file(path, node.readers).map_err(|wrong| {
            let (key, allow) = match origin {
                Some(Origin::Flag(_)) => ("", "--allow-shared-key-file"),
                Some(Origin::Variable(_)) => ("", "SWIM_ALLOW_SHARED_KEY_FILE=true"),
                _ => ("key_file: ", "allow_shared_key_file = true"),
            };
            let or = match wrong {
                KeyFileError::Shared(_) => format!(", or set {allow} if it is a mounted secret"),
                KeyFileError::Unusable(_) => String::new(),
            };
            self.error(origin, format!("{key}{wrong}{or}"))
        })
    }

    fn host_name(&self) -> Result<Name, SettingsError> {
        let host = gethostname::gethostname();
        let shown = host.to_string_lossy();
        name(&shown).map_err(|wrong| {
            let told = format!("the host name {shown:?} is no name of a member: {wrong}; set name");
            self.error(None, told)
        })
    }

    /// The path for this process to open.
    pub(crate) fn in_folder(&self, key: &str, path: PathBuf) -> PathBuf {
        let in_file = matches!(self.origin("node", key), Some(Origin::Line(_)));
        match self.folder().filter(|_| in_file) {
            Some(folder) => folder.join(path),
            None => path,
        }
    }
}

impl Options {
    /// Reads the tables `[node]` and `[protocol]` of a settings file.
    ///
    /// `docs/swim.example.toml` is one with every setting. The tables `[agent]` and `[simulate]`
    /// are skipped. The name defaults to this host's name. The environment is not read: see
    /// [`Settings`].
    ///
    /// ```
    /// # use swim_driver::Options;
    /// let options = Options::from_toml(
    ///     r#"
    ///     [node]
    ///     name = "cache-7"
    ///     seeds = ["cache-1.example.org:7946"]
    ///     tags = { role = "cache" }
    ///
    ///     [protocol]
    ///     profile = "wan"
    ///     probe_timeout = "2s"
    ///     "#,
    /// )?;
    /// assert_eq!(options.config.probe_timeout.as_secs(), 2);
    /// # Ok::<(), swim_driver::SettingsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first mistake, with its line, its key and the allowed values; or an unusable key file.
    /// The relative path of a key file starts at the current folder.
    pub fn from_toml(text: &str) -> Result<Options, SettingsError> {
        Settings::parse(text)?.options()
    }

    /// Reads the settings of a node from a file, like [`from_toml`](Options::from_toml).
    ///
    /// A relative `key_file` in it starts at the file's folder.
    ///
    /// # Errors
    ///
    /// As for [`from_toml`](Options::from_toml), with the name of the file; or the file cannot be
    /// read.
    pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Options, SettingsError> {
        Settings::read(path.as_ref())?.options()
    }
}

/// A name until the real one is known.
fn stand_in() -> Name {
    Name::new("node").expect("a name")
}
