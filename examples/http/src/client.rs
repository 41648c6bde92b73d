//! A client with a persistent connection to one server.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use smol_hyper::rt::FuturesIo;
use swim_driver::{Bytes, Elapsed, RuntimeHandle, Task};

use super::body::{BodyError, read_body};

/// Limits on the time and memory that a server can cost a client.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// Longest time for a request, from connecting to the end of the answer.
    pub time_max: Duration,
    /// Largest body of an answer, in bytes. A larger one is an error.
    pub reply_size_max: usize,
    /// Bytes buffered in each direction, including the headers of the answer. At least 8192.
    pub buffer_size_max: usize,
}

impl Default for ClientLimits {
    /// 3 s, 4 KiB, buffers of 64 KiB.
    fn default() -> Self {
        ClientLimits {
            time_max: Duration::from_secs(3),
            reply_size_max: 4 << 10,
            buffer_size_max: 64 << 10,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The server cannot be reached.
    Connect(std::io::Error),
    /// The connection broke, or the server sent something other than HTTP.
    Http(hyper::Error),
    /// The body of the answer is too large or broken.
    Body(BodyError),
    /// The answer did not arrive within the limit.
    TimedOut,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Connect(error) => write!(f, "cannot connect: {error}"),
            ClientError::Http(error) => write!(f, "the request failed: {error}"),
            ClientError::Body(error) => write!(f, "the answer cannot be read: {error}"),
            ClientError::TimedOut => f.write_str("there was no answer in time"),
        }
    }
}

impl std::error::Error for ClientError {}

/// Sends requests to one server, one at a time.
///
/// It connects when needed, and keeps the connection: later requests take one round trip, not two.
///
/// If the kept connection turns out to be closed, the request is sent again over a new one. The
/// server may therefore receive a request twice: send only requests that may be repeated.
#[derive(Debug)]
pub struct Client {
    runtime: RuntimeHandle,
    server: SocketAddr,
    limits: ClientLimits,
    link: Option<Link>,
}

#[derive(Debug)]
struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// Copies bytes between hyper and the connection. Dropping it closes the connection.
    _moving: Task<()>,
}

impl Client {
    /// Makes a client of this server. It connects with its first request.
    #[must_use]
    pub fn new(runtime: RuntimeHandle, server: SocketAddr, limits: ClientLimits) -> Self {
        Client { runtime, server, limits, link: None }
    }

    /// Posts a body to a path, and returns the answer of any status.
    ///
    /// # Errors
    ///
    /// [`ClientError`]. The server may still have received the request. The connection is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection. The server may still have received the request.
    pub async fn post(
        &mut self,
        path: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Reply, ClientError> {
        let request = || {
            let request = Request::post(path)
                .header(HOST, self.server.to_string())
                .header(CONTENT_TYPE, content_type);
            request.body(Full::new(body.clone())).map_err(|error| {
                ClientError::Connect(std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
            })
        };
        let (first, again) = (request()?, request()?);
        let (runtime, link) = (self.runtime.clone(), self.link.take());
        let sending = self.send(link, first, again);
        match runtime.timeout(self.limits.time_max, sending).await {
            Ok(Ok((reply, link))) => {
                self.link = Some(link);
                Ok(reply)
            }
            Ok(Err(error)) => Err(error),
            Err(Elapsed) => Err(ClientError::TimedOut),
        }
    }

    /// Sends a request over the kept connection if there is one, else over a new one.
    async fn send(
        &self,
        kept: Option<Link>,
        first: Request<Full<Bytes>>,
        again: Request<Full<Bytes>>,
    ) -> Result<(Reply, Link), ClientError> {
        if let Some(link) = kept.filter(|link| !link.sender.is_closed())
            && let Ok(done) = self.send_over(link, first).await
        {
            return Ok(done);
        }
        let link = self.connect().await?;
        self.send_over(link, again).await
    }

    async fn connect(&self) -> Result<Link, ClientError> {
        let connection = self.runtime.connect(self.server).await.map_err(ClientError::Connect)?;
        let (sender, moving) = http1::Builder::new()
            .max_buf_size(self.limits.buffer_size_max)
            .handshake(FuturesIo::new(connection))
            .await
            .map_err(ClientError::Http)?;
        let moving = self.runtime.spawn(async move {
            // The request in progress fails with the same error.
            let _ = moving.await;
        });
        Ok(Link { sender, _moving: moving })
    }

    async fn send_over(
        &self,
        mut link: Link,
        request: Request<Full<Bytes>>,
    ) -> Result<(Reply, Link), ClientError> {
        link.sender.ready().await.map_err(ClientError::Http)?;
        let response = link.sender.send_request(request).await.map_err(ClientError::Http)?;
        let (head, body) = response.into_parts();
        let ClientLimits { reply_size_max, time_max, .. } = self.limits;
        let body = read_body(&self.runtime, body, reply_size_max, time_max).await;
        Ok((Reply { status: head.status, body: body.map_err(ClientError::Body)? }, link))
    }
}
