//! How a node is set up.

use std::net::SocketAddr;
use std::time::Duration;

use crate::flaw::Flaw;
use crate::log::Kept;

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it takes HTTP; port 0 takes a free one.
    pub http: SocketAddr,
    /// Whether browsers may use it from pages of other sites.
    pub cors: bool,
    /// Who publishes, subscribes or asks must say this, if it is set.
    pub token: Option<String>,
    /// Seals what nodes pass on to each other, if it is set: the same on all nodes.
    pub key: Option<[u8; 32]>,
    /// How long a node waits for another one to answer a request.
    pub client_timeout: Duration,
    /// A stream in which nothing happens says so this often, so that nothing between takes it for
    /// dead.
    pub heartbeat: Duration,
    /// Whether the node has seeds to join through. Then it is not healthy before it has met another
    /// node.
    pub has_seeds: bool,
    /// The most clients at one time: each holds a connection and its descriptor.
    pub clients_max: usize,
    /// What is kept of each publisher.
    pub kept: Kept,
    /// A bug that a test plants.
    #[doc(hidden)]
    pub flaw: Flaw,
}

impl Settings {
    /// The usual ones, with HTTP there: 1,024 clients, and of each publisher the latest 1,024
    /// events, of at most 1 MiB.
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
