//! Whether keys are used yet, and whether they must be.

use core::fmt;

/// What a node that has keys seals, and what it accepts. Without keys nothing is sealed, and what
/// comes in sealed is dropped.
///
/// Anything but [`Required`](Encryption::Required) is for the time in which a running cluster is
/// moved to encryption, or back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Sends plain, accepts sealed and plain.
    Off,
    /// Sends sealed, accepts sealed and plain.
    Outgoing,
    /// Sends sealed, drops what comes in plain.
    #[default]
    Required,
}

impl Encryption {
    /// The word for it in settings and messages.
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
