//! Programs and rights that this machine lacks.

use std::fmt;

use libtest_mimic::{Completion, Failed};

/// Something that a test needs and this machine lacks.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Its name.
    pub what: String,
    /// How to get it.
    pub remedy: String,
}

impl Missing {
    /// Prints a box on standard error with the tests that are skipped because of it.
    pub fn announce(&self, untested: &str) {
        let border = "#".repeat(80);
        eprintln!("\n{border}");
        eprintln!("##  SKIPPED: {untested}");
        eprintln!("##  This machine lacks: {}", self.what);
        eprintln!("##  {}", self.remedy);
        eprintln!("{border}\n");
    }

    /// Reports a trial that needs it as ignored, with this as the reason.
    ///
    /// # Errors
    ///
    /// If `SWIM_INTEROP_REQUIRE` is set to anything but `0`, a skipped test counts as failed.
    pub fn skip(&self) -> Result<Completion, Failed> {
        if std::env::var_os("SWIM_INTEROP_REQUIRE").is_some_and(|value| value != "0") {
            return Err(format!("SWIM_INTEROP_REQUIRE is set, but {self}").into());
        }
        Ok(Completion::ignored_with(self))
    }

    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Missing { what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this machine lacks {}: {}", self.what, self.remedy)
    }
}
