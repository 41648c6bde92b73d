//! Limits on what clients may take of the process. Each comment says what breaks without it.

use std::time::Duration;

/// Connections to the control socket at one time; further ones are answered with 503.
///
/// Without a limit, clients use up the descriptors that the node needs for its own connections. 200
/// clients that follow events fit, and some commands beside them.
pub const CONNECTIONS_MAX: usize = 256;

/// Connections to the address of metrics at one time. Anybody who reaches the port can open them.
pub const METRICS_CONNECTIONS_MAX: usize = 64;

/// Of these, connections from one IP address, so that one host cannot keep all scrapers out.
pub const METRICS_CONNECTIONS_PER_ADDRESS_MAX: usize = 16;

/// Connections beyond the limit that are being answered with 503; those beyond these are closed.
///
/// Without it, refusals would take as many descriptors as they are to save.
pub const REFUSALS_MAX: usize = 32;

/// How long a refused client has to take its answer.
pub const REFUSAL_TIME_MAX: Duration = Duration::from_secs(1);

/// Bytes of a request line and its headers; more is answered with 431.
///
/// It bounds the memory of a connection. Filters are the longest part of any request.
pub const HEADER_SIZE_MAX: usize = 16 << 10;

/// Headers of a request; more is answered with 431. It bounds the work for one request.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a request body; more is answered with 413.
///
/// It bounds the memory of a connection. A join of 256 seeds with long names is the largest body.
pub const BODY_SIZE_MAX: usize = 128 << 10;

/// How long a request line and its headers may take, and how long a connection may be idle.
///
/// Without it, clients that send nothing hold every connection.
pub const HEADER_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a request body may take; then it is answered with 408. For the same reason.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a write may wait for the client to read; then the connection is closed.
///
/// Without it, clients that never read hold every connection, and a buffer each.
pub const WRITE_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes that are buffered for a connection in each direction.
pub const BUFFER_SIZE_MAX: usize = 64 << 10;

/// Requests on one connection; the last one is answered with `connection: close`.
///
/// It makes clients that poll for ever take turns with those that were refused.
pub const REQUESTS_PER_CONNECTION_MAX: usize = 1000;

/// How long the node may take to answer a request, unless
/// [`ServeOptions::request_time_max`](crate::ServeOptions::request_time_max) says otherwise.
///
/// A join tries each address for up to 10 s, and names are resolved before it.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// How often a stream of events without news sends a comment.
///
/// Clients and proxies notice a dead connection by its absence.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Events that are put into one piece of a stream, so that no stream keeps a thread for long.
pub(crate) const EVENTS_PER_PIECE_MAX: usize = 64;

/// Lists of members that are filtered and written at one time, each on a blocking thread. Without
/// it, clients that list 10,000 members take every core from the node.
pub(crate) const LISTINGS_MAX: usize = 1;

/// Bytes of a regular expression, and of what it is compiled to. They bound the time that one
/// member takes to a fraction of a millisecond.
pub(crate) const PATTERN_SIZE_MAX: usize = 256;
pub(crate) const PATTERN_COMPILED_SIZE_MAX: usize = 16 << 10;

/// Conditions of one filter. It bounds the same time.
pub(crate) const CONDITIONS_MAX: usize = 16;

/// How long metrics are served again, so that requests of strangers cost the node little.
pub(crate) const METRICS_AGE_MAX: Duration = Duration::from_millis(250);

/// How long the node may take to count; beyond it, it is not healthy.
pub(crate) const METRICS_TIME_MAX: Duration = Duration::from_secs(2);

/// Pings of one measurement of the round trip.
pub(crate) const PINGS_MAX: u64 = 20;

/// How long open connections may take to end.
pub(crate) const SHUTDOWN_TIME_MAX: Duration = Duration::from_millis(500);

/// How long to wait after a connection could not be accepted: descriptors have run out, and the
/// next call would fail as well.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
