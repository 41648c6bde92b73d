//! How news comes to a node.

use core::fmt;
use core::net::SocketAddr;

/// How a piece of news came to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Via {
    /// From this node itself: its own probe or command.
    Own,
    /// In a datagram (gossip, or piggybacked on a probe) from this address.
    Packet {
        /// The node that passed it on.
        from: SocketAddr,
    },
    /// In a push/pull exchange with the node at this address.
    PushPull {
        /// The node that passed it on.
        from: SocketAddr,
    },
}

impl Via {
    /// The kind, the same in every release: `own`, `packet` or `push_pull`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Via::Own => "own",
            Via::Packet { .. } => "packet",
            Via::PushPull { .. } => "push_pull",
        }
    }

    /// The address of the node that passed the news on, if any.
    #[must_use]
    pub fn heard_from(&self) -> Option<SocketAddr> {
        match *self {
            Via::Own => None,
            Via::Packet { from } | Via::PushPull { from } => Some(from),
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Own => f.write_str("own observation"),
            Via::Packet { from } => write!(f, "gossip from {from}"),
            Via::PushPull { from } => write!(f, "push/pull with {from}"),
        }
    }
}
