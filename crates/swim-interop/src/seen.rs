//! A member's view of the cluster.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// A member's view of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its address.
    pub address: String,
    /// `alive`, `suspect`, `failed` or `left`.
    pub state: String,
    /// Its incarnation.
    pub incarnation: u64,
    /// Its metadata, in hexadecimal.
    pub meta: String,
    /// The six versions that it announces, as a JSON list.
    pub versions: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { address, state, incarnation, meta, versions } = self;
        write!(f, "{state} at {address}, incarnation {incarnation}, meta '{meta}', {versions}")
    }
}

/// All members that a member knows, by name, including itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View(BTreeMap<String, Seen>);

impl View {
    /// Reads the answer to `members`.
    pub(crate) fn parse(answer: &Value) -> Self {
        let rows = answer["members"].as_array().expect("an answer to members");
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_string();
        let seen = rows.iter().map(|row| {
            let seen = Seen {
                address: text(row, "address"),
                state: text(row, "state"),
                incarnation: row["incarnation"].as_u64().expect("a number"),
                meta: text(row, "meta"),
                versions: row["versions"].to_string(),
            };
            (text(row, "name"), seen)
        });
        View(seen.collect())
    }

    /// Returns the view of one member.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Seen> {
        self.0.get(name)
    }

    /// Returns the state of one member; empty if it is unknown.
    #[must_use]
    pub fn state(&self, name: &str) -> &str {
        self.of(name).map_or("", |seen| &seen.state)
    }

    /// Counts the members in this state.
    #[must_use]
    pub fn count(&self, state: &str) -> usize {
        self.0.values().filter(|seen| seen.state == state).count()
    }

    /// Returns the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, seen)| write!(f, "\n    {name}: {seen}"))
    }
}
