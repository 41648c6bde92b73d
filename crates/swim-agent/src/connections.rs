//! Connections that are being served, within limits.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::{Api, Door};
use crate::limited_io::LimitedIo;
use crate::limits::{
    ACCEPT_PAUSE, BUFFER_SIZE_MAX, HEADER_SIZE_MAX, HEADER_TIME_MAX, HEADERS_MAX,
    METRICS_CONNECTIONS_MAX, METRICS_CONNECTIONS_PER_ADDRESS_MAX, REFUSAL_TIME_MAX, REFUSALS_MAX,
    REQUESTS_PER_CONNECTION_MAX, SHUTDOWN_TIME_MAX, WRITE_TIME_MAX,
};
use crate::timer::TokioTimer;

const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-type: application/problem+json\r\ncontent-length: 114\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"busy\",\"status\":503,\
    \"detail\":\"too many connections are open: try again in a second\"}";

/// Accepts connections.
pub(crate) trait Accept: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// How its clients came in, and how many may be there.
    const DOOR: Door;
    /// How many connections may be open.
    const CONNECTIONS_MAX: usize;

    /// The next connection, and the address that it comes from.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Option<IpAddr>)>> + Send;
}

#[cfg(unix)]
impl Accept for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    const DOOR: Door = Door::Control;
    const CONNECTIONS_MAX: usize = crate::limits::CONNECTIONS_MAX;

    async fn accept(&self) -> io::Result<(Self::Stream, Option<IpAddr>)> {
        tokio::net::UnixListener::accept(self).await.map(|(stream, _)| (stream, None))
    }
}

impl Accept for TcpListener {
    type Stream = tokio::net::TcpStream;

    const DOOR: Door = Door::Public;
    const CONNECTIONS_MAX: usize = METRICS_CONNECTIONS_MAX;

    async fn accept(&self) -> io::Result<(Self::Stream, Option<IpAddr>)> {
        let (stream, from) = TcpListener::accept(self).await?;
        Ok((stream, Some(from.ip())))
    }
}

/// How many connections there are from each address.
type FromAddresses = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// Serves the connections of a listener until the server is to stop; then those that are open may
/// finish what they are at.
pub(crate) async fn serve<A: Accept>(
    listener: A,
    api: Arc<Api>,
    mut stopped: watch::Receiver<bool>,
) {
    let (mut served, mut refused) = (JoinSet::new(), JoinSet::new());
    let from_addresses = FromAddresses::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = served.join_next(), if !served.is_empty() => continue,
            Some(_) = refused.join_next(), if !refused.is_empty() => continue,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let place = match served.len() < A::CONNECTIONS_MAX {
            true => Place::take(&from_addresses, from),
            false => None,
        };
        match place {
            Some(place) => {
                let serving = connection(stream, A::DOOR, Arc::clone(&api), stopped.clone());
                served.spawn(async move {
                    let _place = place;
                    serving.await;
                });
            }
            None if refused.len() < REFUSALS_MAX => {
                refused.spawn(refuse(stream));
            }
            None => {}
        }
    }
    drop(listener);
    let all = async { while served.join_next().await.is_some() {} };
    // The rest is aborted.
    let _ = tokio::time::timeout(SHUTDOWN_TIME_MAX, all).await;
}

/// A place among the connections from one address. Dropping it frees it.
struct Place {
    from: Option<IpAddr>,
    from_addresses: FromAddresses,
}

impl Place {
    fn take(from_addresses: &FromAddresses, from: Option<IpAddr>) -> Option<Self> {
        let place = Place { from, from_addresses: Arc::clone(from_addresses) };
        let Some(address) = from else {
            return Some(place);
        };
        let mut counts = from_addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        *count += 1;
        let has_room = *count <= METRICS_CONNECTIONS_PER_ADDRESS_MAX;
        // Dropping the place takes the lock.
        drop(counts);
        has_room.then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.from else {
            return;
        };
        let mut counts = self.from_addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

async fn refuse(mut stream: impl AsyncWrite + Unpin) {
    let telling = async {
        // It is told, or it does not listen.
        if stream.write_all(REFUSAL).await.is_ok() {
            let _ = stream.shutdown().await;
        }
    };
    let _ = tokio::time::timeout(REFUSAL_TIME_MAX, telling).await;
}

/// Serves one connection to its end.
async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    door: Door,
    api: Arc<Api>,
    mut stopped: watch::Receiver<bool>,
) {
    let requests = AtomicUsize::new(0);
    let service = service_fn(|request: Request<Incoming>| {
        let is_last = requests.fetch_add(1, Ordering::Relaxed) + 1 >= REQUESTS_PER_CONNECTION_MAX;
        let answering = Arc::clone(&api).answer(door, request);
        async move {
            let mut response = answering.await;
            if is_last {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer)
        .header_read_timeout(HEADER_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEADER_SIZE_MAX)
        .max_buf_size(BUFFER_SIZE_MAX);
    let serving = builder.serve_connection(LimitedIo::new(stream, WRITE_TIME_MAX), service);
    let mut serving = std::pin::pin!(serving);
    // A client that is gone, slow or wrong: its connection is closed.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}
