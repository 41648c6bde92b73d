//! What a member believes of the cluster.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What is believed of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it is.
    pub address: String,
    /// `alive`, `suspect`, `failed` or `left`.
    pub state: String,
    /// Its incarnation.
    pub incarnation: u64,
    /// Its metadata, in hexadecimal.
    pub meta: String,
    /// The six versions that it announces, as a list in JSON.
    pub versions: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { address, state, incarnation, meta, versions } = self;
        write!(f, "{state} at {address}, incarnation {incarnation}, meta '{meta}', {versions}")
    }
}

/// All members that a member knows, by name, itself included.
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

    /// What is believed of this one.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Seen> {
        self.0.get(name)
    }

    /// The state of this one; empty if it is not known.
    #[must_use]
    pub fn state(&self, name: &str) -> &str {
        self.of(name).map_or("", |seen| &seen.state)
    }

    /// How many are in this state.
    #[must_use]
    pub fn count(&self, state: &str) -> usize {
        self.0.values().filter(|seen| seen.state == state).count()
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, seen)| write!(f, "\n    {name}: {seen}"))
    }
}
