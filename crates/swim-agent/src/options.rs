//! The places at which the control API is served.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::limits::REQUEST_TIME_MAX;

/// The socket and the address at which a node's control API is served.
///
/// ```
/// # use swim_agent::ServeOptions;
/// let mut options = ServeOptions::new();
/// options.socket = Some("/run/cache/swim.sock".into());
/// options.metrics_listen = Some("0.0.0.0:9107".parse()?);
/// options.about.insert("program".into(), "cache 2.1".into());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// The Unix socket of the whole API; `None` for none. Refused where there are no Unix sockets.
    ///
    /// Its directory is made if it is missing, and must let in nobody but this process' user and
    /// the [`group`](ServeOptions::group).
    pub socket: Option<PathBuf>,
    /// A group whose users may use the socket, too: its name in `/etc/group`, or its number.
    pub group: Option<String>,
    /// An address for `/metrics`, `/healthz` and `/readyz` alone, over TCP. Anybody who reaches it
    /// may read them. Port 0 takes a free one: see
    /// [`Served::metrics_address`](crate::Served::metrics_address).
    pub metrics_listen: Option<SocketAddr>,
    /// Texts for `/v1/info`, such as the program and its version.
    pub about: BTreeMap<String, String>,
    /// How long the node may take to answer a request; 30 s by default.
    pub request_time_max: Duration,
}

impl ServeOptions {
    /// Serves nothing yet.
    #[must_use]
    pub fn new() -> Self {
        ServeOptions {
            socket: None,
            group: None,
            metrics_listen: None,
            about: BTreeMap::new(),
            request_time_max: REQUEST_TIME_MAX,
        }
    }
}

impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions::new()
    }
}
