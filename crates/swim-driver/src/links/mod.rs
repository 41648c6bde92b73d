//! Links: packets as frames over connections that are kept, for networks without datagrams.
//!
//! A node dials a peer when it has a packet for it, and keeps the connection for later packets: a
//! link. It writes only to links that it dialled, and reads only from links that peers dialled. So
//! two nodes that exchange packets have two links, and no node is sent packets because of what a
//! peer claims about itself.
//!
//! A link begins with a [hello](hello), which has the dialler's name and announced address. Then
//! come [frames](frames). The queue of a link is bounded, and packets are stale after the time that
//! a ping may take. Pings and acks go first; of news the oldest is dropped first.
//!
//! Synchronous and without I/O, like the driver that owns it.

mod frames;
mod hello;
mod incoming;
mod outgoing;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use swim_core::{Config, Instant, Name, PacketKind, StreamId};

use crate::action::{Action, StreamNews};
use hello::Hello;
use incoming::Incoming;
use outgoing::Outgoing;

/// How many times failed dials in a row double the wait.
const DOUBLINGS_MAX: u32 = 3;

/// An unused link is closed after this time. Members of a cluster of 100 probe each other once in
/// about a minute, which is shorter. Firewalls forget quiet connections after 5 min, which is
/// longer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest age that can be set: practically for ever, and safe for any arithmetic.
const AGE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// All links of a node.
#[derive(Debug)]
pub(crate) struct Links {
    outgoing: Outgoing,
    incoming: Incoming,
}

/// How links behave, from the settings of the node.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// The most outgoing links. The most incoming links are twice that.
    links_max: usize,
    /// The time that a ping may take. Packets that wait longer are stale; a link that takes nothing
    /// for so long is broken.
    stale_after: Duration,
    /// The age at which a link is replaced. With TLS this checks the certificates again.
    age_max: Duration,
    /// The time to connect. A lost connection request is better sent anew.
    dial_timeout: Duration,
}

impl Pace {
    /// The wait after this many failed dials in a row.
    fn backoff(&self, failures: u32) -> Duration {
        self.stale_after / 2 * 2u32.pow(failures.saturating_sub(1).min(DOUBLINGS_MAX))
    }
}

/// How the first bytes on an accepted connection were classified.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// An exchange, not a link. Has the bytes that came so far.
    Exchange(Bytes),
    /// It may still be either.
    Unfinished,
    /// A link from now on: the core must forget the connection.
    Link,
    /// A link, but there is no place for it.
    Refused,
    /// A link of a node whose certificate has another name.
    WrongName,
    /// A link of a later version, or nonsense.
    Malformed,
}

impl Links {
    /// The links of a node with these settings.
    pub(crate) fn new(config: &Config, links_max: usize, age_max: Duration) -> Self {
        let pace = Pace {
            links_max: links_max.max(1),
            age_max: age_max.min(AGE_MAX),
            stale_after: config.probe_timeout,
            dial_timeout: config.probe_interval,
        };
        let hello = Hello { name: config.name.clone(), announced: config.address };
        Links { outgoing: Outgoing::new(pace, &hello), incoming: Incoming::new(pace) }
    }

    /// Sends a packet, or queues it for its link. `is_member` tells whether an address belongs to a
    /// live member: members go before strangers when places are short.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        to: SocketAddr,
        packet: (PacketKind, Bytes),
        is_member: impl Fn(IpAddr) -> bool,
        actions: &mut VecDeque<Action>,
    ) {
        self.outgoing.send(now, to, packet, is_member, actions);
    }

    /// A peer opened a connection, whose purpose is not known yet.
    pub(crate) fn accepted(&mut self, id: StreamId, from: SocketAddr) {
        self.incoming.accepted(id, from.ip());
    }

    /// Whether news about this connection is for [`handle`](Links::handle).
    pub(crate) fn owns(&self, id: StreamId) -> bool {
        self.outgoing.owns(id) || self.incoming.owns(id)
    }

    /// Whether bytes on this connection are for [`greet`](Links::greet).
    pub(crate) fn is_undecided(&self, id: StreamId) -> bool {
        self.incoming.is_undecided(id)
    }

    /// The names that the peer's certificate on this connection allows.
    pub(crate) fn certified(&mut self, id: StreamId, names: &[Name]) {
        self.incoming.certified(id, names);
    }

    /// The core has forgotten a connection.
    pub(crate) fn forget_undecided(&mut self, id: StreamId) {
        self.incoming.forget_undecided(id);
    }

    /// Classifies the first bytes on an accepted connection. After [`Greeting::Link`], bytes behind
    /// the hello wait for [`handle`](Links::handle), which may be called without further bytes.
    pub(crate) fn greet(
        &mut self,
        now: Instant,
        id: StreamId,
        bytes: &[u8],
        is_member: impl Fn(IpAddr) -> bool,
        actions: &mut VecDeque<Action>,
    ) -> Greeting {
        let (greeting, reconnected) = self.incoming.greet(now, id, bytes, is_member, actions);
        if let Some(peer) = reconnected {
            // The peer gave up its earlier link; ours to it is probably dead too.
            self.outgoing.renew(now, peer, actions);
        }
        greeting
    }

    /// Handles news about a link. `deliver` is given each packet and its source.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        id: StreamId,
        news: StreamNews<'_>,
        actions: &mut VecDeque<Action>,
        mut deliver: impl FnMut(SocketAddr, &[u8]),
    ) {
        if self.outgoing.owns(id) {
            return self.outgoing.handle(now, id, news, actions);
        }
        match news {
            StreamNews::Data(bytes) => {
                let Links { outgoing, incoming } = self;
                incoming.read(now, id, bytes, actions, |from, packet| {
                    outgoing.heard(from);
                    deliver(from, packet);
                });
            }
            StreamNews::Finished => self.incoming.finished(id, actions),
            StreamNews::Failed(_) => self.incoming.failed(id),
            StreamNews::Opened | StreamNews::Written | StreamNews::Certified(_) => {}
        }
    }

    /// How many packets arrived since the start.
    pub(crate) fn received(&self) -> usize {
        self.incoming.received()
    }

    /// Does everything that is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        self.outgoing.handle_timeout(now, actions);
        self.incoming.handle_timeout(now, actions);
    }

    /// When [`handle_timeout`](Links::handle_timeout) is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.outgoing.deadline(), self.incoming.deadline()].into_iter().flatten().min()
    }

    /// The current counts.
    pub(crate) fn counts(&self) -> LinkCounts {
        LinkCounts {
            outgoing: self.outgoing.len(),
            incoming: self.incoming.len(),
            undecided: self.incoming.undecided(),
            dials: self.outgoing.dials(),
            packets_dropped: self.outgoing.packets_dropped(),
        }
    }
}

/// The links of a node without datagrams, see [`Carrier::Streams`](crate::Carrier::Streams).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkCounts {
    /// Links to peers, open or being dialled.
    pub outgoing: usize,
    /// Links from peers.
    pub incoming: usize,
    /// Accepted connections of unknown purpose.
    ///
    /// At most [`Config::streams_max`](crate::Config::streams_max).
    pub undecided: usize,
    /// Dials of links since the start.
    pub dials: u64,
    /// Packets dropped since the start, because they or too many others waited for a link.
    pub packets_dropped: u64,
}
