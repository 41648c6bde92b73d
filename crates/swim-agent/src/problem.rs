//! Errors as `application/problem+json` (RFC 9457), each with what to do.

use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;
use swim_tokio::{CommandError, Error, Failure};

use crate::body::Body;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    title: &'static str,
    detail: String,
    /// The methods that the path has.
    allow: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Problem { status, title, detail: detail.into(), allow: None }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "bad request", detail)
    }

    pub(crate) fn unknown_member(name: &str) -> Self {
        let detail = format!("no member named {name:?} is listed: list all to see their names");
        Problem::new(StatusCode::NOT_FOUND, "unknown member", detail)
    }

    pub(crate) fn method(allow: &str) -> Self {
        let detail = format!("this path takes only {allow}");
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", detail);
        Problem { allow: Some(allow.into()), ..problem }
    }

    pub(crate) fn late() -> Self {
        let detail = "the node did not answer in time; it may still carry out the request: ask \
                      for its state before you repeat it";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "no answer in time", detail)
    }

    /// The node's answer to a command. `name` is the member in question.
    pub(crate) fn of(error: &Error, name: &str) -> Self {
        let (status, title, advice) = kind_of(error);
        if *error == Error::Command(CommandError::UnknownMember) {
            let detail =
                format!("no live member named {name:?}: list the members and their states");
            return Problem::new(StatusCode::NOT_FOUND, "unknown member", detail);
        }
        Problem::new(status, title, format!("{error}{advice}"))
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = Response::new(Body::Whole(body.to_string().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

/// The status, the title, and what to do where the error does not say it.
fn kind_of(error: &Error) -> (StatusCode, &'static str, &'static str) {
    match error {
        Error::Command(CommandError::NotRunning) => {
            (StatusCode::CONFLICT, "the node left", ": POST /v1/join")
        }
        Error::Command(CommandError::StillLive) => {
            (StatusCode::CONFLICT, "still live", ": stop it first, then forget it")
        }
        Error::Command(CommandError::OwnName) => {
            (StatusCode::CONFLICT, "own name", ": name another member")
        }
        Error::Command(CommandError::TooLarge { .. }) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "too large", ": shorten it")
        }
        Error::Command(CommandError::Busy { .. }) => {
            (StatusCode::SERVICE_UNAVAILABLE, "busy", ": try again in a second")
        }
        Error::Command(CommandError::NameTaken) | Error::Failure(Failure::NameTaken) => {
            (StatusCode::CONFLICT, "name taken", "; rename one of the two")
        }
        Error::Command(_) => (StatusCode::CONFLICT, "refused by the node", ""),
        Error::BadSeed(_) | Error::NoAddresses | Error::TooManyAddresses { .. } => {
            (StatusCode::BAD_REQUEST, "bad request", "")
        }
        Error::TooManySeeds { .. } | Error::SeedRemoved => {
            (StatusCode::CONFLICT, "refused by the node", "")
        }
        Error::Stopped => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the node stopped",
            "; start it again, the control API outlived it",
        ),
        Error::NoneJoined { .. } | Error::NotResolved { .. } => (
            StatusCode::BAD_GATEWAY,
            "not joined",
            "; check the addresses, the label and the key, and that TCP gets through",
        ),
        Error::Failure(Failure::NobodyHeard) => (
            StatusCode::BAD_GATEWAY,
            "no peer acknowledged the leave",
            "; check that UDP and TCP get through to the peers",
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "no answer from the member",
            "; GET /v1/members/{name} has what is known of it",
        ),
    }
}
