//! Paths and queries of requests.

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use percent_encoding::percent_decode_str;

use crate::message::{NAME_MAX, Target};
use crate::refusal::Refusal;

/// The meaning of a request's method and path.
#[derive(Debug)]
pub(crate) enum Route {
    Listen { channel: String, client: Option<String> },
    Publish(Target),
    Status,
    Health,
    Metrics,
    Page,
    Peer,
    Options,
}

impl Route {
    /// Parses a method and path.
    pub(crate) fn of(method: &Method, path: &str) -> Result<Route, Refusal> {
        if method == Method::OPTIONS {
            return Ok(Route::Options);
        }
        let parts: Result<Vec<String>, _> =
            path.split('/').skip(1).map(|part| decoded(part).ok_or(())).collect();
        let Ok(parts) = parts else {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "the path is not UTF-8"));
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (gets, posts) = (method == Method::GET, method == Method::POST);
        match parts[..] {
            ["channel", channel] if gets => {
                Ok(Route::Listen { channel: name(channel)?, client: None })
            }
            ["channel", channel, "client", client] if gets => {
                Ok(Route::Listen { channel: name(channel)?, client: Some(name(client)?) })
            }
            ["channel"] if posts => Ok(Route::Publish(Target { channel: None, client: None })),
            ["channel", channel] if posts => {
                Ok(Route::Publish(Target { channel: Some(name(channel)?), client: None }))
            }
            ["channel", channel, "client", client] if posts => {
                let (channel, client) = (name(channel)?, name(client)?);
                Ok(Route::Publish(Target { channel: Some(channel), client: Some(client) }))
            }
            ["status"] if gets => Ok(Route::Status),
            ["healthz"] if gets => Ok(Route::Health),
            ["metrics"] if gets => Ok(Route::Metrics),
            ["peer"] if gets => Ok(Route::Peer),
            [""] if gets => Ok(Route::Page),
            ["channel" | "status" | "healthz" | "metrics" | "peer" | "", ..] => {
                Err(not_allowed(method))
            }
            _ => Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "use /channel/CHANNEL, /channel/CHANNEL/client/CLIENT, /status, /healthz, /metrics \
                 or /",
            )),
        }
    }

    /// Returns whether the request needs the token.
    pub(crate) fn needs_token(&self) -> bool {
        !matches!(self, Route::Health | Route::Metrics | Route::Page | Route::Options)
    }
}

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Query {
    text: String,
}

impl Query {
    pub(crate) fn of(request: &Request<Incoming>) -> Self {
        Query { text: request.uri().query().unwrap_or_default().to_owned() }
    }

    /// Returns the first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let mut pairs = self.text.split('&').filter_map(|pair| pair.split_once('='));
        decoded(pairs.find(|(key, _)| *key == name)?.1)
    }
}

/// Checks the name of a channel or client in a path.
fn name(text: &str) -> Result<String, Refusal> {
    let why = if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > NAME_MAX {
        format!("has {} bytes, the limit is {NAME_MAX}", text.len())
    } else if text.contains(|it: char| it.is_control()) {
        "contains control characters".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    let why = format!("the name of a channel or client {why}");
    Err(Refusal::new(StatusCode::BAD_REQUEST, why))
}

/// Refuses a method that the path does not allow.
fn not_allowed(method: &Method) -> Refusal {
    let why = format!("{method} is not allowed here: use GET to listen, POST to publish");
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why);
    Refusal { methods: Some("GET, POST, OPTIONS"), ..refusal }
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}
