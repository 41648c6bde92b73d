//! Links: packets as frames over connections that are kept, for networks without datagrams.
//!
//! A node dials whom it has something to send, and keeps the connection for the next packets: a
//! link. It only writes to links that it dialled and only reads from those that others did, so two
//! nodes that talk have two, and nobody gets a packet because of what a peer says about itself.
//!
//! What a link carries is, first, a [hello](hello) that names the dialler and its announced
//! address, and then [frames](frames). What waits for a link is bounded, and stale after the time
//! that a ping may take: pings and acks go first, and of news the oldest is dropped first.
//!
//! Synchronous, and without input or output of its own, like the driver that owns it.

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

/// How many failed dials in a row double the wait before the next one.
const DOUBLINGS_MAX: u32 = 3;

/// A link that nobody used for so long is closed. Longer than the minute or so in which the members
/// of a cluster of a hundred probe each other once; shorter than the five minutes after which
/// firewalls forget quiet connections.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest age that can be set: for ever, and short enough for any arithmetic.
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
    /// How many links are kept to others; twice as many are kept from others.
    links_max: usize,
    /// What waits longer than a ping may take is stale, and a link that takes nothing for so long
    /// is broken.
    stale_after: Duration,
    /// How old a link gets: with TLS, the certificates of both sides are checked anew then.
    age_max: Duration,
    /// The time to connect. A request that is lost is better made anew.
    dial_timeout: Duration,
}

impl Pace {
    /// The wait after so many failed dials in a row.
    fn backoff(&self, failures: u32) -> Duration {
        self.stale_after / 2 * 2u32.pow(failures.saturating_sub(1).min(DOUBLINGS_MAX))
    }
}

/// What became of bytes on a connection that a peer opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// It is an exchange, not a link, and these are the bytes that came so far.
    Exchange(Bytes),
    /// It may still be either.
    Unfinished,
    /// It is a link from now on: the core has to forget it.
    Link,
    /// It says that it is a link, and there is no place for it.
    Refused,
    /// It is a link of a node whose certificate has another name.
    WrongName,
    /// It is a link of a later version, or makes no sense.
    Malformed,
}

impl Links {
    /// Those of a node with these settings.
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

    /// Sends a packet, or has it wait for its link. `is_member` says whether a live member has this
    /// address: members go before strangers where places are short.
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

    /// A peer opened a connection, of which nobody knows yet what it is.
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

    /// The names that the peer on this connection may go by.
    pub(crate) fn certified(&mut self, id: StreamId, names: &[Name]) {
        self.incoming.certified(id, names);
    }

    /// The core has forgotten a connection.
    pub(crate) fn forget_undecided(&mut self, id: StreamId) {
        self.incoming.forget_undecided(id);
    }

    /// The first bytes on a connection that a peer opened. After [`Greeting::Link`] those behind
    /// the hello wait to be [handled](Links::handle), with or without further ones.
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
            // It gave up its earlier link; what this node has to it is likely to be as dead.
            self.outgoing.renew(now, peer, actions);
        }
        greeting
    }

    /// Takes news about a link; `deliver` is given each packet and where it comes from.
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

    /// How many packets came since the start.
    pub(crate) fn received(&self) -> usize {
        self.incoming.received()
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        self.outgoing.handle_timeout(now, actions);
        self.incoming.handle_timeout(now, actions);
    }

    /// When [`handle_timeout`](Links::handle_timeout) is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.outgoing.deadline(), self.incoming.deadline()].into_iter().flatten().min()
    }

    /// How many there are.
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
    /// Links that this node has to others, open or being dialled.
    pub outgoing: usize,
    /// Links that others have to this node.
    pub incoming: usize,
    /// Connections that others opened, and of which it is not known yet what they are: at most
    /// [`Config::streams_max`](crate::Config::streams_max).
    pub undecided: usize,
    /// How often a link was dialled since the start.
    pub dials: u64,
    /// Packets that were dropped since the start, because they waited too long for a link or too
    /// many did.
    pub packets_dropped: u64,
}
