//! A server with limits.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_lite::{AsyncWriteExt, future};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use smol_hyper::rt::FuturesIo;
use swim_driver::{Connection, Listener, RuntimeHandle, Task};

use super::body::Body;
use super::served_connection::ServedConnection;
use super::timer::RuntimeTimer;

/// Pause after a failed accept: the process is out of descriptors, so the next call would fail as
/// well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections beyond the limit that are answered with 503 at a time. Further ones are closed
/// without an answer.
const REFUSALS_MAX: usize = 32;

/// How long a refused client has to read its answer.
const REFUSAL_TIME_MAX: Duration = Duration::from_secs(1);

const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. The handler limits the time for the body and for its answer.
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        from: SocketAddr,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Limits on the time and memory that clients can cost a server.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Connections open at a time. Further ones are answered with 503 and closed, so that clients
    /// cannot exhaust the descriptors and memory of the process.
    pub connections_max: usize,
    /// Connections from one address, so that one client cannot keep all other clients out. Raise it
    /// behind a proxy.
    pub connections_per_address_max: usize,
    /// Bytes of a request line and its headers. A longer head is answered with 431.
    pub header_size_max: usize,
    /// Headers of a request. More are answered with 431.
    pub headers_max: usize,
    /// Longest time for a request line with its headers, and longest idle time of a connection.
    /// Then the connection is closed.
    pub header_time_max: Duration,
    /// Longest time that a write waits for the client to read. Then the connection is closed.
    pub write_time_max: Duration,
    /// Bytes buffered for a connection in each direction. At least 8192.
    pub buffer_size_max: usize,
}

impl Default for ServerLimits {
    /// 256 connections, 128 of them from one address; a head of 16 KiB and 64 headers within 10 s;
    /// 30 s for a write; buffers of 64 KiB.
    fn default() -> Self {
        ServerLimits {
            connections_max: 256,
            connections_per_address_max: 128,
            header_size_max: 16 << 10,
            headers_max: 64,
            header_time_max: Duration::from_secs(10),
            write_time_max: Duration::from_secs(30),
            buffer_size_max: 64 << 10,
        }
    }
}

/// Serves the connections of a listener, each in its own task, while the future is polled.
///
/// It never resolves.
///
/// # Cancel safety
///
/// Dropping the future closes the port and every connection.
pub async fn serve<H: Handler>(
    runtime: RuntimeHandle,
    mut listener: Listener,
    limits: ServerLimits,
    handler: Arc<H>,
) {
    // Holds one number per open connection, so it is never full.
    let (ended, mut ends) = async_channel::bounded(limits.connections_max + REFUSALS_MAX);
    let limits = Arc::new(limits);
    let mut open = Open(BTreeMap::new());
    for number in 0.. {
        let (connection, from) = accept(&runtime, &mut listener, &mut ends, &mut open).await;
        let is_served = open.has_room(&limits, from.ip());
        if !is_served && open.refused() == REFUSALS_MAX {
            continue;
        }
        let done = Done { number, ended: ended.clone() };
        let task = if is_served {
            let serving = Serving {
                runtime: runtime.clone(),
                limits: Arc::clone(&limits),
                handler: Arc::clone(&handler),
                from,
            };
            runtime.spawn(async move {
                let _done = done;
                serving.run(connection).await;
            })
        } else {
            let connection = ServedConnection::new(connection, runtime.clone(), REFUSAL_TIME_MAX);
            runtime.spawn(async move {
                let _done = done;
                refuse(connection).await;
            })
        };
        open.0.insert(number, OpenConnection { from: from.ip(), is_served, _task: task });
    }
}

/// The open connections.
struct Open(BTreeMap<u64, OpenConnection>);

struct OpenConnection {
    from: IpAddr,
    /// Served, and not refused with 503.
    is_served: bool,
    _task: Task<()>,
}

impl Open {
    /// Returns whether to serve another connection from this address. Refused connections do not
    /// count: otherwise a client could keep other clients out just by being refused.
    fn has_room(&self, limits: &ServerLimits, from: IpAddr) -> bool {
        let served = || self.0.values().filter(|open| open.is_served);
        let of_address = served().filter(|open| open.from == from).count();
        served().count() < limits.connections_max && of_address < limits.connections_per_address_max
    }

    fn refused(&self) -> usize {
        self.0.values().filter(|open| !open.is_served).count()
    }
}

/// Reports the end of a connection when dropped, also when its task panics.
struct Done {
    number: u64,
    ended: async_channel::Sender<u64>,
}

impl Drop for Done {
    fn drop(&mut self) {
        // The channel has room. This fails only once the server is gone.
        let _ = self.ended.try_send(self.number);
    }
}

/// Accepts the next connection. Meanwhile it removes ended connections from `open`.
async fn accept(
    runtime: &RuntimeHandle,
    listener: &mut Listener,
    ends: &mut async_channel::Receiver<u64>,
    open: &mut Open,
) -> (Connection, SocketAddr) {
    enum Next {
        Ended(u64),
        Accepted(std::io::Result<(Connection, SocketAddr)>),
    }
    loop {
        let end = async { ends.recv().await.map_or_else(|_| Next::Ended(u64::MAX), Next::Ended) };
        let accepted = async { Next::Accepted(listener.accept().await) };
        match future::or(end, accepted).await {
            Next::Ended(number) => {
                open.0.remove(&number);
            }
            Next::Accepted(Ok(accepted)) => return accepted,
            Next::Accepted(Err(_)) => runtime.sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn refuse(mut connection: ServedConnection) {
    // A client that does not read its answer is closed all the same.
    if connection.write_all(REFUSAL).await.is_ok() {
        let _ = connection.close().await;
    }
}

/// The parts that serve one connection.
struct Serving<H> {
    runtime: RuntimeHandle,
    limits: Arc<ServerLimits>,
    handler: Arc<H>,
    from: SocketAddr,
}

impl<H: Handler> Serving<H> {
    async fn run(self, connection: Connection) {
        let Serving { runtime, limits, handler, from } = self;
        let io = ServedConnection::new(connection, runtime.clone(), limits.write_time_max);
        let service = service_fn(move |request| {
            let handling = Arc::clone(&handler).handle(request, from);
            async move { Ok::<_, Infallible>(handling.await) }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(RuntimeTimer(runtime))
            .header_read_timeout(limits.header_time_max)
            .max_headers(limits.headers_max)
            .max_header_size(limits.header_size_max)
            .max_buf_size(limits.buffer_size_max)
            // The date is the system's time, and a simulated run must not depend on that.
            .auto_date_header(false);
        // A client that is gone, too slow or sends no HTTP only loses its connection.
        let _ = builder.serve_connection(FuturesIo::new(io), service).await;
    }
}
