//! Asks the control API of a node on this machine.
//!
//! [`find`] finds the socket, [`Client`] asks it, and [`EventReader`] follows events.
//!
//! ```
//! use swim_agent::client::{Client, find, target};
//!
//! async fn failed() -> Result<serde_json::Value, Box<dyn std::error::Error>> {
//!     let client = Client::new(find(None)?);
//!     Ok(client.get(&target(&["v1", "members"], &[("state", "failed")])).await?)
//! }
//! ```

mod error;
mod events;
mod find;

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::AbortHandle;

use crate::limited_io::LimitedIo;
use crate::limits::WRITE_TIME_MAX;
use crate::query::encoded;

pub use error::ClientError;
pub use events::EventReader;
pub use find::{FindError, find};

/// How long an answer may take: longer than the server lets the node take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Bytes of an answer: 10,000 members with metadata of 512 bytes each fit ten times.
const ANSWER_SIZE_MAX: usize = 64 << 20;

/// A path with a query, as in `/v1/members?state=failed`. Parts and values may have any characters.
///
/// ```
/// let target = swim_agent::client::target(&["v1", "ping", "a/b"], &[("count", "3")]);
/// assert_eq!(target, "/v1/ping/a%2Fb?count=3");
/// ```
#[must_use]
pub fn target(parts: &[&str], query: &[(&str, &str)]) -> String {
    let mut target: String = parts.iter().map(|part| format!("/{}", encoded(part))).collect();
    for (at, (key, value)) in query.iter().enumerate() {
        let separator = if at == 0 { '?' } else { '&' };
        target.push_str(&format!("{separator}{}={}", encoded(key), encoded(value)));
    }
    target
}

/// Asks one control socket. Each request has a connection of its own.
///
/// ```
/// # use swim_agent::client::{Client, ClientError, target};
/// async fn measure(client: &Client, name: &str) -> Result<(), ClientError> {
///     let answer = client.get(&target(&["v1", "rtt", name], &[])).await?;
///     println!("{name} answers within {} ms", answer["median_ms"]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client of this socket. Nothing is asked yet.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Client { socket: socket.into() }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks for something.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with the server's reason, or why there is no answer.
    pub async fn get(&self, target: &str) -> Result<Value, ClientError> {
        self.ask(Method::GET, target, None).await
    }

    /// Has something done.
    ///
    /// # Errors
    ///
    /// As for [`get`](Client::get). Without an answer it may have been done or not.
    pub async fn post(&self, target: &str, body: &Value) -> Result<Value, ClientError> {
        self.ask(Method::POST, target, Some(body)).await
    }

    /// Sets something.
    ///
    /// # Errors
    ///
    /// As for [`post`](Client::post).
    pub async fn put(&self, target: &str, body: &Value) -> Result<Value, ClientError> {
        self.ask(Method::PUT, target, Some(body)).await
    }

    /// Asks for a text, such as `/metrics`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Client::get).
    pub async fn text(&self, target: &str) -> Result<String, ClientError> {
        let bytes = self.whole(Method::GET, target, None).await?;
        String::from_utf8(bytes.into()).map_err(|_| self.bad_answer("it is not UTF-8"))
    }

    /// Follows events. `query` has the filters, as for [`target`].
    ///
    /// # Errors
    ///
    /// As for [`get`](Client::get).
    pub async fn events(&self, query: &[(&str, &str)]) -> Result<EventReader, ClientError> {
        let target = target(&["v1", "events"], query);
        let asked = self.send(Method::GET, &target, None);
        let (response, connection) = self.in_time(asked).await?;
        if response.status().is_success() {
            return Ok(EventReader::new(self.socket.clone(), response.into_body(), connection));
        }
        self.in_time(self.collect(response)).await?;
        Err(self.bad_answer("there are no events in it"))
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let bytes = self.whole(method, target, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.bad_answer(&error.to_string()))
    }

    async fn whole(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, ClientError> {
        self.in_time(async {
            let (response, _connection) = self.send(method, target, body).await?;
            self.collect(response).await
        })
        .await
    }

    async fn in_time<T>(
        &self,
        asking: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let late = || ClientError::Late { socket: self.socket.clone(), after: ANSWER_TIME_MAX };
        tokio::time::timeout(ANSWER_TIME_MAX, asking).await.unwrap_or_else(|_| Err(late()))
    }

    /// Sends a request. The connection ends with the second value.
    async fn send(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let broken = |error: hyper::Error| self.bad_answer(&error.to_string());
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| ClientError::of_connect(&self.socket, error))?;
        let stream = LimitedIo::new(stream, WRITE_TIME_MAX);
        let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
        let running = tokio::spawn(async move {
            // Its error is that of the request.
            let _ = connection.await;
        });
        let running = Connection(running.abort_handle());
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, "localhost")
            .header(ACCEPT, "*/*")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| ClientError::BadTarget {
                target: target.into(),
                reason: error.to_string(),
            })?;
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok((response, running))
    }

    /// The whole body of an answer; an error of the server is an error.
    async fn collect(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let status = response.status();
        let whole = Limited::new(response.into_body(), ANSWER_SIZE_MAX).collect().await;
        let bytes = whole.map_err(|error| self.bad_answer(&error.to_string()))?.to_bytes();
        if status.is_success() {
            return Ok(bytes);
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = |key: &str| problem[key].as_str().unwrap_or("no reason is given").to_string();
        let (title, detail) = (text("title"), text("detail"));
        Err(ClientError::Refused { status: status.as_u16(), title, detail })
    }

    fn bad_answer(&self, reason: &str) -> ClientError {
        ClientError::BadAnswer { socket: self.socket.clone(), reason: reason.into() }
    }
}

/// The task of a connection; dropping it ends the connection.
#[derive(Debug)]
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}
