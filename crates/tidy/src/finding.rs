//! A violation of a rule, and its place.

use core::fmt;
use core::str::FromStr;

/// A rule of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// See [`imports`](crate::imports).
    Imports,
    /// See [`calls`](crate::calls).
    Calls,
    /// See [`sizes`](crate::sizes).
    Sizes,
    /// See [`columns`](crate::columns).
    Columns,
    /// See [`reasons`](crate::reasons).
    Reasons,
    /// See [`promises`](crate::promises).
    Promises,
    /// See [`prose`](crate::prose).
    Prose,
    /// See [`links`](crate::links).
    Links,
    /// See [`exceptions`](crate::exceptions).
    Exceptions,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 9] = [
        Rule::Imports,
        Rule::Calls,
        Rule::Sizes,
        Rule::Columns,
        Rule::Reasons,
        Rule::Promises,
        Rule::Prose,
        Rule::Links,
        Rule::Exceptions,
    ];

    /// Its name in the list of exceptions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Rule::Imports => "imports",
            Rule::Calls => "calls",
            Rule::Sizes => "sizes",
            Rule::Columns => "columns",
            Rule::Reasons => "reasons",
            Rule::Promises => "promises",
            Rule::Prose => "prose",
            Rule::Links => "links",
            Rule::Exceptions => "exceptions",
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Rule::ALL.into_iter().find(|rule| rule.as_str() == text);
        found.ok_or_else(|| format!("there is no rule {text:?}"))
    }
}

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the root of the repository.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The rule.
    pub rule: Rule,
    /// The name in an exception. It does not depend on the lines around the finding.
    pub key: String,
    /// The problem.
    pub what: String,
    /// The remedy.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { path, line, what, remedy, .. } = self;
        write!(f, "{path}:{line}: {what}: {remedy}")
    }
}
