//! Streams: two ends, and a lane of bytes towards each.
//!
//! # The model
//!
//! A connection takes a round trip to open. Writes arrive in order, each after the network's
//! latency. A lost piece is sent again after 200 ms, 400 ms, 800 ms, ...; a lost connection request
//! after 1 s, 2 s, 4 s, .... There are at most eight retransmissions; the last one arrives. The
//! waits are added to the latency when the piece is sent, and everything behind it waits. In a
//! burst of loss, only the first attempt meets the burst. Further ones meet the average loss.
//!
//! A cut stops pieces on arrival; they are tried again with the same waits. Neither end learns of
//! the cut. A stalled exchange ends by a deadline, or when the sender's operating system resets the
//! connection after 12 attempts, that is 51 s. (The usual time-outs of TCP are between half a
//! minute and a quarter of an hour.) A clogged link holds pieces on arrival, and delivers them when
//! it is freed; the same bound holds. Acks of the transport are not modelled: a cut of one
//! direction stops only that direction.
//!
//! A connection request to a host whose process is down is refused after a round trip. A request to
//! a host without power, behind a cut, or to an unused address gets no answer, and fails after the
//! connect time-out. A request to a stalled process succeeds: its operating system answers.
//!
//! A driver's write completes when the peer's process has read all but what the buffers of the
//! connection hold ([`WorldOptions::stream_buffer`](crate::WorldOptions::stream_buffer)). A bare
//! node's write completes at once.
//!
//! `Finish` arrives after all earlier writes. After `Close`, earlier writes still arrive, but the
//! process gets no further input from the stream. `Abort` discards everything that has not arrived,
//! in both directions, and the peer sees the stream fail after the latency. When a process crashes,
//! its peers see their streams fail. When a host loses power, they notice nothing until it is back
//! and data on an old stream reaches it.

use core::net::SocketAddr;
use std::collections::VecDeque;

use bytes::Bytes;
use swim_core::{ConnectionError, Instant, StreamId, StreamInput};

/// A connection: a place in the table, and how often that place was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionId {
    slot: u32,
    generation: u32,
}

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The end that asked for the connection.
    Dialler,
    /// The end that accepted it.
    Acceptor,
}

impl Side {
    pub(crate) fn other(self) -> Side {
        match self {
            Side::Dialler => Side::Acceptor,
            Side::Acceptor => Side::Dialler,
        }
    }
}

/// The phase of a connection, as the dialler knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The request or its answer is in transit.
    Requested,
    /// The dialler knows that it is open.
    Open,
    /// One end gave up; its process is about to learn of it.
    GivenUp,
}

/// An item that travels in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// The answer to a connection request.
    Opened,
    /// The connection is complete: the acceptor's process can take it.
    Accept,
    Data(Bytes),
    Finish,
    /// The connection was reset.
    Reset,
}

impl Item {
    /// The number of data bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Item::Data(bytes) => bytes.len(),
            Item::Opened | Item::Accept | Item::Finish | Item::Reset => 0,
        }
    }
}

/// An arrived item, as its process gets it.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    Opened,
    Data(Bytes),
    Finished,
    Failed(ConnectionError),
}

impl Arrival {
    pub(crate) fn input(&self) -> StreamInput<'_> {
        match self {
            Arrival::Opened => StreamInput::Opened,
            Arrival::Data(bytes) => StreamInput::Data(bytes),
            Arrival::Finished => StreamInput::Finished,
            Arrival::Failed(error) => StreamInput::Failed(*error),
        }
    }
}

/// The items in transit to one end.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    items: VecDeque<(Instant, Item)>,
    /// A task for this lane is in the queue, or the lane waits at a stalled host or a clogged link.
    pub(crate) scheduled: bool,
    /// How often in a row a broken link stopped the first item.
    pub(crate) stops: u32,
    /// Since when a clogged link holds it.
    pub(crate) held_since: Option<Instant>,
    /// The bytes written and not yet read.
    pub(crate) unread: usize,
    latest: Instant,
}

impl Lane {
    /// Adds an item that arrives at `at`, or behind the items already in transit.
    pub(crate) fn push(&mut self, at: Instant, item: Item) {
        self.latest = self.latest.max(at);
        self.unread += item.len();
        self.items.push_back((self.latest, item));
    }

    /// Puts an item back in front, to arrive at `at`.
    pub(crate) fn push_front(&mut self, at: Instant, item: Item) {
        self.latest = self.latest.max(at);
        self.unread += item.len();
        self.items.push_front((at, item));
    }

    /// Delays the first item, and everything behind it.
    pub(crate) fn postpone(&mut self, to: Instant) {
        self.latest = self.latest.max(to);
        for (at, _) in &mut self.items {
            *at = (*at).max(to);
        }
    }

    /// Discards everything, and sends only this item.
    pub(crate) fn replace(&mut self, at: Instant, item: Item) {
        self.clear();
        self.push(at, item);
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.latest = Instant::ORIGIN;
        self.stops = 0;
        self.held_since = None;
        self.unread = 0;
    }

    /// When the first item arrives.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.items.front().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let (_, item) = self.items.pop_front()?;
        self.unread -= item.len();
        Some(item)
    }

    /// The first item.
    pub(crate) fn first(&self) -> Option<&Item> {
        self.items.front().map(|(_, item)| item)
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct End {
    /// The host, if the address belongs to one.
    pub(crate) host: Option<u32>,
    /// Which life of the host's process this end belongs to.
    pub(crate) life: u32,
    /// The process's number for the stream, until it aborts it.
    pub(crate) stream: Option<StreamId>,
    /// The process has closed it, and gets no further input. Its operating system sends the rest.
    pub(crate) closed: bool,
    /// It has sent its `Finish`.
    pub(crate) finished: bool,
    /// The peer's `Finish` has arrived.
    pub(crate) heard_finish: bool,
    /// The process waits for its last write to complete.
    pub(crate) writing: bool,
}

impl End {
    pub(crate) fn new(host: Option<u32>, life: u32, stream: Option<StreamId>) -> Self {
        End {
            host,
            life,
            stream,
            closed: false,
            finished: false,
            heard_finish: false,
            writing: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) phase: Phase,
    /// The port that the dialler's operating system chose.
    pub(crate) port: u16,
    /// The target port, if it is an application's and not the node's.
    pub(crate) port_served: Option<u16>,
    /// How often in a row the request was stopped.
    pub(crate) stops: u32,
    /// The request was answered; a repetition changes nothing.
    pub(crate) answered: bool,
    /// One end hung up, and the other is being notified: no other items travel any longer.
    pub(crate) broken: bool,
    /// Written before the connection was open.
    pub(crate) early: Vec<Item>,
    /// The end that a hostile host has, and its address there.
    pub(crate) hostile: Option<(Side, SocketAddr)>,
    /// A hostile host records it.
    pub(crate) is_taped: bool,
    ends: [End; 2],
    lanes: [Lane; 2],
}

impl Connection {
    pub(crate) fn new(dialler: End, acceptor: End, port: u16) -> Self {
        Connection {
            phase: Phase::Requested,
            port,
            port_served: None,
            stops: 0,
            answered: false,
            broken: false,
            early: Vec::new(),
            hostile: None,
            is_taped: false,
            ends: [dialler, acceptor],
            lanes: [Lane::default(), Lane::default()],
        }
    }

    pub(crate) fn end(&self, side: Side) -> &End {
        &self.ends[side as usize]
    }

    pub(crate) fn end_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    /// The lane towards this side.
    pub(crate) fn lane_mut(&mut self, side: Side) -> &mut Lane {
        &mut self.lanes[side as usize]
    }

    /// Whether a hostile host has this end.
    pub(crate) fn is_hostile(&self, side: Side) -> bool {
        self.hostile.is_some_and(|(of, _)| of == side)
    }

    /// Whether the `Finish` of each side has arrived.
    pub(crate) fn is_done(&self) -> bool {
        self.ends.iter().all(|end| end.heard_finish)
    }
}

/// Every connection of the world.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<(u32, Option<Connection>)>,
    free: Vec<u32>,
    open: usize,
}

impl Connections {
    pub(crate) fn insert(&mut self, connection: Connection) -> ConnectionId {
        self.open += 1;
        if let Some(slot) = self.free.pop() {
            let (generation, place) = &mut self.slots[slot as usize];
            *place = Some(connection);
            return ConnectionId { slot, generation: *generation };
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer than 2^32 streams at once");
        self.slots.push((0, Some(connection)));
        ConnectionId { slot, generation: 0 }
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        let (generation, connection) = self.slots.get(id.slot as usize)?;
        if *generation == id.generation { connection.as_ref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let (generation, connection) = self.slots.get_mut(id.slot as usize)?;
        if *generation == id.generation { connection.as_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        let (generation, place) = self.slots.get_mut(id.slot as usize)?;
        if *generation != id.generation {
            return None;
        }
        let connection = place.take()?;
        *generation += 1;
        self.free.push(id.slot);
        self.open -= 1;
        Some(connection)
    }

    pub(crate) fn len(&self) -> usize {
        self.open
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().filter_map(|(_, connection)| connection.as_ref())
    }

    /// The connections with an end in this life of a host, with that end.
    pub(crate) fn of_host(&self, host: u32, life: u32) -> Vec<(ConnectionId, Side)> {
        let mut found = Vec::new();
        for (slot, (generation, connection)) in (0..).zip(&self.slots) {
            let Some(connection) = connection else {
                continue;
            };
            for side in [Side::Dialler, Side::Acceptor] {
                let end = connection.end(side);
                if end.host == Some(host) && end.life == life {
                    found.push((ConnectionId { slot, generation: *generation }, side));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_arrive_in_order_also_when_a_later_one_is_faster() {
        let mut lane = Lane::default();
        lane.push(Instant::from_nanos(20), Item::Opened);
        lane.push(Instant::from_nanos(10), Item::Finish);
        assert_eq!(lane.next_at(), Some(Instant::from_nanos(20)));
        assert_eq!(lane.pop(), Some(Item::Opened));
        assert_eq!(lane.next_at(), Some(Instant::from_nanos(20)));
        assert_eq!(lane.pop(), Some(Item::Finish));
    }

    #[test]
    fn a_reused_place_is_another_connection() {
        let mut connections = Connections::default();
        let connection =
            || Connection::new(End::new(Some(0), 0, None), End::new(Some(1), 0, None), 40_000);
        let first = connections.insert(connection());
        assert_eq!(connections.of_host(1, 0), [(first, Side::Acceptor)]);
        assert!(connections.remove(first).is_some());
        let second = connections.insert(connection());
        assert!(connections.get(first).is_none());
        assert!(connections.remove(first).is_none());
        assert!(connections.get(second).is_some());
        assert_eq!(connections.len(), 1);
    }
}
