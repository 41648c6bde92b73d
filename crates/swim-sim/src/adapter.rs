//! The adapter of a driver: the sockets of its host, as used in a turn.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use swim_core::{StreamId, StreamOp};
use swim_driver::{Action, Input, Io, StreamNews};

use crate::application::{Ends, VirtualRuntime, is_of_application};
use crate::connection::{Arrival, ConnectionId, Item, Side};
use crate::process::Sockets;
use crate::socket_queue::Waiting;
use crate::trace::Mark;
use crate::world::World;

/// Gives a driver its input in a turn, and carries out its actions.
#[derive(Debug)]
pub(crate) struct Adapter<'a> {
    world: &'a mut World,
    host: u32,
    /// The time of the turn. No time passes during a turn.
    now: Instant,
    sockets: &'a mut Sockets,
    /// Delivers the application's input.
    runtime: &'a VirtualRuntime,
    /// Commands and input from the sockets alternate.
    command_next: bool,
    /// The bytes that the driver is looking at.
    data: Bytes,
}

impl<'a> Adapter<'a> {
    pub(crate) fn new(
        world: &'a mut World,
        host: u32,
        now: Instant,
        (sockets, runtime): (&'a mut Sockets, &'a VirtualRuntime),
    ) -> Self {
        Adapter { world, host, now, sockets, runtime, command_next: true, data: Bytes::new() }
    }

    /// The next input that waits in the sockets, in order of arrival.
    fn take_waiting(&mut self) -> Option<Input<'_>> {
        loop {
            let waiting = self.world.hosts[self.host as usize].waiting.pop()?;
            match waiting {
                Waiting::Packet(place) => {
                    let packet = self.world.take_packet(place);
                    self.data = packet.payload;
                    return Some(Input::Datagram { from: packet.from, payload: &self.data });
                }
                Waiting::Lane(id, side) => {
                    let backlog = &mut self.sockets.backlog;
                    let next =
                        self.world.next_of_lane((id, side), self.host, backlog, self.runtime);
                    let Some((id, arrival)) = next else { continue };
                    if is_of_application(id) {
                        let (now, input) = (self.world.now, arrival.input());
                        self.world.trace.stream_in(now, self.host, id.0, input);
                        Ends(&mut self.runtime.desk()).arrive(id, arrival);
                        continue;
                    }
                    let news = match arrival {
                        Arrival::Data(bytes) => {
                            self.data = bytes;
                            StreamNews::Data(&self.data)
                        }
                        Arrival::Opened => StreamNews::Opened,
                        Arrival::Finished => StreamNews::Finished,
                        Arrival::Failed(error) => StreamNews::Failed(error),
                    };
                    return Some(Input::Stream { id, news });
                }
                Waiting::Written(id) => {
                    self.world.trace.mark(self.world.now, self.host, Mark::Written);
                    if is_of_application(id) {
                        Ends(&mut self.runtime.desk()).written(id);
                        continue;
                    }
                    return Some(Input::Stream { id, news: StreamNews::Written });
                }
                Waiting::Lookup(place) => {
                    let (id, result) = self.world.names.take(place);
                    self.world.trace.lookup(self.world.now, self.host, &result);
                    if self.runtime.desk().resolved(id, &result) {
                        continue;
                    }
                    return Some(Input::Resolved { id, result });
                }
            }
        }
    }
}

impl Io for Adapter<'_> {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        let now = self.now;
        self.command_next = !self.command_next;
        if !self.command_next
            && let Some(command) = self.sockets.command()
        {
            return Some((now, Input::Command(command)));
        }
        if self.world.hosts[self.host as usize].waiting.is_empty() {
            return self.sockets.command().map(|command| (now, Input::Command(command)));
        }
        self.take_waiting().map(|input| (now, input))
    }

    fn perform(&mut self, action: Action) {
        let (world, host) = (&mut *self.world, self.host);
        match action {
            Action::Send { to, payload } => world.send_packet(host, to, payload),
            Action::Dial { id, to, timeout, .. } => {
                world.trace.stream_out(world.now, host, id.0, &StreamOp::Open { to });
                if world.options.dials_kept {
                    world.hosts[host as usize].dials.push((world.now, to));
                }
                let timeout = timeout.min(world.options.connect_timeout);
                world.open_stream(host, id, to, timeout);
            }
            Action::Write { id, bytes } => world.write_for_driver(host, id, bytes),
            Action::Finish { id } => {
                world.trace.stream_out(world.now, host, id.0, &StreamOp::Finish);
                world.finish_stream(host, id);
            }
            Action::Abort { id } => {
                world.trace.stream_out(world.now, host, id.0, &StreamOp::Abort);
                world.abort_stream(host, id);
            }
            Action::Resolve { id, host: name, port } => world.look_up(host, id, name, port),
        }
    }
}

impl World {
    /// Takes a driver's next input from this lane. `None` for a connection to accept, which goes to
    /// the backlog, and for input that is not the driver's.
    fn next_of_lane(
        &mut self,
        (id, side): (ConnectionId, Side),
        host: u32,
        backlog: &mut VecDeque<ConnectionId>,
        runtime: &VirtualRuntime,
    ) -> Option<(StreamId, Arrival)> {
        let life = self.hosts[host as usize].life;
        let now = self.now;
        let connection = self.connections.get_mut(id)?;
        let end = connection.end(side);
        let (stream, same_life, port) = (end.stream, end.life == life, connection.port_served);
        let lane = connection.lane_mut(side);
        if lane.next_at().is_none_or(|at| at > now) {
            self.release_lane(id, side);
            return None;
        }
        if lane.first() == Some(&Item::Accept) && same_life {
            let Some(port) = port else {
                backlog.push_back(id);
                return None;
            };
            lane.pop();
            self.accept_for_application(id, (host, port), runtime);
            self.go_on_with_lane(id, side, host);
            return None;
        }
        if let (Some(stream), Some(Item::Data(_))) = (stream, lane.first())
            && is_of_application(stream)
            && !Ends(&mut runtime.desk()).has_room(stream, (id, side))
        {
            return None;
        }
        let is_closed = connection.end(side).closed;
        let lane = connection.lane_mut(side);
        if let (true, Some(Item::Data(_))) = (is_closed, lane.first())
            && stream.is_some_and(is_of_application)
        {
            // The application has dropped it: its operating system resets the connection of a peer
            // that goes on writing.
            lane.pop();
            self.hang_up(id, side, false);
            self.release_lane(id, side);
            return None;
        }
        let item = lane.pop()?;
        if stream.is_none() {
            // It was meant for an earlier process of this host.
            self.hang_up(id, side, false);
            self.release_lane(id, side);
            return None;
        }
        let arrival = self.arrive(id, side, item);
        self.go_on_with_lane(id, side, host);
        arrival
    }

    /// Further items of this lane wait behind those of other lanes.
    fn go_on_with_lane(&mut self, id: ConnectionId, side: Side, host: u32) {
        let now = self.now;
        match self.connections.get_mut(id).and_then(|known| known.lane_mut(side).next_at()) {
            Some(at) if at <= now => {
                self.hosts[host as usize].waiting.push(Waiting::Lane(id, side));
            }
            _ => self.release_lane(id, side),
        }
    }

    /// Writes to a stream, and has the driver notified when the write completes.
    pub(crate) fn write_for_driver(&mut self, host: u32, stream: StreamId, bytes: Bytes) {
        self.trace.stream_out(self.now, host, stream.0, &StreamOp::Send(bytes.clone()));
        self.write_stream(host, stream, bytes);
        let Some(&(id, side)) = self.hosts[host as usize].streams.get(&stream) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(id) {
            connection.end_mut(side).writing = true;
            self.look_whether_written(id, side);
        }
    }

    /// Notifies the driver at one end once the peer has read enough of its last write.
    pub(crate) fn look_whether_written(&mut self, id: ConnectionId, writer: Side) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let end = connection.end(writer);
        let (Some(host), Some(stream), true) = (end.host, end.stream, end.writing) else {
            return;
        };
        if connection.lane_mut(writer.other()).unread <= self.options.stream_buffer {
            connection.end_mut(writer).writing = false;
            self.hosts[host as usize].waiting.push(Waiting::Written(stream));
            self.call_driver(host);
        }
    }
}

/// How long an adapter waits for the answer to a lookup, as `swim-tokio` does.
pub(crate) const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);
