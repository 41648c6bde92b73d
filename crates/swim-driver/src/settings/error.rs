//! Errors in settings.

use std::fmt;

/// The origin of a value. Later variants override earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A line of the settings file, counted from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Line(line) => write!(f, "line {line}"),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A mistake in settings: one line with its origin, its key and the allowed values.
///
/// ```
/// # use swim_driver::Options;
/// let text = "[node]\nname = \"a\"\n[protocol]\nprobe_timeout = 500\n";
/// let error = Options::from_toml(text).err().map(|error| error.to_string());
/// assert_eq!(
///     error.as_deref(),
///     Some("line 4: probe_timeout = 500 has no unit: write \"500ms\" or \"500s\"")
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    file: Option<String>,
    origin: Option<Origin>,
    message: String,
}

impl SettingsError {
    pub(crate) fn new(origin: Option<Origin>, message: impl Into<String>) -> Self {
        SettingsError { file: None, origin, message: message.into() }
    }

    /// Adds the file of a mistake.
    pub(crate) fn in_file(self, file: Option<&str>) -> Self {
        SettingsError { file: file.map(str::to_owned), ..self }
    }

    /// The line of the settings file, counted from 1. `None` for mistakes elsewhere.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.origin {
            Some(Origin::Line(line)) => Some(line),
            _ => None,
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, &self.file) {
            (Some(Origin::Line(line)), Some(file)) => write!(f, "{file}, line {line}: ")?,
            (Some(origin), _) => write!(f, "{origin}: ")?,
            (None, Some(file)) => write!(f, "{file}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for SettingsError {}
