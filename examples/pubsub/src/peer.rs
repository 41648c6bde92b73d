//! Progress with one peer: the messages sent to it, and those received from it.

use std::net::SocketAddr;

use async_channel::{Receiver, Sender};
use swim_driver::Task;

use crate::life::Life;

/// One life of a peer, live or not.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) life: Life,
    /// The address at which the peer accepts links.
    pub(crate) address: SocketAddr,
    /// Set while the peer is not live: a counter that orders peers by when they went.
    pub(crate) gone: Option<u64>,
    pub(crate) outgoing: Outgoing,
    pub(crate) incoming: Incoming,
}

impl Peer {
    /// A live peer that is owed the messages from `next` on.
    pub(crate) fn new(life: Life, address: SocketAddr, next: u64) -> Self {
        let (bell, rung) = async_channel::bounded(1);
        let outgoing = Outgoing {
            owed: next,
            acked: next,
            linked: false,
            done: false,
            dropped: 0,
            counted: next,
            links: 0,
            bell,
            rung,
            task: None,
        };
        Peer { life, address, gone: None, outgoing, incoming: Incoming::default() }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.gone.is_none()
    }
}

/// Messages sent to a peer.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The first message owed to the peer: the next one at the time when it was first seen.
    pub(crate) owed: u64,
    /// The peer has acknowledged every message before this one.
    pub(crate) acked: u64,
    pub(crate) linked: bool,
    /// This node leaves, and the peer has confirmed that it has everything.
    pub(crate) done: bool,
    /// How many messages left the ring before they could be sent.
    pub(crate) dropped: u64,
    /// Messages before this one are already counted in `dropped`.
    pub(crate) counted: u64,
    /// How many links there have been.
    pub(crate) links: u64,
    /// Wakes the link when there is something to send.
    pub(crate) bell: Sender<()>,
    pub(crate) rung: Receiver<()>,
    /// The task that keeps the link. Dropping it ends the link.
    pub(crate) task: Option<Task<()>>,
}

impl Outgoing {
    /// Wakes the link if it waits.
    pub(crate) fn ring(&self) {
        // If the channel is full, the link will wake anyway.
        let _ = self.bell.try_send(());
    }
}

/// Messages received from a peer.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// The number expected next; none before the first link.
    pub(crate) next: Option<u64>,
    /// The number of the latest link. Messages over earlier links are refused.
    pub(crate) link: Option<u64>,
    /// The peer left, and this node has everything that it took.
    pub(crate) complete: bool,
    /// Subscribers have been notified that the peer is gone and messages may be missing.
    pub(crate) end_told: bool,
    /// How many messages were reported missing.
    pub(crate) missed: u64,
    /// How many messages arrived.
    pub(crate) received: u64,
    /// How many messages arrived again, and were ignored.
    pub(crate) repeated: u64,
    /// How many numbers were refused because no node can have reached them.
    pub(crate) refused: u64,
}
