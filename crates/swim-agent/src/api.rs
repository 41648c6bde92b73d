//! Answers requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use swim_tokio::Cluster;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::body::Body;
use crate::events::EventStream;
use crate::filter::EventFilter;
use crate::limits::{BODY_SIZE_MAX, BODY_TIME_MAX, LISTINGS_MAX};
use crate::metrics::{Form, Metrics};
use crate::node;
use crate::problem::Problem;
use crate::query::parameters;
use crate::routes::Route;

/// How a client came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Over the control socket: a user whom the file system lets in.
    Control,
    /// At the address of metrics: anybody.
    Public,
}

/// Everything that it takes to answer.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) cluster: Cluster,
    pub(crate) about: BTreeMap<String, String>,
    request_time_max: Duration,
    /// Lists of members that may be written now.
    pub(crate) listings: Semaphore,
    /// Held while tags are read, changed and announced.
    pub(crate) tags: Mutex<()>,
    pub(crate) metrics: Metrics,
    /// Whether a client made the node leave.
    pub(crate) left: watch::Sender<bool>,
    /// Whether the server ends.
    pub(crate) stopped: watch::Receiver<bool>,
}

impl Api {
    pub(crate) fn new(
        cluster: Cluster,
        about: BTreeMap<String, String>,
        request_time_max: Duration,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Api {
            metrics: Metrics::new(cluster.clone()),
            cluster,
            about,
            request_time_max,
            listings: Semaphore::new(LISTINGS_MAX),
            tags: Mutex::new(()),
            left: watch::Sender::new(false),
            stopped,
        }
    }

    /// Answers a request. Never fails: an error is an answer, too.
    pub(crate) async fn answer(
        self: Arc<Self>,
        door: Door,
        request: Request<Incoming>,
    ) -> Response<Body> {
        match self.ask(door, request).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        }
    }

    async fn ask(&self, door: Door, request: Request<Incoming>) -> Result<Response<Body>, Problem> {
        let (parts, body) = request.into_parts();
        check_source(door, &parts)?;
        let is_known = |route: Route| door == Door::Control || route.is_public();
        let (route, name) = Route::find(&parts.method, parts.uri.path(), is_known)?;
        let parameters = parameters(parts.uri.query().unwrap_or_default())?;
        let body = match route.has_body() {
            true => self.whole(body).await?,
            false => Bytes::new(),
        };
        let answer = async {
            match route {
                Route::Members => node::members(self, &parameters).await.map(json_bytes),
                Route::Member => node::member(self, &name).map(json),
                Route::Info => node::info(self).await.map(json),
                Route::Join => node::join(self, &parsed(&body)?).await.map(json),
                Route::Leave => node::leave(self, &parsed(&body)?).await.map(json),
                Route::Tags => Ok(json(node::tags(self))),
                Route::SetTags => node::set_tags(self, &parsed(&body)?).await.map(json),
                Route::Ping => node::ping(self, &name).await.map(json),
                Route::Rtt => node::rtt(self, &name, &parameters).await.map(json),
                Route::Stats => node::stats(self).await.map(json),
                Route::Forget => node::forget(self, &name).await.map(json),
                Route::Events => {
                    let filter = EventFilter::parse(&parameters)?;
                    let events = EventStream::new(&self.cluster, filter, self.stopped.clone());
                    Ok(typed("text/event-stream", Body::Events(Box::new(events))))
                }
                Route::Metrics => {
                    let form = Form::accepted(&parts.headers);
                    let text = self.metrics.text(form).await?;
                    Ok(typed(form.content_type(), Body::Whole(text.into())))
                }
                Route::Healthz => self.metrics.healthy().await.map(|()| plain("healthy\n")),
                Route::Readyz => self.metrics.ready().await.map(|()| plain("ready\n")),
            }
        };
        if route.is_public() {
            // It has a time limit of its own, with another status.
            return answer.await;
        }
        let answer = tokio::time::timeout(self.request_time_max, answer).await;
        answer.unwrap_or_else(|_| Err(Problem::late()))
    }

    /// The body of a request, within its limits.
    async fn whole(&self, body: Incoming) -> Result<Bytes, Problem> {
        let too_large = || {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too large",
                format!("a body has at most {BODY_SIZE_MAX} bytes: send less at once"),
            )
        };
        // Before any of it is read: the client may wait for the answer before it sends more.
        if body.size_hint().lower() > BODY_SIZE_MAX as u64 {
            return Err(too_large());
        }
        let time = BODY_TIME_MAX.min(self.request_time_max);
        let whole = Limited::new(body, BODY_SIZE_MAX).collect();
        match tokio::time::timeout(time, whole).await {
            Ok(Ok(whole)) => Ok(whole.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(Problem::bad_request("the body broke off or is malformed")),
            Err(_) => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "body too slow",
                format!("the body did not arrive within {} ms", time.as_millis()),
            )),
        }
    }
}

/// Refuses requests that a browser sends for a page, and those for another host.
///
/// No page reaches the socket by itself. A proxy in front of it might let one through, under a name
/// that its author chose (DNS rebinding): so the control API answers to `localhost` alone. Scrapers
/// go by any name, and what they can read is no secret among those that reach the port.
fn check_source(door: Door, request: &Parts) -> Result<(), Problem> {
    let refused = |detail: &str| Problem::new(StatusCode::FORBIDDEN, "refused", detail);
    if request.headers.contains_key(ORIGIN) {
        return Err(refused("requests of web pages (with an Origin header) are not answered"));
    }
    if door == Door::Public {
        return Ok(());
    }
    let mut hosts = request.headers.get_all(HOST).iter();
    let host = hosts.next().map_or(Some(""), |host| host.to_str().ok());
    let uri_host = request.uri.authority().map(|authority| authority.as_str());
    let is_local = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name.is_empty() || name.eq_ignore_ascii_case("localhost")
    };
    if hosts.next().is_none() && host.is_some_and(is_local) && uri_host.is_none_or(is_local) {
        return Ok(());
    }
    Err(refused(
        "the header Host must be localhost: curl --unix-socket PATH http://localhost/v1/info",
    ))
}

/// The JSON object in a body. An empty body is an empty object.
fn parsed(body: &[u8]) -> Result<Value, Problem> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(Problem::bad_request("the body must be a JSON object")),
    }
}

fn json(value: Value) -> Response<Body> {
    json_bytes(value.to_string().into())
}

fn json_bytes(json: Bytes) -> Response<Body> {
    typed("application/json", Body::Whole(json))
}

fn plain(text: &'static str) -> Response<Body> {
    typed("text/plain; charset=utf-8", Body::Whole(Bytes::from_static(text.as_bytes())))
}

fn typed(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // The next answer is another one.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
