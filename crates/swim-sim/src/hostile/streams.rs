//! The datagrams and streams of the hostile host, as the world carries them.

use core::net::SocketAddr;
use core::time::Duration;

use swim_core::StreamId;

use super::attacker::{Deed, Forged, is_sealed, own_address};
use super::talking::{Pace, Script, Talk};
use super::trick::Trick;
use crate::connection::{Connection, ConnectionId, End, Item, Phase, Side};
use crate::packets::Packet;
use crate::queue::Task;
use crate::trace::Mark;
use crate::world::World;

/// The id of all its streams at its own ends: the connections distinguish them.
const STREAM: StreamId = StreamId(0);

/// An action of the hostile host on a stream that a member opens.
#[derive(Debug)]
pub(crate) enum Intercept {
    /// It leads the stream to this host.
    To(u32),
    /// It takes the stream itself.
    Takes(Script),
}

impl World {
    pub(crate) fn hostile_acts(&mut self, generation: u32) {
        let seed = self.options.seed;
        let Some(attacker) = self.hostile.as_mut().filter(|it| it.is(generation)) else {
            return;
        };
        let makes_up = attacker.makes_up();
        let deeds = attacker.act(&self.hosts, seed);
        let pause = attacker.pause();
        if makes_up && !self.hosts.iter().all(is_sealed) {
            self.check_forged();
            self.disturb();
        }
        for deed in deeds {
            match deed {
                Deed::Datagram(forged) => self.launch_hostile_packet(forged),
                Deed::Talk { to, from, script } => self.open_hostile_stream(to, from, script),
            }
        }
        self.queue.push(self.now + pause, Task::Hostile { generation });
    }

    /// The latency of its traffic, from its own random numbers.
    pub(crate) fn hostile_latency(&mut self) -> Duration {
        let draw = self.hostile.as_mut().map_or(0, |attacker| attacker.draw());
        self.network.latency_by(draw)
    }

    fn launch_hostile_packet(&mut self, forged: Forged) {
        let Forged { from, to, payload } = forged;
        let at = self.now + self.hostile_latency();
        self.trace.mark(self.now, to, Mark::Inject);
        self.trace.packet_out(self.now, to, self.hosts[to as usize].address, &payload);
        self.check_question(to, from, &payload);
        self.trace.traffic.packets_hostile += 1;
        // Separate from the numbers of the members' datagrams.
        let number = self.trace.traffic.packets_hostile | 1 << 63;
        let packet = Packet { number, from, sender: None, receiver: to, payload };
        self.queue.push(at, Task::Packet(self.packets.insert(packet)));
    }

    // Streams that it opens.

    fn open_hostile_stream(&mut self, to: u32, from: SocketAddr, script: Script) {
        self.trace.traffic.streams_hostile += 1;
        let (dialler, acceptor) = (End::new(None, 0, Some(STREAM)), End::new(Some(to), 0, None));
        let mut connection = Connection::new(dialler, acceptor, from.port());
        connection.hostile = Some((Side::Dialler, from));
        let id = self.connections.insert(connection);
        let at = self.now + self.hostile_latency();
        self.queue.push(at, Task::Request(id));
        self.queue.push(self.now + self.options.connect_timeout, Task::RequestTimeout(id));
        self.keep_talk(id, Side::Dialler, script);
    }

    fn keep_talk(&mut self, id: ConnectionId, side: Side, script: Script) {
        let until = self.now + script.lasts;
        if let Some(attacker) = &mut self.hostile {
            attacker.talks.push(Talk { id, side, script, until, open: false });
            self.queue.push(until, Task::HostileTalk(id));
        }
    }

    /// Handles arrivals at the hostile host's end.
    pub(crate) fn unload_hostile_lane(&mut self, id: ConnectionId, side: Side) {
        while let Some(connection) = self.connections.get_mut(id) {
            let lane = connection.lane_mut(side);
            if lane.next_at().is_none_or(|at| at > self.now) {
                return self.schedule_lane(id, side);
            }
            let Some(item) = lane.pop() else { return };
            match item {
                Item::Opened => {
                    connection.phase = Phase::Open;
                    self.post(id, Side::Acceptor, Item::Accept);
                    self.begin_talk(id);
                }
                Item::Accept => self.begin_talk(id),
                Item::Data(_) => {
                    self.look_whether_written(id, side.other());
                    self.talk_answered(id);
                }
                Item::Finish => {
                    connection.end_mut(side).heard_finish = true;
                    if connection.is_done() {
                        self.drop_talk(id);
                    }
                }
                Item::Reset => self.drop_talk(id),
            }
        }
    }

    /// Sends the next piece, or ends the stream, as is due.
    pub(crate) fn hostile_talk_is_due(&mut self, id: ConnectionId) {
        let now = self.now;
        let Some(talk) = self.talk_mut(id) else { return };
        if talk.until <= now {
            let side = talk.side;
            self.drop_talk_entry(id);
            return self.hang_up(id, side, false);
        }
        if talk.open {
            self.say_next(id);
        }
    }

    /// Breaks off all streams of the hostile host.
    pub(super) fn end_hostile_streams(&mut self) {
        let talks = self.hostile.as_mut().map(|it| core::mem::take(&mut it.talks));
        for talk in talks.into_iter().flatten() {
            self.hang_up(talk.id, talk.side, false);
        }
    }

    fn talk_mut(&mut self, id: ConnectionId) -> Option<&mut Talk> {
        self.hostile.as_mut()?.talks.iter_mut().find(|talk| talk.id == id)
    }

    fn begin_talk(&mut self, id: ConnectionId) {
        if let Some(talk) = self.talk_mut(id)
            && !core::mem::replace(&mut talk.open, true)
        {
            self.say_next(id);
        }
    }

    fn talk_answered(&mut self, id: ConnectionId) {
        let Some(talk) = self.talk_mut(id) else { return };
        if talk.open && talk.script.pace == Pace::Answered {
            talk.script.pace = Pace::AtOnce;
            self.say_next(id);
        }
    }

    /// Sends what is next in the script.
    fn say_next(&mut self, id: ConnectionId) {
        let Some(talk) = self.talk_mut(id) else { return };
        let (to, pace) = (talk.side.other(), talk.script.pace);
        let count = if pace == Pace::AtOnce { usize::MAX } else { 1 };
        let pieces = &mut talk.script.pieces;
        let now_said: Vec<_> = pieces.drain(..count.min(pieces.len())).collect();
        let finishes = pieces.is_empty() && core::mem::take(&mut talk.script.finishes);
        let goes_on = !pieces.is_empty();
        for piece in now_said {
            self.post(id, to, Item::Data(piece));
        }
        if finishes {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.end_mut(to.other()).finished = true;
            }
            self.post(id, to, Item::Finish);
        }
        if let Pace::Every(pause) = pace
            && goes_on
        {
            self.queue.push(self.now + pause, Task::HostileTalk(id));
        }
    }

    fn drop_talk(&mut self, id: ConnectionId) {
        self.drop_talk_entry(id);
        self.remove_connection(id);
    }

    fn drop_talk_entry(&mut self, id: ConnectionId) {
        if let Some(attacker) = &mut self.hostile {
            attacker.talks.retain(|talk| talk.id != id);
        }
    }

    // Streams of members.

    /// The hostile host's action on a stream to `to` that is being opened, if any.
    pub(crate) fn intercept(&mut self, to: u32) -> Option<Intercept> {
        let attacker = self.hostile.as_mut()?;
        if attacker.springs(Trick::Lead) {
            let led = attacker.victim(&self.hosts);
            if led != to {
                attacker.note(Trick::Lead);
                return Some(Intercept::To(led));
            }
        }
        if !attacker.springs(Trick::Answer) {
            return None;
        }
        let script = attacker.false_answer()?;
        attacker.note(Trick::Answer);
        Some(Intercept::Takes(script))
    }

    /// Connects a stream for a member to the hostile host instead.
    pub(crate) fn take_stream(&mut self, id: ConnectionId, script: Script) {
        self.trace.traffic.streams_hostile += 1;
        if let Some(connection) = self.connections.get_mut(id) {
            connection.hostile = Some((Side::Acceptor, own_address()));
            *connection.end_mut(Side::Acceptor) = End::new(None, 0, Some(STREAM));
        }
        self.keep_talk(id, Side::Acceptor, script);
    }
}
