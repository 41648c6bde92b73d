//! Refused requests.

use hyper::StatusCode;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) why: String,
    /// The allowed methods, if the method was wrong.
    pub(crate) methods: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Refusal { status, why: why.into(), methods: None }
    }
}
