//! Which of two nodes keeps a name.

use core::fmt;

/// Which of two nodes keeps a name that both claimed, on two sides of a partition: by how long each
/// has had it. Where that differs by two seconds or less, the higher address keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameKeeper {
    /// The one that has had it longer: a new node outranks no member that works.
    #[default]
    Older,
    /// The one that has had it for less time: where a node is replaced by starting another one, the
    /// old one may still run.
    Newer,
}

impl NameKeeper {
    /// Both, in the order in which they are documented.
    pub const ALL: [NameKeeper; 2] = [NameKeeper::Older, NameKeeper::Newer];

    /// As it is written in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            NameKeeper::Older => "older",
            NameKeeper::Newer => "newer",
        }
    }
}

impl fmt::Display for NameKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
