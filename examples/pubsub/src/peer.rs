//! The state of a node towards a peer: the messages that it owes, and those that it has.

use std::net::SocketAddr;

use async_channel::{Receiver, Sender};
use swim_driver::Task;

use crate::life::Life;

/// One life of a peer, live or not.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) life: Life,
    /// The address at which it takes links.
    pub(crate) address: SocketAddr,
    /// When it was last seen to go, in the order of all peers; none while it is live.
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

/// The messages to a peer.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The first message that it is owed: taken when it was known already.
    pub(crate) owed: u64,
    /// It has all before this one.
    pub(crate) acked: u64,
    pub(crate) linked: bool,
    /// All is sent, and this node has taken its leave of the peer.
    pub(crate) done: bool,
    /// How many messages left the ring before they could be sent.
    pub(crate) dropped: u64,
    /// The messages before this one are counted in `dropped` already.
    pub(crate) counted: u64,
    /// How many links there were so far.
    pub(crate) links: u64,
    /// Rung when there is something to send.
    pub(crate) bell: Sender<()>,
    pub(crate) rung: Receiver<()>,
    /// Keeps the link; dropping it ends the link.
    pub(crate) task: Option<Task<()>>,
}

impl Outgoing {
    /// Wakes the link, if it waits.
    pub(crate) fn ring(&self) {
        // If it is full, the receiver looks anyway.
        let _ = self.bell.try_send(());
    }
}

/// The messages from a peer.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// The number of the next message; none before its first link.
    pub(crate) next: Option<u64>,
    /// The link that messages are taken from: the latest one.
    pub(crate) link: Option<u64>,
    /// It left, and all that it took is here.
    pub(crate) complete: bool,
    /// The subscribers know that messages may be missing, as it is gone.
    pub(crate) end_told: bool,
    /// How many messages never came.
    pub(crate) missed: u64,
    /// How many messages came.
    pub(crate) received: u64,
    /// How many messages came again, and were not taken.
    pub(crate) repeated: u64,
    /// How many numbers were refused, as no node can have reached them.
    pub(crate) refused: u64,
}
