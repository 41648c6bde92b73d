//! The state of a node of the service.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use example_lines::word;
use swim_driver::Name;

use crate::clients::{Clients, Line};
use crate::frame::Frame;
use crate::life::Life;
use crate::message::{Message, Topic};
use crate::peer::Peer;
use crate::ring::Ring;
use crate::settings::{Flaw, Settings};

/// How many gone peers are remembered, so that a peer that was cut off continues at its old
/// position. Without a limit the table would grow with every name ever used.
const GONE_MAX: usize = 1024;

/// Bytes of messages per write to a peer. It bounds what a link holds in addition to the ring.
const BATCH_SIZE_MAX: usize = 64 << 10;

/// How far a message number may exceed the expected one. At a million messages per second, a node
/// gets this far in nine years. Peers are not authenticated: without this limit a forged number
/// would be reported to subscribers as that many missing messages.
const NUMBER_JUMP_MAX: u64 = 1 << 48;

/// Shares the state of a node among its tasks. No task waits while it holds the lock.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    state: Arc<Mutex<State>>,
}

impl Hub {
    pub(crate) fn new(name: &Name, life: Life, settings: &Settings) -> Self {
        Hub { state: Arc::new(Mutex::new(State::new(name, life, settings))) }
    }

    /// Locks the state. A task that panicked while it held the lock does not stop the other tasks.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a node: its messages, its clients and its peers. No method waits.
#[derive(Debug)]
pub(crate) struct State {
    /// The node's name as one word.
    name: String,
    pub(crate) life: Life,
    flaw: Flaw,
    ring: Ring,
    pub(crate) clients: Clients,
    pub(crate) peers: BTreeMap<Name, Peer>,
    /// The node is leaving, and takes no further messages.
    pub(crate) leaving: bool,
    last_link: u64,
    last_gone: u64,
}

/// The next lines for a peer.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The lines; empty if everything is sent.
    pub(crate) lines: String,
    /// The number of the message after these lines.
    pub(crate) next: u64,
    /// The node leaves, and these are its last lines.
    pub(crate) is_last: bool,
}

/// How the state handled a message from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// Not taken yet: a subscriber's queue is full.
    NoRoom,
    /// Refused: a later link has replaced this one, or the link has not sent `BEGIN`.
    WrongLink,
    /// Refused: no node can have reached this number.
    TooFar,
}

impl State {
    fn new(name: &Name, life: Life, settings: &Settings) -> Self {
        State {
            name: word(name.as_str()),
            life,
            flaw: settings.flaw,
            ring: Ring::new(settings.ring_messages_max, settings.ring_bytes_max),
            clients: Clients::default(),
            peers: BTreeMap::new(),
            leaving: false,
            last_link: 0,
            last_gone: 0,
        }
    }

    /// Takes a message from a client, and returns its number.
    ///
    /// Returns `None` if the queue of a subscriber of this node is full. With `force`, such
    /// subscribers are dropped instead.
    pub(crate) fn publish(&mut self, topic: &Topic, text: &str, force: bool) -> Option<u64> {
        if (!force && !self.clients.has_room(topic)) || self.waits_for_peers() {
            return None;
        }
        let message = self.ring.push(topic.clone(), text.to_owned());
        let line = delivery(&self.name, &message);
        self.clients.deliver(topic, &line);
        self.peers.values().for_each(|peer| peer.outgoing.ring());
        Some(message.seq)
    }

    /// With this flaw, no message is taken until every peer has acknowledged the previous ones.
    fn waits_for_peers(&self) -> bool {
        let behind = |peer: &Peer| peer.is_live() && peer.outgoing.acked < self.ring.next();
        self.flaw == Flaw::WaitsForPeers && self.peers.values().any(behind)
    }

    fn published(&self) -> u64 {
        self.ring.next() - 1
    }
}

/// Membership.
impl State {
    /// Adds or updates a live member of the service. Returns whether to start a link to it.
    pub(crate) fn peer_seen(&mut self, name: &Name, life: Life, address: SocketAddr) -> bool {
        if let Some(peer) = self.peers.get_mut(name)
            && peer.life == life
        {
            peer.address = address;
            return peer.gone.take().is_some();
        }
        self.peer_ended(name);
        self.peers.insert(name.clone(), Peer::new(life, address, self.ring.next()));
        true
    }

    /// Notes that a member is no longer live, and stops sending to it.
    pub(crate) fn peer_gone(&mut self, name: &Name) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        self.last_gone += 1;
        peer.gone = Some(self.last_gone);
        peer.outgoing.task = None;
        peer.outgoing.linked = false;
        if peer.incoming.link.is_none() {
            self.tell_end(name);
        }
        self.forget_gone();
    }

    /// Ends a life of a peer: a new life has replaced it.
    fn peer_ended(&mut self, name: &Name) {
        self.tell_end(name);
        self.peers.remove(name);
    }

    /// Forgets the peer that has been gone for longest, if there are too many.
    fn forget_gone(&mut self) {
        let gone = self.peers.iter().filter_map(|(name, peer)| Some((peer.gone?, name)));
        let (number, first) = (gone.clone().count(), gone.min().map(|(_, name)| name.clone()));
        if number > GONE_MAX
            && let Some(first) = first
        {
            self.peers.remove(&first);
        }
    }

    /// Reports once to subscribers that messages of a gone peer may be missing (`GAP peer 0`).
    fn tell_end(&mut self, name: &Name) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if !peer.incoming.complete && !peer.incoming.end_told && self.flaw != Flaw::HidesEnds {
            peer.incoming.end_told = true;
            self.clients.tell_subscribers(&gap(name, 0));
        }
    }
}

/// Sending.
impl State {
    fn peer(&mut self, name: &Name, life: Life) -> Option<&mut Peer> {
        self.peers.get_mut(name).filter(|peer| peer.life == life)
    }

    /// Starts a link: the peer answered `HELLO` and expects message `says` next, or knows none.
    /// Returns the number of the first message to send.
    pub(crate) fn link_begins(
        &mut self,
        name: &Name,
        life: Life,
        says: Option<u64>,
    ) -> Option<u64> {
        let (end, flaw) = (self.ring.next(), self.flaw);
        let outgoing = &mut self.peer(name, life)?.outgoing;
        outgoing.linked = true;
        outgoing.links += 1;
        let next = match says {
            None => outgoing.owed,
            Some(says) if says <= end => says,
            // A stranger sent higher numbers in this node's name. The peer surely has what it
            // acknowledged.
            Some(_) => outgoing.acked,
        };
        outgoing.acked = next;
        let skips = flaw == Flaw::SkipsAfterBreak && outgoing.links > 1;
        Some(if skips { end } else { next })
    }

    pub(crate) fn link_ended(&mut self, name: &Name, life: Life) {
        if let Some(peer) = self.peer(name, life) {
            peer.outgoing.linked = false;
        }
    }

    /// Returns the next lines for a peer, from this message on, or `None` if the peer is gone.
    pub(crate) fn batch(&mut self, name: &Name, life: Life, from: u64) -> Option<Batch> {
        let first = self.ring.first();
        let outgoing = &mut self.peer(name, life)?.outgoing;
        // After a break, a link may start before the same gap again: count it once.
        outgoing.dropped += first.saturating_sub(from.max(outgoing.counted));
        outgoing.counted = outgoing.counted.max(first);
        let mut batch = Batch { next: from.max(first), ..Batch::default() };
        for message in self.ring.from(batch.next) {
            if batch.lines.len() >= BATCH_SIZE_MAX {
                break;
            }
            batch.lines.push_str(&format!("{}\n", Frame::Message((**message).clone())));
            batch.next = message.seq + 1;
        }
        let is_all = batch.next == self.ring.next() || self.flaw == Flaw::LeavesTooEarly;
        if self.leaving && is_all {
            batch.is_last = true;
            if self.flaw == Flaw::LeavesTooEarly {
                batch = Batch { next: from, is_last: true, ..Batch::default() };
            }
            batch.lines.push_str(&format!("{}\n", Frame::Bye { next: batch.next }));
        }
        Some(batch)
    }

    /// Notes that a peer has every message before this number.
    pub(crate) fn acked(&mut self, name: &Name, life: Life, next: u64) {
        let end = self.ring.next();
        if let Some(peer) = self.peer(name, life) {
            peer.outgoing.acked = peer.outgoing.acked.max(next.min(end));
        }
    }

    /// Notes that a peer has every message, and knows that this node leaves.
    pub(crate) fn link_done(&mut self, name: &Name, life: Life) {
        if let Some(peer) = self.peer(name, life) {
            peer.outgoing.done = true;
        }
    }

    /// Returns whether every live peer has all messages of this leaving node.
    pub(crate) fn is_drained(&self) -> bool {
        self.peers.values().all(|peer| !peer.is_live() || peer.outgoing.done)
    }

    /// Starts the leave: no message is taken any longer, and each link ends once everything is
    /// sent.
    pub(crate) fn leave(&mut self) {
        self.leaving = true;
        self.clients.end_all("BYE this node is leaving the cluster");
        self.peers.values().for_each(|peer| peer.outgoing.ring());
    }
}

/// Receiving.
impl State {
    /// Admits a peer that wants to send. Returns its name, a number for its link, and the message
    /// that this node expects next.
    pub(crate) fn admit(
        &mut self,
        from: Life,
        to: Life,
    ) -> Result<(Name, u64, Option<u64>), &'static str> {
        if to != self.life {
            return Err("this node restarted and has another life");
        }
        let peer = self.peers.iter_mut().find(|(_, peer)| peer.life == from && peer.is_live());
        let (name, peer) = peer.ok_or("no live member of this cluster has that life")?;
        self.last_link += 1;
        let incoming = &mut peer.incoming;
        incoming.link = Some(self.last_link);
        incoming.complete = false;
        incoming.end_told = false;
        Ok((name.clone(), self.last_link, incoming.next))
    }

    /// Handles `BEGIN`, the number of the first message that the peer will send. Returns whether
    /// the link goes on.
    ///
    /// The number sets the position if this node knows none yet, or if it is below the expected
    /// one: then a stranger has sent higher numbers in the peer's name.
    pub(crate) fn intake_begins(&mut self, name: &Name, link: u64, next: u64) -> bool {
        let believes = self.flaw == Flaw::SkipsAfterBreak;
        if !self.is_near(name, link, next) {
            return false;
        }
        let Some(peer) = self.sender(name, link) else { return false };
        if believes || peer.incoming.next.is_none_or(|expected| next < expected) {
            peer.incoming.next = Some(next);
        }
        true
    }

    /// Returns whether a peer can have reached this number, and counts those that it cannot.
    fn is_near(&mut self, name: &Name, link: u64, number: u64) -> bool {
        let Some(peer) = self.sender(name, link) else { return true };
        let incoming = &mut peer.incoming;
        let is_near = number.saturating_sub(incoming.next.unwrap_or(1)) <= NUMBER_JUMP_MAX;
        incoming.refused += u64::from(!is_near);
        is_near
    }

    /// Handles a message of a peer. While a subscriber's queue is full, the message is not taken;
    /// with `force`, such subscribers are dropped instead.
    pub(crate) fn receive(
        &mut self,
        name: &Name,
        link: u64,
        message: &Message,
        force: bool,
    ) -> Taken {
        let has_room = force || self.clients.has_room(&message.topic);
        let swaps = self.swaps();
        if !self.is_near(name, link, message.seq) {
            return Taken::TooFar;
        }
        let Some(peer) = self.sender(name, link) else { return Taken::WrongLink };
        let incoming = &mut peer.incoming;
        let Some(next) = incoming.next else { return Taken::WrongLink };
        if message.seq < next && !swaps {
            incoming.repeated += 1;
            return Taken::Yes;
        }
        if !has_room {
            return Taken::NoRoom;
        }
        incoming.received += 1;
        self.skip_to(name, message.seq);
        if let Some(peer) = self.peers.get_mut(name) {
            peer.incoming.next = Some(message.seq.saturating_add(1));
        }
        self.clients.deliver(&message.topic, &delivery(&word(name.as_str()), message));
        Taken::Yes
    }

    /// Handles `AT`: the peer has sent every message before this number. Returns whether the link
    /// goes on.
    pub(crate) fn position(&mut self, name: &Name, link: u64, next: u64) -> bool {
        let known = self.sender(name, link).is_some_and(|peer| peer.incoming.next.is_some())
            && self.is_near(name, link, next);
        if known {
            self.skip_to(name, next);
        }
        known
    }

    /// Handles the peer's `BYE`: it leaves, and has sent everything. Returns whether the link is
    /// current.
    pub(crate) fn intake_complete(&mut self, name: &Name, link: u64, next: u64) -> bool {
        let known = self.position(name, link, next);
        if known && let Some(peer) = self.peers.get_mut(name) {
            peer.incoming.complete = true;
        }
        known
    }

    /// Returns the number expected next from a peer, or `None` if a later link has replaced this
    /// one.
    pub(crate) fn expected(&mut self, name: &Name, link: u64) -> Option<u64> {
        self.sender(name, link)?.incoming.next
    }

    /// Notes that a link from a peer has ended, for any reason.
    pub(crate) fn intake_ended(&mut self, name: &Name, link: u64) {
        let forgets = self.flaw == Flaw::ForgetsPosition;
        let Some(peer) = self.sender(name, link) else { return };
        peer.incoming.link = None;
        if forgets {
            peer.incoming.next = None;
        }
        if !peer.is_live() {
            self.tell_end(name);
        }
    }

    pub(crate) fn swaps(&self) -> bool {
        self.flaw == Flaw::SwapsMessages
    }

    /// Returns the peer whose latest link this is.
    fn sender(&mut self, name: &Name, link: u64) -> Option<&mut Peer> {
        self.peers.get_mut(name).filter(|peer| peer.incoming.link == Some(link))
    }

    /// Moves the position to `next`, and reports the messages in between as missing.
    fn skip_to(&mut self, name: &Name, next: u64) {
        let Some(incoming) = self.peers.get_mut(name).map(|peer| &mut peer.incoming) else {
            return;
        };
        let missing = incoming.next.map_or(0, |expected| next.saturating_sub(expected));
        if missing > 0 {
            incoming.missed = incoming.missed.saturating_add(missing);
            incoming.next = Some(next);
            if self.flaw != Flaw::HidesGaps {
                self.clients.tell_subscribers(&gap(name, missing));
            }
        }
    }
}

/// Statistics.
impl State {
    /// Returns the lines that answer `STATS`.
    pub(crate) fn stats(&self) -> Vec<String> {
        let Clients { slow, delivered, .. } = &self.clients;
        let mut lines = vec![format!(
            "STAT node name={} life={} published={} kept={} delivered={delivered} clients={} \
             subscriptions={} dropped_slow={slow}",
            self.name,
            self.life,
            self.published(),
            self.ring.next() - self.ring.first(),
            self.clients.len(),
            self.clients.subscriptions(),
        )];
        let live = self.peers.iter().filter(|(_, peer)| peer.is_live());
        lines.extend(live.map(|(name, Peer { life, outgoing, incoming, .. })| {
            format!(
                "STAT peer name={} life={life} linked={} links={} behind={} dropped={} \
                 receives={} received={} missed={} repeated={} refused={}",
                word(name.as_str()),
                outgoing.linked,
                outgoing.links,
                self.ring.next().saturating_sub(outgoing.acked),
                outgoing.dropped,
                incoming.link.is_some(),
                incoming.received,
                incoming.missed,
                incoming.repeated,
                incoming.refused,
            )
        }));
        lines
    }
}

fn delivery(name: &str, Message { seq, topic, text }: &Message) -> Line {
    format!("MSG {topic} {name} {seq} {text}").into()
}

fn gap(name: &Name, missing: u64) -> Line {
    format!("GAP {} {missing}", word(name.as_str())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: Life = Life(2);

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    /// A node that keeps three messages and knows one peer.
    fn node() -> State {
        let settings = Settings { ring_messages_max: 3, ..Settings::default() };
        let mut state = State::new(&name("a"), Life(1), &settings);
        assert!(state.peer_seen(&name("b"), OTHER, "10.0.0.2:1".parse().expect("an address")));
        state
    }

    fn publish(state: &mut State, number: usize) {
        let topic: Topic = "t".parse().expect("a topic");
        for _ in 0..number {
            assert!(state.publish(&topic, "text", false).is_some());
        }
    }

    #[test]
    fn what_left_the_ring_is_counted_once_however_often_the_link_breaks() {
        let (mut state, b) = (node(), name("b"));
        publish(&mut state, 5);
        for _ in 0..3 {
            let next = state.link_begins(&b, OTHER, None).unwrap();
            assert_eq!(next, 1, "it is owed all since it is known");
            let batch = state.batch(&b, OTHER, next).unwrap();
            assert_eq!((batch.lines.lines().count(), batch.next), (3, 6));
            assert_eq!(state.peers[&b].outgoing.dropped, 2);
        }
        publish(&mut state, 4);
        assert_eq!(state.link_begins(&b, OTHER, Some(6)), Some(6));
        state.batch(&b, OTHER, 6).unwrap();
        assert_eq!(state.peers[&b].outgoing.dropped, 3);
    }

    #[test]
    fn a_peer_that_was_deceived_gets_what_it_does_not_have_for_sure() {
        let (mut state, b) = (node(), name("b"));
        publish(&mut state, 2);
        assert_eq!(state.link_begins(&b, OTHER, None), Some(1));
        state.acked(&b, OTHER, 2);
        publish(&mut state, 1);
        assert_eq!(state.link_begins(&b, OTHER, Some(99)), Some(2), "99 is none of its numbers");
    }

    #[test]
    fn a_later_link_takes_the_place_of_one_that_hangs() {
        let (mut state, b) = (node(), name("b"));
        let message = |seq| Message { seq, topic: "t".parse().unwrap(), text: String::new() };
        let (_, first, next) = state.admit(OTHER, Life(1)).unwrap();
        assert_eq!(next, None);
        assert_eq!(state.receive(&b, first, &message(7), false), Taken::WrongLink, "no BEGIN");
        assert!(state.intake_begins(&b, first, 7));
        assert_eq!(state.receive(&b, first, &message(7), false), Taken::Yes);
        let (_, second, next) = state.admit(OTHER, Life(1)).unwrap();
        assert_eq!(next, Some(8));
        assert_eq!(state.receive(&b, first, &message(8), false), Taken::WrongLink);
        assert_eq!(state.receive(&b, second, &message(7), false), Taken::Yes);
        assert_eq!(state.receive(&b, second, &message(10), false), Taken::Yes);
        // The end of the old link changes nothing.
        state.intake_ended(&b, first);
        let incoming = &state.peers[&b].incoming;
        assert_eq!((incoming.received, incoming.repeated, incoming.missed), (2, 1, 2));
        assert_eq!(incoming.link, Some(second));
    }

    #[test]
    fn a_number_that_no_peer_can_have_reached_is_refused_and_changes_nothing() {
        let (mut state, b) = (node(), name("b"));
        let message = |seq| Message { seq, topic: "t".parse().unwrap(), text: String::new() };
        let (_, link, _) = state.admit(OTHER, Life(1)).unwrap();
        assert!(!state.intake_begins(&b, link, u64::MAX));
        assert!(state.intake_begins(&b, link, 7));
        for number in [u64::MAX, 7 + NUMBER_JUMP_MAX + 1] {
            assert_eq!(state.receive(&b, link, &message(number), false), Taken::TooFar);
            assert!(!state.position(&b, link, number));
            assert!(!state.intake_complete(&b, link, number));
        }
        let incoming = &state.peers[&b].incoming;
        assert_eq!((incoming.next, incoming.missed, incoming.refused), (Some(7), 0, 7));
        assert!(!incoming.complete);
        assert_eq!(state.receive(&b, link, &message(7), false), Taken::Yes);
        // The greatest jump allowed is accepted, and leaves room for a next number.
        assert_eq!(state.receive(&b, link, &message(8 + NUMBER_JUMP_MAX), false), Taken::Yes);
    }

    #[test]
    fn a_peer_says_where_it_is_when_somebody_else_said_more_in_its_name() {
        let (mut state, b) = (node(), name("b"));
        let message = |seq| Message { seq, topic: "t".parse().unwrap(), text: String::new() };
        let (_, forged, _) = state.admit(OTHER, Life(1)).unwrap();
        assert!(state.intake_begins(&b, forged, 1));
        assert_eq!(state.receive(&b, forged, &message(1_000_000), false), Taken::Yes);
        let (_, link, next) = state.admit(OTHER, Life(1)).unwrap();
        assert_eq!(next, Some(1_000_001));
        assert!(state.intake_begins(&b, link, 3));
        assert_eq!(state.receive(&b, link, &message(3), false), Taken::Yes);
        assert_eq!(state.peers[&b].incoming.next, Some(4));
    }

    #[test]
    fn peers_that_are_gone_are_remembered_up_to_a_limit() {
        let mut state = node();
        for number in 0..GONE_MAX + 10 {
            let (peer, life) = (name(&format!("peer-{number}")), Life(100 + number as u64));
            state.peer_seen(&peer, life, "10.0.0.3:1".parse().unwrap());
            state.peer_gone(&peer);
        }
        assert_eq!(state.peers.len(), GONE_MAX + 1, "with the one that is live");
        assert!(!state.peers.contains_key(&name("peer-9")));
        assert!(state.peers.contains_key(&name("peer-10")));
    }
}
