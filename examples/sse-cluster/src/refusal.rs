//! Requests that are refused.

use hyper::StatusCode;

/// Why a request is refused, and what to do about it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) why: String,
    /// The methods that would be taken, where it was another one.
    pub(crate) methods: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Refusal { status, why: why.into(), methods: None }
    }
}
