//! The reason why a case failed.

use std::fmt;

use crate::error::Error;

/// The result of a case that does not hold.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Its oracle does not hold.
    Oracle(String),
    /// The case could not run.
    Lab(Error),
    /// A signal stopped it.
    Interrupted,
}

impl Broken {
    /// Reports that the oracle does not hold, and why.
    pub(crate) fn oracle(why: impl Into<String>) -> Self {
        Broken::Oracle(why.into())
    }
}

/// The condition that an oracle still waits for.
impl From<String> for Broken {
    fn from(lacking: String) -> Self {
        Broken::Oracle(lacking)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Broken::Lab(error)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Oracle(why) => f.write_str(why),
            Broken::Lab(error) => error.fmt(f),
            Broken::Interrupted => f.write_str("stopped"),
        }
    }
}
