//! The rule for names that two nodes claimed.

use core::fmt;

/// Which of two nodes keeps a name that both claimed during a partition.
///
/// The two nodes compare how long each has had the name. If the times differ by two seconds or
/// less, the higher address keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameKeeper {
    /// The node that has had the name longer. A new node then never displaces a working member.
    #[default]
    Older,
    /// The node that has had the name for less time. Use it where a replacement is started while
    /// the old node may still run.
    Newer,
}

impl NameKeeper {
    /// Both values.
    pub const ALL: [NameKeeper; 2] = [NameKeeper::Older, NameKeeper::Newer];

    /// The value's name in settings.
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
