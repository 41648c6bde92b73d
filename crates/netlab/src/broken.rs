//! Why a case did not hold.

use std::fmt;

use crate::error::Error;

/// How a case ends that does not hold.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Something is not as the oracle says.
    Oracle(String),
    /// It could not be tried.
    Lab(Error),
    /// Somebody wanted an end.
    Interrupted,
}

impl Broken {
    /// The oracle does not hold: not this, but that.
    pub(crate) fn oracle(why: impl Into<String>) -> Self {
        Broken::Oracle(why.into())
    }
}

/// Something that an oracle lacks.
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
