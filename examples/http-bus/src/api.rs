//! The HTTP API of the service.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::{Value, json};
use swim_driver::Bytes;

use crate::bus::{Envelope, PAYLOAD_SIZE_MAX, Refusal, Taken};
use crate::reader::Reader;
use crate::shared::Shared;
use example_http::{Body, BodyError, Handler, full, read_body};

/// The path to which members hand on messages.
pub(crate) const HAND_ON: &str = "/hand-on";

/// The answer's field with the number of messages that the member now holds, counted from the
/// first.
pub(crate) const TAKEN: &str = "taken";

/// The content type of messages between members: for each a line of JSON, then the payload.
pub(crate) const ENVELOPE_TYPE: &str = "application/octet-stream";

const LINES: &str = "application/x-ndjson";

/// When a refused reader should try again.
const READER_PAUSE: Duration = Duration::from_secs(10);

/// Answers the requests of clients and members.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) shared: Arc<Shared>,
}

impl Handler for Api {
    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        from: SocketAddr,
    ) -> Response<Body> {
        let (path, method) = (request.uri().path(), request.method());
        match (path, method) {
            ("/publish", &Method::POST) => self.publish(request).await,
            (HAND_ON, &Method::POST) => self.take(request).await,
            ("/messages", &Method::GET) => self.read(request.uri(), from.ip()),
            ("/healthz", &Method::GET) => self.health(),
            ("/publish" | HAND_ON, _) => not_allowed("POST"),
            ("/messages" | "/healthz", _) => not_allowed("GET"),
            _ => failure(StatusCode::NOT_FOUND, "use /publish, /messages or /healthz"),
        }
    }
}

impl Api {
    async fn publish(&self, request: Request<Incoming>) -> Response<Body> {
        let payload = match self.body(request, PAYLOAD_SIZE_MAX).await {
            Ok(payload) => payload,
            Err(response) => return response,
        };
        if self.shared.is_stopping() {
            return later("this node is leaving: use another node", Duration::from_secs(1));
        }
        match self.shared.change(|bus, now| bus.publish(now, payload)) {
            Ok(id) => answer(StatusCode::ACCEPTED, &json!({ "id": id.to_string() })),
            Err(Refusal { retry_after }) => {
                later("this node is full: its limit on kept messages is reached", retry_after)
            }
        }
    }

    async fn take(&self, request: Request<Incoming>) -> Response<Body> {
        let body = match self.body(request, Envelope::BATCH_SIZE_MAX).await {
            Ok(body) => body,
            Err(response) => return response,
        };
        let envelopes = match Envelope::decode_batch(body) {
            Ok(envelopes) => envelopes,
            Err(why) => return failure(StatusCode::BAD_REQUEST, &why.to_string()),
        };
        let (mut taken, mut new) = (0, 0);
        let refusal = self.shared.change(|bus, now| {
            for envelope in envelopes {
                new += usize::from(bus.take(now, envelope)? == Taken::New);
                taken += 1;
            }
            Ok(())
        });
        let told = json!({ TAKEN: taken, "new": new });
        match refusal {
            Ok(()) if new > 0 => answer(StatusCode::ACCEPTED, &told),
            Ok(()) => answer(StatusCode::OK, &told),
            Err(Refusal { retry_after }) => full_until(retry_after, &told),
        }
    }

    fn read(&self, uri: &Uri, from: IpAddr) -> Response<Body> {
        let Some(since) = since(uri) else {
            return failure(StatusCode::BAD_REQUEST, "since must be the number of a message");
        };
        match Reader::new(Arc::clone(&self.shared), from, since) {
            Ok(reader) => respond(StatusCode::OK, LINES, reader.boxed_unsync()),
            Err(why) => later(&why, READER_PAUSE),
        }
    }

    fn health(&self) -> Response<Body> {
        let (shared, status) =
            (&self.shared, if self.shared.is_stopping() { "leaving" } else { "ok" });
        let health = shared.look(|bus| {
            json!({
                "status": status,
                "node": &*bus.own().name,
                "others": bus.others(),
                "kept": bus.kept(),
                "kept_bytes": bus.kept_bytes(),
                "last": bus.last(),
                "waiting": bus.waiting(),
            })
        });
        let readers = shared.readers();
        let Value::Object(mut health) = health else { unreachable!("it is an object") };
        health.insert("readers".to_owned(), readers.into());
        answer(StatusCode::OK, &health.into())
    }

    /// Returns the body of a request, or the error to answer with.
    async fn body(
        &self,
        request: Request<Incoming>,
        size_max: usize,
    ) -> Result<Bytes, Response<Body>> {
        let Shared { runtime, settings, .. } = &*self.shared;
        let body = read_body(runtime, request.into_body(), size_max, settings.body_time_max);
        body.await.map_err(|error| {
            let status = match error {
                BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
                _ => StatusCode::BAD_REQUEST,
            };
            // The rest of the body will not be read.
            with(failure(status, &error.to_string()), CONNECTION, "close")
        })
    }
}

/// Returns the number in `?since=N`, or 0 without a query. `None` for any other query.
fn since(uri: &Uri) -> Option<u64> {
    match uri.query() {
        None | Some("") => Some(0),
        Some(query) => query.strip_prefix("since=")?.parse().ok(),
    }
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    with(response, CONTENT_TYPE, kind)
}

fn answer(status: StatusCode, value: &Value) -> Response<Body> {
    respond(status, "application/json", full(format!("{value}\n")))
}

fn failure(status: StatusCode, why: &str) -> Response<Body> {
    answer(status, &json!({ "error": why }))
}

fn not_allowed(allowed: &'static str) -> Response<Body> {
    let response = failure(StatusCode::METHOD_NOT_ALLOWED, &format!("use {allowed}"));
    with(response, ALLOW, allowed)
}

fn later(why: &str, retry_after: Duration) -> Response<Body> {
    full_until(retry_after, &json!({ "error": why }))
}

/// Answers that there is no room for so long, in whole seconds and at least one.
fn full_until(retry_after: Duration, told: &Value) -> Response<Body> {
    let seconds = retry_after.as_secs() + 1;
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, told);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

fn with(mut response: Response<Body>, name: HeaderName, value: &'static str) -> Response<Body> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
