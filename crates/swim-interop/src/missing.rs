//! What this machine lacks.

use std::fmt;

/// Something that a test needs and this machine lacks.
#[derive(Clone, Debug)]
pub struct Missing {
    /// What it is.
    pub what: String,
    /// How it comes to be there.
    pub remedy: String,
}

impl Missing {
    /// Says it in a box on standard error, together with what is not tested for want of it.
    ///
    /// # Panics
    ///
    /// If `SWIM_INTEROP_REQUIRE` is set to anything but `0`: where everything should be there, a
    /// skipped test is a failed one.
    pub fn skip(&self, untested: &str) {
        let border = "#".repeat(80);
        eprintln!("\n{border}");
        eprintln!("##  SKIPPED: {untested}");
        eprintln!("##  This machine lacks: {}", self.what);
        eprintln!("##  {}", self.remedy);
        eprintln!("{border}\n");
        assert!(!Missing::is_fatal(), "SWIM_INTEROP_REQUIRE is set, but {self}");
    }

    /// Whether a skipped test is a failed one.
    #[must_use]
    pub fn is_fatal() -> bool {
        std::env::var_os("SWIM_INTEROP_REQUIRE").is_some_and(|value| value != "0")
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
