//! The HTTP API for clients, peers and operators.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use example_http::{Body, BodyError, Handler, full, read_body};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::json;

use crate::frame::Position;
use crate::message::{Message, Target};
use crate::refusal::Refusal;
use crate::route::{Query, Route};
use crate::service::Shared;
use crate::streams::{listen, pass_on};

/// The largest event, as JSON.
const MESSAGE_MAX: usize = 64 << 10;

/// Longest time for the body of a request.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The page with the live stream.
const PAGE: &str = include_str!("page.html");

/// Answers requests.
#[derive(Debug)]
pub(crate) struct Api {
    shared: Arc<Shared>,
}

type Answer = Response<Body>;

impl Handler for Api {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _: SocketAddr) -> Answer {
        let mut answer = self.answer(request).await;
        if self.shared.settings.cors {
            let any = HeaderValue::from_static("*");
            answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
        }
        answer
    }
}

impl Api {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Api { shared: Arc::clone(shared) }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let query = Query::of(&request);
        let route = match Route::of(request.method(), request.uri().path()) {
            Ok(route) => route,
            Err(refusal) => return refusal.into(),
        };
        if route.needs_token() && !self.may(&request, &query) {
            let mut answer = refusal(
                StatusCode::UNAUTHORIZED,
                "this request needs the token: send it as \
                 'Authorization: Bearer TOKEN', or, from a browser's EventSource, as ?token=TOKEN",
            );
            let bearer = HeaderValue::from_static("Bearer");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
            return answer;
        }
        match route {
            Route::Listen { channel, client } => self.listen(&request, &query, &channel, client),
            Route::Publish(target) => self.publish(target, request).await,
            Route::Status => self.status(),
            Route::Health => self.health(),
            Route::Metrics => self.metrics(),
            Route::Page => typed("text/html; charset=utf-8", PAGE),
            Route::Peer => self.peer(&query),
            Route::Options => self.options(),
        }
    }

    /// Returns whether the request has the token, if one is needed. The comparison takes equally
    /// long for a wrong token.
    fn may(&self, request: &Request<Incoming>, query: &Query) -> bool {
        let Some(token) = &self.shared.settings.token else { return true };
        let given = request.headers().get(header::AUTHORIZATION);
        let given = given.and_then(|it| it.to_str().ok()).and_then(|it| it.strip_prefix("Bearer "));
        let given = given.map(str::to_owned).or_else(|| query.get("token"));
        given.is_some_and(|given| {
            given.len() == token.len()
                && given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
        })
    }

    fn listen(
        &self,
        request: &Request<Incoming>,
        query: &Query,
        channel: &str,
        client: Option<String>,
    ) -> Answer {
        let shared = &self.shared;
        if shared.broker().clients() >= shared.settings.clients_max {
            let max = shared.settings.clients_max;
            let mut answer = refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!("{max} clients listen here, which is the limit: use another node"),
            );
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            return answer;
        }
        let client =
            client.unwrap_or_else(|| format!("anonymous-{:016x}", shared.runtime.random()));
        let header = request.headers().get("last-event-id").and_then(|it| it.to_str().ok());
        let last = header.map(str::to_owned).or_else(|| query.get("lastEventId"));
        let stands = last.as_deref().and_then(Position::read);
        let Some(body) = listen(shared, channel, &client, stands) else {
            return refusal(
                StatusCode::CONFLICT,
                &format!("channel {channel:?} already has a client {client:?}"),
            );
        };
        let mut answer = Response::new(body);
        for (name, value) in [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            // Buffering proxies would delay events.
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ] {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }

    async fn publish(&self, target: Target, request: Request<Incoming>) -> Answer {
        let runtime = &self.shared.runtime;
        let body = read_body(runtime, request.into_body(), MESSAGE_MAX, BODY_TIME_MAX).await;
        let body = match body {
            Ok(body) => body,
            Err(error) => {
                let status = match error {
                    BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                    BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
                    _ => StatusCode::BAD_REQUEST,
                };
                return refusal(status, &error.to_string());
            }
        };
        let message: Message = match serde_json::from_slice(&body) {
            Ok(message) => message,
            Err(error) => {
                let why = format!("the body must be {{id, event, data, retry}} as JSON: {error}");
                return refusal(StatusCode::BAD_REQUEST, &why);
            }
        };
        if let Err(why) = message.check() {
            return refusal(StatusCode::BAD_REQUEST, &why);
        }
        let number = self.shared.broker().publish(target, message);
        let publisher = self.shared.cluster.local().name;
        json_answer(&json!({ "publisher": publisher.as_str(), "number": number }))
    }

    fn status(&self) -> Answer {
        let members = self.shared.cluster.members();
        let members: Vec<_> = members
            .iter()
            .map(|member| {
                json!({
                    "name": member.name.as_str(),
                    "address": member.address.to_string(),
                    "state": member.state.to_string(),
                })
            })
            .collect();
        let broker = self.shared.broker();
        let channels: serde_json::Map<_, _> = broker
            .channels()
            .map(|(name, ids)| (name.to_owned(), ids.collect::<Vec<_>>().into()))
            .collect();
        json_answer(&json!({ "members": members, "channels": channels }))
    }

    /// Answers whether clients should be sent here.
    fn health(&self) -> Answer {
        if let Some(why) = self.shared.stands(|standing| standing).complaint() {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        let awaited = self.shared.awaited();
        if awaited.is_empty() {
            return typed("text/plain", "ok\n");
        }
        let names: Vec<&str> = awaited.iter().map(|peer| peer.name.as_str()).collect();
        let why = format!("catching up with {}", names.join(", "));
        refusal(StatusCode::SERVICE_UNAVAILABLE, &why)
    }

    fn metrics(&self) -> Answer {
        let broker = self.shared.broker();
        let (_, published) = broker.own_position();
        let (channels, clients) = (broker.channels().count(), broker.clients());
        let (members, followed) = (self.shared.cluster.live_count(), broker.followed());
        let text = format!(
            "# HELP sse_published_total Events that clients of this node published.\n\
             # TYPE sse_published_total counter\n\
             sse_published_total {published}\n\
             # HELP sse_clients Clients that listen at this node.\n\
             # TYPE sse_clients gauge\n\
             sse_clients {clients}\n\
             # HELP sse_channels Channels that have a client at this node.\n\
             # TYPE sse_channels gauge\n\
             sse_channels {channels}\n\
             # HELP sse_members Live members of the cluster, this node included.\n\
             # TYPE sse_members gauge\n\
             sse_members {members}\n\
             # HELP sse_members_followed Members whose events reach this node, itself included.\n\
             # TYPE sse_members_followed gauge\n\
             sse_members_followed {followed}\n"
        );
        typed("text/plain; version=0.0.4", text)
    }

    fn peer(&self, query: &Query) -> Answer {
        let number = |name| query.get(name).and_then(|text| text.parse().ok());
        let (Some(life), Some(last), Some(challenge)) =
            (number("life"), number("last"), number("challenge"))
        else {
            return refusal(StatusCode::BAD_REQUEST, "life, last and challenge must be numbers");
        };
        Response::new(pass_on(&self.shared, (life, last), challenge))
    }

    fn options(&self) -> Answer {
        let mut answer = Response::new(full(""));
        *answer.status_mut() = StatusCode::NO_CONTENT;
        for (name, value) in [
            (header::ALLOW, "GET, POST, OPTIONS"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, last-event-id"),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            if name == header::ALLOW || self.shared.settings.cors {
                answer.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        answer
    }
}

fn refusal(status: StatusCode, why: &str) -> Answer {
    Refusal::new(status, why).into()
}

impl From<Refusal> for Answer {
    fn from(Refusal { status, why, methods }: Refusal) -> Self {
        let mut answer = typed("text/plain; charset=utf-8", format!("{why}\n"));
        *answer.status_mut() = status;
        if let Some(methods) = methods {
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        answer
    }
}

fn json_answer(value: &serde_json::Value) -> Answer {
    typed("application/json", format!("{value}\n"))
}

fn typed(content_type: &'static str, body: impl Into<swim_driver::Bytes>) -> Answer {
    let mut answer = Response::new(full(body));
    let content_type = HeaderValue::from_static(content_type);
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}
