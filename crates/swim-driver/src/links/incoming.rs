//! Links that peers dialled, from which packets come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use swim_core::{Deadlines, Instant, Name, StreamId};

use super::frames::Reader;
use super::hello::{Beginning, Hello};
use super::{Greeting, IDLE_TIMEOUT, Pace};
use crate::action::Action;

/// The most bytes that wait for the rest of their frames, on all links together. A well-behaved
/// peer now and then has the end of one packet outstanding.
const PARTIAL_MAX: usize = 1 << 20;

/// Accepted connections of unknown purpose, and links from peers.
///
/// There are twice as many places as outgoing links, because every peer decides by itself to whom
/// it keeps a link. When all are taken, a new link ends the least recently used one, preferably one
/// from an address without a live member. A stranger takes no place from a member.
#[derive(Debug)]
pub(super) struct Incoming {
    places: usize,
    /// The dialler has replaced a link by this age.
    age_max: Duration,
    /// As many as the core accepts streams.
    undecided: BTreeMap<StreamId, Undecided>,
    links: BTreeMap<StreamId, Link>,
    /// One for each node: by its announced address and the address it dials from.
    by_peer: BTreeMap<(SocketAddr, IpAddr), StreamId>,
    /// The least recently used first.
    recency: BTreeSet<(u64, StreamId)>,
    uses: u64,
    held: usize,
    /// Packets since the start.
    received: usize,
    idle: Deadlines<StreamId>,
}

#[derive(Debug)]
struct Undecided {
    from: IpAddr,
    bytes: Vec<u8>,
    /// The names that the peer's certificate allows; `None` allows any.
    names: Option<Vec<Name>>,
}

#[derive(Debug)]
struct Link {
    from: IpAddr,
    announced: SocketAddr,
    reader: Reader,
    used: u64,
    used_at: Instant,
    opened_at: Instant,
    /// When to check whether it is idle or too old.
    idle_at: Instant,
}

impl Incoming {
    pub(super) fn new(pace: Pace) -> Self {
        Incoming {
            places: pace.links_max * 2,
            // A little later than the dialler, which knows where frames end.
            age_max: pace.age_max + IDLE_TIMEOUT,
            undecided: BTreeMap::new(),
            links: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            recency: BTreeSet::new(),
            uses: 0,
            held: 0,
            received: 0,
            idle: Deadlines::default(),
        }
    }

    pub(super) fn accepted(&mut self, id: StreamId, from: IpAddr) {
        self.undecided.insert(id, Undecided { from, bytes: Vec::new(), names: None });
    }

    pub(super) fn certified(&mut self, id: StreamId, names: &[Name]) {
        if let Some(undecided) = self.undecided.get_mut(&id) {
            undecided.names = Some(names.to_vec());
        }
    }

    pub(super) fn is_undecided(&self, id: StreamId) -> bool {
        self.undecided.contains_key(&id)
    }

    pub(super) fn forget_undecided(&mut self, id: StreamId) {
        self.undecided.remove(&id);
    }

    pub(super) fn undecided(&self) -> usize {
        self.undecided.len()
    }

    pub(super) fn owns(&self, id: StreamId) -> bool {
        self.links.contains_key(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    pub(super) fn received(&self) -> usize {
        self.received
    }

    /// Classifies the first bytes of a connection. Also returns the address of a node that gave up
    /// its earlier link as broken. `is_member` tells whether an address belongs to a live member.
    pub(super) fn greet(
        &mut self,
        now: Instant,
        id: StreamId,
        bytes: &[u8],
        is_member: impl Fn(IpAddr) -> bool,
        actions: &mut VecDeque<Action>,
    ) -> (Greeting, Option<SocketAddr>) {
        let Some(undecided) = self.undecided.get_mut(&id) else {
            return (Greeting::Unfinished, None);
        };
        undecided.bytes.extend_from_slice(bytes);
        let (hello, renewed, size) = match Hello::decode(&undecided.bytes) {
            Beginning::Unfinished => return (Greeting::Unfinished, None),
            Beginning::Malformed => {
                self.undecided.remove(&id);
                return (Greeting::Malformed, None);
            }
            Beginning::Other => {
                let bytes = self.undecided.remove(&id).map(|undecided| undecided.bytes);
                return (Greeting::Exchange(Bytes::from(bytes.unwrap_or_default())), None);
            }
            Beginning::Hello { hello, renewed, size } => (hello, renewed, size),
        };
        let Some(Undecided { from, bytes, names }) = self.undecided.remove(&id) else {
            return (Greeting::Refused, None);
        };
        if names.is_some_and(|names| !names.contains(&hello.name)) {
            return (Greeting::WrongName, None);
        }
        let peer = (hello.announced, from);
        if !self.make_place(peer, is_member, actions) {
            return (Greeting::Refused, None);
        }
        tracing::trace!(target: "swim", name = %hello.name, announced = %hello.announced, "link");
        self.uses += 1;
        let (used, idle_at) = (self.uses, now + self.age_max.min(IDLE_TIMEOUT * 2));
        let reader = Reader::starting_with(&bytes[size..]);
        self.held += reader.held();
        let announced = hello.announced;
        let link = Link { from, announced, reader, used, used_at: now, opened_at: now, idle_at };
        self.links.insert(id, link);
        self.by_peer.insert(peer, id);
        self.recency.insert((used, id));
        self.idle.insert(idle_at, id);
        (Greeting::Link, renewed.then_some(announced))
    }

    /// Reads bytes of a link. `deliver` is given each packet and its sender's announced address.
    pub(super) fn read(
        &mut self,
        now: Instant,
        id: StreamId,
        bytes: &[u8],
        actions: &mut VecDeque<Action>,
        mut deliver: impl FnMut(SocketAddr, &[u8]),
    ) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        self.recency.remove(&(link.used, id));
        self.uses += 1;
        (link.used, link.used_at) = (self.uses, now);
        self.recency.insert((link.used, id));
        let before = link.reader.held();
        link.reader.read(bytes, |packet| {
            self.received = self.received.wrapping_add(1);
            deliver(link.announced, packet);
        });
        self.held = self.held + link.reader.held() - before;
        if self.held > PARTIAL_MAX {
            let most = self.links.iter().max_by_key(|(_, link)| link.reader.held());
            if let Some((&most, _)) = most {
                self.abort(most, actions);
            }
        }
    }

    /// The peer closed its side, the only one in use.
    pub(super) fn finished(&mut self, id: StreamId, actions: &mut VecDeque<Action>) {
        if self.remove(id) {
            actions.push_back(Action::Abort { id });
        }
    }

    pub(super) fn failed(&mut self, id: StreamId) {
        self.remove(id);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.idle.next()
    }

    /// Ends links that are too old, and links that are silent for longer than their peers would
    /// keep them: those peers vanished.
    pub(super) fn handle_timeout(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        while let Some((_, id)) = self.idle.take_due(now) {
            let Some(link) = self.links.get_mut(&id) else { continue };
            let too_old = link.opened_at + self.age_max;
            link.idle_at = too_old.min(link.used_at + IDLE_TIMEOUT * 2);
            // Back in, so that there always is a deadline to remove.
            self.idle.insert(link.idle_at, id);
            if link.idle_at <= now {
                self.abort(id, actions);
            }
        }
    }

    /// Makes a place for a link of this peer, which has at most one.
    fn make_place(
        &mut self,
        peer: (SocketAddr, IpAddr),
        is_member: impl Fn(IpAddr) -> bool,
        actions: &mut VecDeque<Action>,
    ) -> bool {
        if let Some(&earlier) = self.by_peer.get(&peer) {
            self.abort(earlier, actions);
            return true;
        }
        if self.links.len() < self.places {
            return true;
        }
        let from = |id: &StreamId| self.links.get(id).map(|link| link.from);
        let mut by_age = self.recency.iter().map(|(_, id)| *id);
        let stranger = by_age.clone().find(|id| !from(id).is_some_and(&is_member));
        let victim = stranger.or_else(|| by_age.next().filter(|_| is_member(peer.1)));
        if let Some(victim) = victim {
            self.abort(victim, actions);
        }
        victim.is_some()
    }

    fn abort(&mut self, id: StreamId, actions: &mut VecDeque<Action>) {
        if self.remove(id) {
            actions.push_back(Action::Abort { id });
        }
    }

    fn remove(&mut self, id: StreamId) -> bool {
        let Some(link) = self.links.remove(&id) else {
            return false;
        };
        self.held -= link.reader.held();
        self.recency.remove(&(link.used, id));
        self.idle.remove(link.idle_at, id);
        self.by_peer.remove(&(link.announced, link.from));
        true
    }
}
