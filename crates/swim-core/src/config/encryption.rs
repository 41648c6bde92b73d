//! Whether a node with keys seals, and whether it requires seals.

use core::fmt;

/// Which packets and streams a node with keys seals and accepts.
///
/// A node without keys seals nothing and drops sealed input.
///
/// Use [`Off`](Encryption::Off) and [`Outgoing`](Encryption::Outgoing) only while a running cluster
/// moves to encryption or back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Sends plaintext; accepts sealed input and plaintext.
    Off,
    /// Sends sealed; accepts sealed input and plaintext.
    Outgoing,
    /// Sends sealed; drops plaintext.
    #[default]
    Required,
}

impl Encryption {
    /// The value's name in settings and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Encryption::Off => "off",
            Encryption::Outgoing => "outgoing",
            Encryption::Required => "required",
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
