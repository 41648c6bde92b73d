//! Operations on streams. The model is described in `connection.rs`.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use rand_core::Rng;
use swim_core::{ConnectionError, Instant, Node, Refused, StreamId, StreamInput};

use crate::application::is_of_application;
use crate::clog::HeldInput;
use crate::connection::{Arrival, Connection, ConnectionId, End, Item, Phase, Side};
use crate::host::Condition;
use crate::hostile::Intercept;
use crate::network::{Network, OUTSIDE};
use crate::options::Pieces;
use crate::queue::Task;
use crate::socket_queue::Waiting;
use crate::time::secs;
use crate::trace::Mark;
use crate::world::World;

/// The first port that operating systems use for outgoing connections, and how many they use.
const DIALLER_PORTS: (u16, u16) = (32_768, 28_232);

/// The sender's operating system gives up after this many stops in a row.
const STOPS_MAX: u32 = 12;

/// How long those stops take: 0.2 s, 0.4 s, ... 6.4 s, the last one seven times.
const STOPPED_MAX: Duration = secs(51);

impl World {
    // Outputs of nodes.

    pub(crate) fn open_stream(
        &mut self,
        host: u32,
        stream: StreamId,
        to: SocketAddr,
        timeout: Duration,
    ) {
        self.open_connection(host, stream, (self.host_at(to), None), timeout);
    }

    /// Opens a connection to a host, if there is one, at the port of its node or at another one.
    pub(crate) fn open_connection(
        &mut self,
        host: u32,
        stream: StreamId,
        (target, port_served): (Option<u32>, Option<u16>),
        timeout: Duration,
    ) {
        let traffic = &mut self.trace.traffic;
        traffic.streams += 1;
        let port = DIALLER_PORTS.0
            + u16::try_from(traffic.streams % u64::from(DIALLER_PORTS.1)).unwrap_or(0);
        let dialler = End::new(Some(host), self.hosts[host as usize].life, Some(stream));
        let mut connection = Connection::new(dialler, End::new(target, 0, None), port);
        connection.port_served = port_served;
        let id = self.connections.insert(connection);
        self.hosts[host as usize].streams.insert(stream, (id, Side::Dialler));
        let at = self.network.request(self.now, host, target.unwrap_or(OUTSIDE));
        if let Some(target) = target {
            self.queue.push(at, Task::Request(id));
            if !is_of_application(stream) {
                self.show_stream(id, host, target);
            }
        }
        self.queue.push(self.now + timeout, Task::RequestTimeout(id));
    }

    /// Shows a stream that is being opened to the hostile host, which may redirect it.
    fn show_stream(&mut self, id: ConnectionId, host: u32, target: u32) {
        let Some(attacker) = &mut self.hostile else { return };
        let is_taped = attacker.see_stream(id, (host, target));
        let intercept = self.intercept(target);
        if let Some(connection) = self.connections.get_mut(id) {
            connection.is_taped = is_taped;
            if let Some(Intercept::To(led)) = intercept {
                connection.end_mut(Side::Acceptor).host = Some(led);
            }
        }
        if let Some(Intercept::Takes(script)) = intercept {
            self.take_stream(id, script);
        }
    }

    pub(crate) fn write_stream(&mut self, host: u32, stream: StreamId, bytes: Bytes) {
        self.trace.traffic.stream_bytes += bytes.len() as u64;
        self.write_item(host, stream, Item::Data(bytes));
    }

    pub(crate) fn finish_stream(&mut self, host: u32, stream: StreamId) {
        self.write_item(host, stream, Item::Finish);
    }

    /// The process forgets a stream. Earlier writes still arrive, but further input does not reach
    /// it.
    pub(crate) fn close_stream(&mut self, host: u32, stream: StreamId) {
        self.hosts[host as usize].outside.remove(&stream);
        // If both sides have finished, the connection is gone by now.
        if let Some((id, side)) = self.hosts[host as usize].streams.remove(&stream)
            && let Some(connection) = self.connections.get_mut(id)
        {
            connection.end_mut(side).closed = true;
        }
    }

    pub(crate) fn abort_stream(&mut self, host: u32, stream: StreamId) {
        self.hosts[host as usize].outside.remove(&stream);
        // An aborted stream may be unknown, because it failed just now.
        if let Some((id, side)) = self.hosts[host as usize].streams.remove(&stream) {
            self.hang_up(id, side, false);
        }
    }

    /// Hangs up one end. The other end sees a failure, unless `silent`.
    pub(crate) fn hang_up(&mut self, id: ConnectionId, side: Side, silent: bool) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.end_mut(side).stream = None;
        if !silent {
            // A silent end lost its power: items sent to it get no answer, and are repeated.
            connection.lane_mut(side).clear();
        }
        if connection.end(side.other()).stream.is_none() {
            // Neither process has it, or the acceptor's process never got it.
            self.connections.remove(id);
        } else if !silent {
            self.reset(id, side.other());
        }
    }

    // Input from the network.

    pub(crate) fn request_arrives(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.answered {
            return;
        }
        if connection.is_hostile(Side::Acceptor) {
            connection.answered = true;
            return self.post(id, Side::Dialler, Item::Opened);
        }
        let from = connection.end(Side::Dialler).host.unwrap_or(OUTSIDE);
        let Some(to) = connection.end(Side::Acceptor).host else { return };
        let port = connection.port_served;
        let (condition, life) = (self.hosts[to as usize].condition, self.hosts[to as usize].life);
        let cut = self.network.stops_stream(from, to) || self.network.stops_stream(to, from);
        if cut || condition == Condition::Off {
            let again = Network::request_again(connection.stops);
            connection.stops += 1;
            self.trace.traffic.streams_stalled += 1;
            self.queue.push(self.now + again, Task::Request(id));
            return;
        }
        if self.network.holds(from, to) {
            return self.hold_request(id, (from, to));
        }
        let is_served = condition != Condition::Down && self.serves(to, port);
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.answered = true;
        if !is_served {
            self.reset(id, Side::Dialler);
        } else {
            connection.end_mut(Side::Acceptor).life = life;
            self.post(id, Side::Dialler, Item::Opened);
        }
    }

    pub(crate) fn request_times_out(&mut self, id: ConnectionId) {
        let connection = self.connections.get(id);
        if connection.is_some_and(|connection| connection.phase == Phase::Requested) {
            self.give_up(id, Side::Dialler);
        }
    }

    /// Handles an item that may have arrived at this end.
    pub(crate) fn lane_moves(&mut self, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.lane_mut(side).scheduled = false;
        let Some(at) = connection.lane_mut(side).next_at() else {
            return;
        };
        if at > self.now {
            return self.schedule_lane(id, side);
        }
        let from = connection.end(side.other()).host.unwrap_or(OUTSIDE);
        let Some(to) = connection.end(side).host else {
            return self.unload_hostile_lane(id, side);
        };
        // A time-out comes from the host itself, so no broken link stops it.
        let stopped = connection.phase != Phase::GivenUp && self.network.stops_stream(from, to);
        if stopped || self.hosts[to as usize].condition == Condition::Off {
            self.trace.traffic.streams_stalled += 1;
            let lane = connection.lane_mut(side);
            if lane.stops >= STOPS_MAX {
                return self.give_up(id, side.other());
            }
            let again = self.now + Network::piece_again(lane.stops);
            lane.stops += 1;
            lane.postpone(again);
            return self.schedule_lane(id, side);
        }
        if connection.phase != Phase::GivenUp && self.network.holds(from, to) {
            return self.hold_lane(id, side, (from, to));
        }
        connection.lane_mut(side).stops = 0;
        let host = &mut self.hosts[to as usize];
        match host.condition {
            Condition::Running if host.runs_driver() => self.lane_waits(id, side, to),
            Condition::Paused | Condition::Held => self.lane_waits(id, side, to),
            Condition::Running | Condition::Down | Condition::Off => self.unload_lane(id, side, to),
        }
    }

    /// The operating system of the sender gives up if a clogged link has held an item for too long.
    pub(crate) fn held_lane_times_out(&mut self, id: ConnectionId, side: Side) {
        let since = self.connections.get_mut(id).and_then(|known| known.lane_mut(side).held_since);
        if since.is_some_and(|since| since + STOPPED_MAX <= self.now) {
            self.give_up(id, side.other());
        }
    }

    // Private.

    /// Queues an arrived item until its process takes it.
    fn lane_waits(&mut self, id: ConnectionId, side: Side, host: u32) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.lane_mut(side).scheduled = true;
            self.hosts[host as usize].waiting.push(Waiting::Lane(id, side));
            self.call_driver(host);
        }
    }

    fn hold_lane(&mut self, id: ConnectionId, side: Side, link: (u32, u32)) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let lane = connection.lane_mut(side);
        lane.scheduled = true;
        if lane.held_since.is_none() {
            lane.held_since = Some(self.now);
            self.queue.push(self.now + STOPPED_MAX, Task::HeldLane(id, side));
            self.hold(link, HeldInput::Lane(id, side));
        }
    }

    fn hold_request(&mut self, id: ConnectionId, link: (u32, u32)) {
        self.hold(link, HeldInput::Request(id));
    }

    fn write_item(&mut self, host: u32, stream: StreamId, item: Item) {
        let Some(&(id, side)) = self.hosts[host as usize].streams.get(&stream) else {
            return;
        };
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let end = connection.end_mut(side);
        assert!(
            !end.finished,
            "{} writes to {stream:?} after it finished it\n{}",
            self.hosts[host as usize].label,
            self.report(None)
        );
        end.finished = item == Item::Finish;
        if side == Side::Dialler && connection.phase != Phase::Open {
            connection.early.push(item);
        } else {
            self.post(id, side.other(), item);
        }
    }

    /// Sends an item to one end.
    pub(crate) fn post(&mut self, id: ConnectionId, to: Side, item: Item) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.broken {
            return;
        }
        if let (true, Item::Data(bytes), Some(attacker)) =
            (connection.is_taped, &item, &mut self.hostile)
        {
            attacker.hear(id, to.other(), bytes);
        }
        let at = self.arrival(id, to, item.len());
        if let Some(connection) = self.connections.get_mut(id) {
            connection.lane_mut(to).push(at, item);
        }
        self.schedule_lane(id, to);
    }

    /// When a piece of `bytes` bytes sent now arrives at this end.
    fn arrival(&mut self, id: ConnectionId, to: Side, bytes: usize) -> Instant {
        let Some(connection) = self.connections.get(id) else {
            return self.now;
        };
        if connection.hostile.is_some() {
            return self.now + self.hostile_latency();
        }
        self.network.piece(
            self.now,
            connection.end(to.other()).host.unwrap_or(OUTSIDE),
            connection.end(to).host.unwrap_or(OUTSIDE),
            bytes,
        )
    }

    /// Resets the connection for one end.
    fn reset(&mut self, id: ConnectionId, to: Side) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if core::mem::replace(&mut connection.broken, true) {
            return;
        }
        let at = self.arrival(id, to, 0);
        if let Some(connection) = self.connections.get_mut(id) {
            connection.lane_mut(to).replace(at, Item::Reset);
        }
        // Always another task: the one for the replaced items may be due later.
        self.queue.push(at, Task::Lane(id, to));
    }

    /// The operating system at one end stops trying to reach the other, and reports a time-out.
    fn give_up(&mut self, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.phase = Phase::GivenUp;
        connection.answered = true;
        connection.broken = true;
        if connection.end(side).stream.is_none() {
            return self.remove_connection(id);
        }
        connection.lane_mut(side).replace(self.now, Item::Reset);
        self.queue.push(self.now, Task::Lane(id, side));
    }

    pub(crate) fn schedule_lane(&mut self, id: ConnectionId, side: Side) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let lane = connection.lane_mut(side);
        if let Some(at) = lane.next_at()
            && !lane.scheduled
        {
            lane.scheduled = true;
            self.queue.push(at.max(self.now), Task::Lane(id, side));
        }
    }

    /// A lane no longer waits at a stalled host or a clogged link.
    pub(crate) fn release_lane(&mut self, id: ConnectionId, side: Side) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.lane_mut(side).scheduled = false;
            connection.lane_mut(side).held_since = None;
            self.schedule_lane(id, side);
        }
    }

    /// Gives the process the items that have arrived at its end.
    pub(crate) fn unload_lane(&mut self, id: ConnectionId, side: Side, host: u32) {
        while let Some(connection) = self.connections.get_mut(id) {
            let lane = connection.lane_mut(side);
            if lane.next_at().is_none_or(|at| at > self.now) {
                return self.schedule_lane(id, side);
            }
            let Some(item) = lane.pop() else { return };
            let end = connection.end(side);
            let closed = end.closed;
            let expected = match item {
                Item::Accept => end.life == self.hosts[host as usize].life,
                _ => end.stream.is_some(),
            };
            if !expected || self.hosts[host as usize].process.is_none() {
                // It was meant for an earlier process of this host.
                self.hang_up(id, side, false);
            } else if item == Item::Accept {
                self.accept(id, host);
            } else if let Some((stream, arrival)) = self.arrive(id, side, item)
                && !closed
            {
                self.give(host, stream, arrival.input());
            }
        }
    }

    /// Takes an item that has arrived at one end, and converts it for the process there.
    pub(crate) fn arrive(
        &mut self,
        id: ConnectionId,
        side: Side,
        item: Item,
    ) -> Option<(StreamId, Arrival)> {
        let connection = self.connections.get_mut(id)?;
        let stream = connection.end(side).stream?;
        let arrival = match item {
            Item::Data(bytes) => Arrival::Data(self.next_piece(id, side, bytes)),
            Item::Opened => {
                connection.phase = Phase::Open;
                self.trace.traffic.streams_opened += 1;
                let early = core::mem::take(&mut connection.early);
                self.post(id, Side::Acceptor, Item::Accept);
                for item in early {
                    self.post(id, Side::Acceptor, item);
                }
                Arrival::Opened
            }
            Item::Finish => {
                connection.end_mut(side).heard_finish = true;
                if connection.is_done() {
                    self.remove_connection(id);
                }
                Arrival::Finished
            }
            Item::Accept | Item::Reset => {
                let error = match connection.phase {
                    Phase::Requested => ConnectionError::Refused,
                    Phase::Open => ConnectionError::Reset,
                    Phase::GivenUp => ConnectionError::TimedOut,
                };
                if !connection.end(side).closed {
                    self.trace.traffic.streams_failed += 1;
                }
                self.remove_connection(id);
                Arrival::Failed(error)
            }
        };
        Some((stream, arrival))
    }

    /// Takes the first piece of a write; the rest arrives after it.
    fn next_piece(&mut self, id: ConnectionId, side: Side, mut bytes: Bytes) -> Bytes {
        let by_a_host = self.connections.get(id).is_some_and(|it| !it.is_hostile(side.other()));
        let (size, gap) = match self.options.pieces {
            // The hostile host chose its pieces itself.
            _ if !by_a_host => (bytes.len(), Duration::ZERO),
            Pieces::Whole => (bytes.len(), Duration::ZERO),
            Pieces::Bytes => (1, Duration::from_micros(1)),
            Pieces::Random(max) => {
                let draw = self.pieces_rng.next_u64();
                let size = 1 + (draw >> 32) % u64::from(max.max(1));
                let gap = Duration::from_nanos((draw & 0xffff_ffff) % 20_000);
                (usize::try_from(size).unwrap_or(usize::MAX), gap)
            }
        };
        let piece = bytes.split_to(size.min(bytes.len()));
        if let Some(connection) = self.connections.get_mut(id)
            && !bytes.is_empty()
        {
            connection.lane_mut(side).push_front(self.now + gap, Item::Data(bytes));
        }
        self.look_whether_written(id, side.other());
        piece
    }

    fn accept(&mut self, id: ConnectionId, host: u32) {
        let Some(from) = self.dialler_of(id) else {
            return;
        };
        self.trace.mark(self.now, host, Mark::Accept);
        let accepted = self.touch(host, |node: &mut Node, now| node.handle_accept(now, from));
        self.accepted(id, host, accepted);
        self.pump(host);
    }

    /// The address from which a connection comes.
    pub(crate) fn dialler_of(&self, id: ConnectionId) -> Option<SocketAddr> {
        let connection = self.connections.get(id)?;
        if let Some((Side::Dialler, from)) = connection.hostile {
            return Some(from);
        }
        let dialler = connection.end(Side::Dialler).host.expect("all other diallers are hosts");
        Some(SocketAddr::new(self.hosts[dialler as usize].address.ip(), connection.port))
    }

    /// Handles a process's decision to accept or refuse a connection.
    pub(crate) fn accepted(
        &mut self,
        id: ConnectionId,
        host: u32,
        accepted: Result<StreamId, Refused>,
    ) {
        match accepted {
            Ok(stream) => {
                if let Some(from) = self.dialler_of(id) {
                    self.check(host, |checker, by| checker.stream_accepted(by, stream, from));
                }
                self.hosts[host as usize].streams.insert(stream, (id, Side::Acceptor));
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.end_mut(Side::Acceptor).stream = Some(stream);
                }
            }
            Err(_) => {
                self.trace.traffic.streams_refused += 1;
                self.hang_up(id, Side::Acceptor, false);
            }
        }
    }

    fn give(&mut self, host: u32, stream: StreamId, input: StreamInput<'_>) {
        self.trace.stream_in(self.now, host, stream.0, input);
        self.check(host, |checker, by| checker.stream_input(by, stream, input));
        self.turn(host, |node, now| node.handle_stream(now, stream, input));
    }

    pub(crate) fn remove_connection(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(id) else {
            return;
        };
        for side in [Side::Dialler, Side::Acceptor] {
            let end = connection.end(side);
            if let (Some(host), Some(stream)) = (end.host, end.stream) {
                self.hosts[host as usize].streams.remove(&stream);
            }
        }
    }
}
