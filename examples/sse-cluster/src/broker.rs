//! The state of a node: the latest events of each publisher, and the position of each client.
//!
//! Clients and peers read at their own pace. None has a queue. A reader that falls behind the kept
//! events gets a gap, with the number of missing events.

use std::collections::BTreeMap;

use async_channel::{Receiver, Sender};

use crate::flaw::Flaw;
use crate::frame::{self, Position};
use crate::log::{Entry, Kept, Log, Next};
use crate::message::{Message, Target};

/// Identifies a client of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey(u64);

/// Most events of a publisher, and approximate bytes, to render at once. The rest follows once
/// these are written. A client that does not read holds no more than this.
const FRAMES_MAX: usize = 64;
const FRAMES_BYTES_MAX: usize = 16 << 10;

/// How many publishers unknown to this node a client's position may name. Beyond that, most are
/// long gone, and would fill the position for ever.
const UNMET_MAX: usize = 64;

/// The events and readers of a node.
#[derive(Debug)]
pub struct Broker {
    own: String,
    kept: Kept,
    logs: BTreeMap<String, Log>,
    clients: BTreeMap<ClientKey, Client>,
    /// Clients by channel and client identifier.
    channels: BTreeMap<String, BTreeMap<String, ClientKey>>,
    next_key: u64,
    /// Wakes the streams that send this node's own events to peers.
    followers: BTreeMap<u64, Sender<()>>,
    flaw: Flaw,
}

#[derive(Debug)]
struct Client {
    channel: String,
    id: String,
    /// The client's position; `None` if it equals this node's.
    behind: Option<Position>,
    /// The position with which it connected. It counts for lives that this node meets only later.
    came_with: Position,
    wake: Sender<()>,
}

/// Wakes a reader when there may be events. It is closed once the broker has dropped the reader.
pub type Waiting = Receiver<()>;

impl Broker {
    /// Makes the broker of a node with this name, in this life.
    #[must_use]
    pub fn new(own: &str, life: u64, kept: Kept, flaw: Flaw) -> Self {
        let logs = BTreeMap::from([(own.to_owned(), Log::new(life, 0))]);
        Broker {
            own: own.to_owned(),
            kept,
            logs,
            clients: BTreeMap::new(),
            channels: BTreeMap::new(),
            next_key: 0,
            followers: BTreeMap::new(),
            flaw,
        }
    }

    // Publishers.

    /// Takes an event from a client of this node, and returns its number.
    pub fn publish(&mut self, target: Target, message: Message) -> u64 {
        let own = self.own.clone();
        let number = self.add(&own, target, message);
        for wake in self.followers.values() {
            // If the channel is full, the reader was already woken.
            let _ = wake.try_send(());
        }
        number
    }

    /// Returns how far this node has read a publisher.
    #[must_use]
    pub fn position_of(&self, publisher: &str) -> Option<(u64, u64)> {
        self.logs.get(publisher).map(Log::position)
    }

    /// Starts or continues a publisher's log with the events of this life after `last`.
    ///
    /// Events between the known position and `last` are lost.
    pub fn meet(&mut self, publisher: &str, life: u64, last: u64) {
        let Some(log) = self.logs.get_mut(publisher) else {
            self.wake_those_behind();
            self.logs.insert(publisher.to_owned(), Log::new(life, last));
            if last > 0 && self.flaw != Flaw::HidesGaps {
                self.fall_behind(publisher, (life, 0), None);
            }
            return;
        };
        log.set_followed(true);
        if log.position() == (life, last) {
            self.wake_those_behind();
        } else {
            let before = log.position();
            *log = log.followed_by(life, last);
            if self.flaw != Flaw::HidesGaps {
                self.fall_behind(publisher, before, None);
            }
        }
    }

    /// Notes that the connection to a publisher broke. It may begin another life.
    pub fn lose(&mut self, publisher: &str) {
        if let Some(log) = self.logs.get_mut(publisher) {
            log.set_followed(false);
        }
    }

    /// Returns how many publishers are connected, including this node.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.logs.values().filter(|log| log.is_followed()).count()
    }

    /// Wakes clients that may have waited for this publisher.
    fn wake_those_behind(&mut self) {
        for client in self.clients.values().filter(|client| client.behind.is_some()) {
            let _ = client.wake.try_send(());
        }
    }

    /// Takes the next event of a known publisher.
    pub fn receive(&mut self, publisher: &str, entry: Entry) {
        let next = self.logs.get(publisher).map_or(0, |log| log.position().1 + 1);
        if entry.number == next {
            self.add(publisher, entry.target, entry.message);
        }
    }

    fn add(&mut self, publisher: &str, target: Target, message: Message) -> u64 {
        let Some(log) = self.logs.get_mut(publisher) else { return 0 };
        let before = log.position();
        let number = log.push(target.clone(), message, self.kept).number;
        self.fall_behind(publisher, before, Some(&target));
        number
    }

    /// Marks clients that had everything as behind: those of this target, or all.
    fn fall_behind(&mut self, publisher: &str, before: (u64, u64), target: Option<&Target>) {
        let mut standing = self.standing();
        standing.set(publisher, before.0, before.1);
        for client in self.clients.values_mut() {
            if target.is_none_or(|target| target.includes(&client.channel, &client.id)) {
                client.behind.get_or_insert_with(|| standing.clone());
                let _ = client.wake.try_send(());
            }
        }
    }

    /// Returns this node's position.
    fn standing(&self) -> Position {
        let mut standing = Position::default();
        for (name, log) in &self.logs {
            let (life, last) = log.position();
            standing.set(name, life, last);
        }
        standing
    }

    // Peers.

    /// Adds a peer that follows this node's own events. The key removes it again.
    pub fn follow(&mut self) -> (u64, Waiting) {
        let (wake, waiting) = async_channel::bounded(1);
        self.next_key += 1;
        self.followers.insert(self.next_key, wake);
        (self.next_key, waiting)
    }

    /// Removes a peer that followed.
    pub fn unfollow(&mut self, key: u64) {
        self.followers.remove(&key);
    }

    /// Returns this node's life, and the number of its last event.
    #[must_use]
    pub fn own_position(&self) -> (u64, u64) {
        self.position_of(&self.own).unwrap_or_default()
    }

    /// Returns this node's next own event for a peer at this position.
    #[must_use]
    pub fn own_after(&self, stands: Option<(u64, u64)>) -> Next<'_> {
        self.logs.get(&self.own).map_or(Next::Nothing, |log| log.after(stands))
    }

    // Clients.

    /// Adds a client of a channel, at a position.
    ///
    /// Returns `None` if the channel already has a client with this identifier.
    pub fn subscribe(
        &mut self,
        channel: &str,
        id: &str,
        stands: Option<Position>,
    ) -> Option<(ClientKey, Waiting)> {
        let ids = self.channels.entry(channel.to_owned()).or_default();
        if ids.contains_key(id) {
            return None;
        }
        self.next_key += 1;
        let key = ClientKey(self.next_key);
        ids.insert(id.to_owned(), key);
        let (wake, waiting) = async_channel::bounded(1);
        // Wake it at once, so that it gets its position.
        let _ = wake.try_send(());
        let behind = stands.filter(|_| self.flaw != Flaw::ForgetsPositions);
        let came_with = behind.clone().unwrap_or_default();
        let (channel, id) = (channel.to_owned(), id.to_owned());
        self.clients.insert(key, Client { channel, id, behind, came_with, wake });
        Some((key, waiting))
    }

    /// Removes a client.
    pub fn unsubscribe(&mut self, key: ClientKey) {
        let Some(client) = self.clients.remove(&key) else { return };
        if let Some(ids) = self.channels.get_mut(&client.channel) {
            ids.remove(&client.id);
            if ids.is_empty() {
                self.channels.remove(&client.channel);
            }
        }
    }

    /// Returns the next frames for a client, and whether there are more.
    ///
    /// After the last ones, the client has everything that this node has.
    pub fn take_frames(&mut self, key: ClientKey) -> (String, bool) {
        let standing = self.standing();
        let Some(client) = self.clients.get_mut(&key) else {
            return (String::new(), false);
        };
        let Some(mut position) = client.behind.take() else {
            return (frame::standing(&standing), false);
        };
        // It may name publishers that this node has yet to meet.
        position.forget_beyond(UNMET_MAX, |name| self.logs.contains_key(name));
        let mut frames = String::new();
        for (name, log) in &self.logs {
            let life = log.position().0;
            if position.of(name).is_none_or(|(of, _)| of != life)
                && let Some((_, number)) = client.came_with.of(name).filter(|(of, _)| *of == life)
            {
                position.set(name, life, number);
            }
            for _ in 0..FRAMES_MAX {
                if frames.len() > FRAMES_BYTES_MAX {
                    break;
                }
                match log.after(position.of(name)) {
                    Next::Nothing => break,
                    Next::Gap { missing, position: behind } => {
                        position.set(name, behind.0, behind.1);
                        if self.flaw != Flaw::HidesGaps {
                            frames.push_str(&frame::gap(name, missing, &position));
                        }
                    }
                    Next::Entries(entry) => {
                        position.set(name, log.position().0, entry.number);
                        if entry.target.includes(&client.channel, &client.id) {
                            frames.push_str(&frame::event(&entry.message, &position));
                        }
                    }
                }
            }
        }
        let more =
            self.logs.iter().any(|(name, log)| log.after(position.of(name)) != Next::Nothing);
        // It may have read a publisher further at another node than this node has.
        if !more && self.flaw == Flaw::GoesBack {
            position = standing.clone();
        }
        if !more && frames.is_empty() {
            frames = frame::standing(&position);
        }
        client.behind = Some(position).filter(|position| more || *position != standing);
        (frames, more)
    }

    /// Returns the channels, with the identifiers of their clients.
    pub fn channels(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.channels.iter().map(|(name, ids)| (name.as_str(), ids.keys().map(String::as_str)))
    }

    /// Returns how many clients listen.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Forgets publishers for which `keep` is false.
    pub fn retain_publishers(&mut self, keep: impl Fn(&str) -> bool) {
        let own = self.own.clone();
        self.logs.retain(|name, _| *name == own || keep(name));
    }

    /// Ends the streams of all clients and peers.
    pub fn close(&mut self) {
        self.clients.clear();
        self.channels.clear();
        self.followers.clear();
    }
}
