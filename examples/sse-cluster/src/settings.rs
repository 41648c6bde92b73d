//! Settings of a node.

use std::net::SocketAddr;
use std::time::Duration;

use crate::flaw::Flaw;
use crate::log::Kept;

/// The settings of a node.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address for HTTP; port 0 takes a free one.
    pub http: SocketAddr,
    /// Whether browsers may use this node from pages of other sites.
    pub cors: bool,
    /// The token that clients must send to publish, to subscribe and to see the status, if set.
    pub token: Option<String>,
    /// The key that seals events between nodes, if set. It must be the same on all nodes.
    pub key: Option<[u8; 32]>,
    /// How long a node waits for another node to answer a request.
    pub client_timeout: Duration,
    /// Interval of heartbeats on an idle stream, which keep proxies from closing it.
    pub heartbeat: Duration,
    /// Whether the node has seeds to join through. If so, it is unhealthy until it has met another
    /// node.
    pub has_seeds: bool,
    /// Most clients at a time. Each holds a connection and its descriptor.
    pub clients_max: usize,
    /// How many events of each publisher are kept.
    pub kept: Kept,
    /// A bug that a test plants.
    #[doc(hidden)]
    pub flaw: Flaw,
}

impl Settings {
    /// Returns the defaults, with HTTP at this address: 1,024 clients, and the latest 1,024 events
    /// of each publisher, of at most 1 MiB.
    #[must_use]
    pub fn new(http: SocketAddr) -> Self {
        Settings {
            http,
            cors: false,
            token: None,
            key: None,
            client_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            has_seeds: false,
            clients_max: 1024,
            kept: Kept { events: 1024, bytes: 1 << 20 },
            flaw: Flaw::None,
        }
    }
}
