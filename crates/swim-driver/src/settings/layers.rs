//! The layers of settings: a file, the environment, flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use swim_core::text::escape;
use toml::de::DeTable;

use super::error::{Origin, SettingsError};
use super::setting::{Setting, Table};
use super::value::Value;

/// The tables of a settings file. Each reader takes its own and skips the rest.
pub const TABLES: [&str; 4] = ["node", "protocol", "agent", "simulate"];

/// The prefix of settings in the environment.
pub const VARIABLES_PREFIX: &str = "SWIM_";

/// Variables with the prefix that are not settings: those of our tests, and those that Kubernetes
/// sets in every pod for a service called `swim`.
const NOT_SETTINGS: [&str; 4] = ["SWIM_SIM_", "SWIM_INTEROP_", "SWIM_SERVICE_", "SWIM_PORT"];

/// A larger file is not a settings file.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// The settings of a file, the environment and flags, in layers.
///
/// Flags override the environment, the environment overrides the file, and the file overrides the
/// profile. Lists replace those of lower layers; tags are merged by key.
///
/// ```
/// # use swim_driver::{Tags, settings::Settings};
/// let text = "[node]\nname = 'a'\ntags = { role = 'db', zone = 'a' }";
/// let mut settings = Settings::parse(text)?;
/// let environment = [("SWIM_TAGS".into(), "zone=b".into()), ("HOME".into(), "/".into())];
/// let unknown = settings.add_variables(environment, &Settings::node_variables(), &[])?;
/// assert!(unknown.is_empty());
///
/// let options = settings.options()?;
/// assert_eq!(options.config.name, "a");
/// let tags = Tags::decode(&options.config.meta).unwrap_or_default();
/// assert_eq!(tags.to_string(), "role=db,zone=b");
/// # Ok::<(), swim_driver::SettingsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// In the order of the layers and of the lines.
    entries: Vec<Entry>,
    file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Entry {
    table: String,
    key: String,
    value: Value,
    origin: Origin,
}

/// The environment variable of a setting.
#[derive(Clone, Debug)]
pub struct Variable {
    name: String,
    table: &'static str,
    key: &'static str,
}

/// An environment variable that looks like a setting but is not: usually misspelt.
///
/// `Display` is a warning about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownVariable {
    /// The name.
    pub name: String,
    /// The closest setting, if any is close.
    pub meant: Option<String>,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escape(&self.name);
        write!(f, "the environment variable {name} is not a setting and has no effect; ")?;
        match &self.meant {
            Some(meant) => write!(f, "did you mean {meant}?"),
            None => f.write_str("see docs/swim.example.toml for all settings"),
        }
    }
}

impl<T> Table<T> {
    /// The environment variables of the settings.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        let variable = |setting: &Setting<T>| Variable {
            name: self.variable(setting),
            table: self.name,
            key: setting.key,
        };
        self.settings.iter().map(variable).collect()
    }

    /// The environment variable of a setting.
    pub(crate) fn variable(&self, setting: &Setting<T>) -> String {
        format!("{}{}", self.variables, setting.key.to_uppercase())
    }
}

impl Settings {
    /// Creates empty settings: their [`options`](Settings::options) are those of the `lan` profile.
    #[must_use]
    pub fn new() -> Self {
        Settings::default()
    }

    /// Parses the text of a settings file.
    ///
    /// Values are checked when a table is [applied](Settings::apply).
    ///
    /// # Errors
    ///
    /// The text is not TOML, or has other tables than [`TABLES`].
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let at = |offset: usize| {
            let before = &text.as_bytes()[..offset.min(text.len())];
            Some(Origin::Line(before.iter().filter(|byte| **byte == b'\n').count() + 1))
        };
        let document = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            SettingsError::new(at(span.start), malformed(text, &error, span))
        })?;
        let mut entries = Vec::new();
        for (name, table) in in_order(document.get_ref()) {
            let (origin, name) = (at(name.span().start), name.get_ref().as_ref());
            let Some(table) = table.get_ref().as_table() else {
                return Err(SettingsError::new(origin, outside(name)));
            };
            if !TABLES.contains(&name) {
                return Err(SettingsError::new(origin, unknown_table(name)));
            }
            for (key, value) in in_order(table) {
                entries.push(Entry {
                    table: name.into(),
                    key: key.get_ref().to_string(),
                    value: Value::from_toml(value.get_ref()),
                    origin: at(key.span().start).expect("every key is somewhere"),
                });
            }
        }
        // A table may continue further down, with dotted keys.
        entries.sort_by_key(|entry| match entry.origin {
            Origin::Line(line) => line,
            _ => 0,
        });
        Ok(Settings { entries, file: None })
    }

    /// Reads a settings file of at most 1 MiB.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Settings::parse), or the file cannot be read. Errors name the file.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let shown = path.display().to_string();
        let cannot = |reason: String| {
            SettingsError::new(None, format!("cannot read the settings file {shown}: {reason}"))
        };
        let size = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
        if size > FILE_SIZE_MAX {
            return Err(cannot(format!(
                "it has {size} bytes, more than the {FILE_SIZE_MAX} allowed; is it the right file?"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
        let settings = Settings::parse(&text).map_err(|error| error.in_file(Some(&shown)))?;
        Ok(Settings { file: Some(path.into()), ..settings })
    }

    /// Adds environment variables, which override the file.
    ///
    /// Values have no quotes; commas separate the items of lists and tables:
    /// `SWIM_SEEDS=cache-1,10.0.0.2:7000`, `SWIM_TAGS=role=cache,zone=a`. Returns variables that
    /// begin with `SWIM_` but are neither settings nor in `others`: usually misspelt ones.
    ///
    /// # Errors
    ///
    /// A value is not UTF-8.
    pub fn add_variables(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        known: &[Variable],
        others: &[&str],
    ) -> Result<Vec<UnknownVariable>, SettingsError> {
        let mut unknown = Vec::new();
        // Sorted by name, so that the first mistake is always the same.
        let environment: BTreeMap<OsString, OsString> = environment.into_iter().collect();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(VARIABLES_PREFIX)) else {
                continue;
            };
            let no_setting = NOT_SETTINGS.iter().any(|prefix| name.starts_with(prefix));
            if no_setting || others.contains(&name) {
                continue;
            }
            let Some(variable) = known.iter().find(|variable| variable.name == name) else {
                let names = known.iter().map(|variable| variable.name.as_str());
                let meant = nearest_variable(name, names.chain(others.iter().copied()));
                unknown.push(UnknownVariable { name: name.into(), meant });
                continue;
            };
            let origin = Origin::Variable(name.into());
            let Ok(value) = value.into_string() else {
                return Err(SettingsError::new(Some(origin), "the value is not UTF-8"));
            };
            let (table, key) = (variable.table.into(), variable.key.into());
            self.entries.push(Entry { table, key, value: Value::Bare(value), origin });
        }
        Ok(unknown)
    }

    /// Adds the value of a flag, which overrides the environment and the file.
    pub fn add_flag(&mut self, table: &str, key: &str, flag: &'static str, value: Value) {
        let (table, key) = (table.into(), key.into());
        self.entries.push(Entry { table, key, value, origin: Origin::Flag(flag) });
    }

    /// Applies what the layers set in this table to `target`.
    ///
    /// # Errors
    ///
    /// The first unknown key or invalid value.
    pub fn apply<T>(&self, table: &Table<T>, target: &mut T) -> Result<(), SettingsError> {
        self.apply_some(table, |_| true, target)
    }

    /// Like [`apply`](Settings::apply), for some keys only.
    pub(crate) fn apply_some<T>(
        &self,
        table: &Table<T>,
        is_wanted: impl Fn(&str) -> bool,
        target: &mut T,
    ) -> Result<(), SettingsError> {
        let wanted = |entry: &&Entry| entry.table == table.name && is_wanted(&entry.key);
        for entry in self.entries.iter().filter(wanted) {
            let Some(setting) = table.settings.iter().find(|it| it.key == entry.key) else {
                return Err(self.error(Some(&entry.origin), unknown_key(table, entry)));
            };
            setting
                .set(target, &entry.value)
                .map_err(|wrong| self.error(Some(&entry.origin), wrong))?;
        }
        Ok(())
    }

    /// Whether any layer sets this.
    #[must_use]
    pub fn has(&self, table: &str, key: &str) -> bool {
        self.origin(table, key).is_some()
    }

    /// The origin of a setting's value. `None` if no layer sets it.
    #[must_use]
    pub fn origin(&self, table: &str, key: &str) -> Option<&Origin> {
        let is_it = |entry: &&Entry| entry.table == table && entry.key == key;
        self.entries.iter().rfind(is_it).map(|entry| &entry.origin)
    }

    /// The folder of the file. Relative paths in it start there.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.file.as_deref()?.parent()
    }

    /// A mistake in a value of this origin, for a program's own checks.
    #[must_use]
    pub fn error_at(&self, origin: &Origin, wrong: impl Into<String>) -> SettingsError {
        self.error(Some(origin), wrong)
    }

    pub(crate) fn error(&self, origin: Option<&Origin>, wrong: impl Into<String>) -> SettingsError {
        let file = self.file.as_ref().map(|file| file.display().to_string());
        let file = file.filter(|_| matches!(origin, Some(Origin::Line(_))));
        SettingsError::new(origin.cloned(), wrong).in_file(file.as_deref())
    }
}

/// In the order of the file, so that its first mistake is reported.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t toml::Spanned<toml::de::DeString<'i>>, &'t toml::Spanned<toml::de::DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The syntax error, and its key.
fn malformed(text: &str, error: &toml::de::Error, span: Range<usize>) -> String {
    let told = error.message().lines().collect::<Vec<_>>().join("; ");
    if told == "duplicate key" {
        return format!("{told} {}", text.get(span).unwrap_or_default());
    }
    let before = text.get(..span.start).unwrap_or_default();
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let is_key = |key: &&str| {
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    };
    match line.split_once('=').map(|(key, _)| key.trim()).filter(is_key) {
        Some(key) => format!("{key}: {told}"),
        None => told,
    }
}

fn outside(key: &str) -> String {
    match owner(key) {
        Some(table) => format!("{key} is outside of a table: put it under [{table}]"),
        None => format!(
            "{key} is outside of a table: put settings under {}",
            TABLES.map(|name| format!("[{name}]")).join(", ")
        ),
    }
}

fn unknown_table(name: &str) -> String {
    let told = format!("there is no table [{name}]");
    match nearest(name, TABLES) {
        Some(near) => format!("{told}; did you mean [{near}]?"),
        None => {
            let tables = TABLES.map(|name| format!("[{name}]")).join(", ");
            format!("{told}; the tables are {tables}")
        }
    }
}

fn unknown_key<T>(table: &Table<T>, entry: &Entry) -> String {
    let (key, name) = (&entry.key, table.name);
    if let Some(owner) = owner(key).filter(|owner| *owner != name) {
        return format!("{key} belongs in [{owner}], not in [{name}]");
    }
    let told = format!("there is no setting {key} in [{name}]");
    match nearest(key, table.settings.iter().map(|setting| setting.key)) {
        Some(near) => format!("{told}; did you mean {near}?"),
        None => format!("{told}; see docs/swim.example.toml for all settings"),
    }
}

/// The table of this crate that has this key.
fn owner(key: &str) -> Option<&'static str> {
    let has = |settings: &[Setting<super::NodeSettings>]| settings.iter().any(|it| it.key == key);
    [&super::NODE, &super::PROTOCOL].into_iter().find(|it| has(it.settings)).map(|it| it.name)
}

/// The variable closest to `written`, compared without the prefix.
fn nearest_variable<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let keys: Vec<(String, &str)> = known
        .filter_map(|name| Some((name.strip_prefix(VARIABLES_PREFIX)?.to_lowercase(), name)))
        .collect();
    let near = nearest(written.strip_prefix(VARIABLES_PREFIX)?, keys.iter().map(|(key, _)| &**key));
    keys.iter().find(|(key, _)| Some(&**key) == near).map(|(_, name)| (*name).into())
}

/// Other names of settings: flags of `swim agent`, and settings of other programs.
const CALLED_ELSEWHERE: [(&str, &str); 4] = [
    ("cluster", "label"),
    ("join", "seeds"),
    ("retry_join", "seeds"),
    ("allow_network", "allowed_networks"),
];

/// The closest known key, or the key with this name elsewhere.
fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    let written = written.replace('-', "_").to_lowercase();
    let elsewhere = CALLED_ELSEWHERE.iter().find(|(name, _)| *name == written);
    let likeness = |known| match elsewhere {
        Some((_, here)) => (if known == *here { 1.0 } else { 0.0 }, known),
        None => (strsim::jaro_winkler(&written, known), known),
    };
    let best = known.into_iter().map(likeness).max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, known)| known)
}
