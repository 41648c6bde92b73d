//! The engine: carries out tasks that fall due, and the outputs of nodes.

use core::net::SocketAddr;

use bytes::Bytes;
use swim_core::{Answer, Event, Failure, Instant, Node, Output, RequestId, StreamOp};

use crate::fate::{Fate, Passage};
use crate::host::Condition;
use crate::network::OUTSIDE;
use crate::packets::Packet;
use crate::process::Process;
use crate::queue::Task;
use crate::socket_queue::Waiting;
use crate::trace::{Mark, Record};
use crate::world::World;

impl World {
    pub(crate) fn perform(&mut self, task: Task) {
        match task {
            Task::Packet(place) => self.packet_arrives(place),
            Task::Timer { host, generation } => self.timer_fires(host, generation),
            Task::Request(id) => self.request_arrives(id),
            Task::RequestTimeout(id) => self.request_times_out(id),
            Task::Lane(id, side) => self.lane_moves(id, side),
            Task::HeldLane(id, side) => self.held_lane_times_out(id, side),
            Task::Turn { host, life } => self.driver_runs(host, life),
            Task::Lookup(place) => self.lookup_ends(place),
            Task::Hostile { generation } => self.hostile_acts(generation),
            Task::HostileTalk(id) => self.hostile_talk_is_due(id),
        }
    }

    /// Gives the node of a host input at this instant, and carries out its outputs.
    pub(crate) fn turn<R>(&mut self, host: u32, input: impl FnOnce(&mut Node, Instant) -> R) -> R {
        let result = self.touch(host, input);
        self.pump(host);
        result
    }

    /// The first half of a turn: gives input. The outputs wait for [`pump`](World::pump).
    pub(crate) fn touch<R>(&mut self, host: u32, input: impl FnOnce(&mut Node, Instant) -> R) -> R {
        let host = &mut self.hosts[host as usize];
        let now = host.clock.reading(self.now);
        let node = host.bare_node().expect("only a bare node that exists has turns");
        let result = input(node, now);
        if let Some(watch) = &self.options.watch {
            watch(node);
        }
        result
    }

    /// The second half of a turn: carries out all outputs, and sets the alarm.
    pub(crate) fn pump(&mut self, host: u32) {
        while let Some(output) = self.hosts[host as usize].bare_node().and_then(Node::poll_output) {
            self.check_output(host, &output);
            self.carry_out(host, output);
        }
        self.check(host, |checker, by| checker.turn(by));
        self.set_alarm(host);
    }

    pub(crate) fn carry_out(&mut self, host: u32, output: Output) {
        match output {
            Output::Event(event) => self.take_event(host, event),
            Output::Answer { request, result } => self.take_answer(host, request, result),
            sent if self.hosts[host as usize].condition == Condition::Held => {
                self.hosts[host as usize].unsent.push(sent);
            }
            Output::Packet { to, payload, .. } => self.send_packet(host, to, payload),
            Output::Stream { id, op } => {
                self.trace.stream_out(self.now, host, id.0, &op);
                match op {
                    StreamOp::Open { to } => {
                        self.open_stream(host, id, to, self.options.connect_timeout);
                    }
                    StreamOp::Send(bytes) => self.write_stream(host, id, bytes),
                    StreamOp::Finish => self.finish_stream(host, id),
                    StreamOp::Close => self.close_stream(host, id),
                    StreamOp::Abort => self.abort_stream(host, id),
                }
            }
        }
    }

    // Timers.

    fn timer_fires(&mut self, number: u32, generation: u32) {
        let host = &mut self.hosts[number as usize];
        if !host.alarm.fires(generation)
            || !matches!(host.condition, Condition::Running | Condition::Held)
        {
            return;
        }
        match host.alarm.due() {
            // A timer that moved to a later time moves in the queue only now: most move many times
            // before they fire.
            Some(due) if due > self.now => self.set_timer(number, due),
            Some(_) => self.wake(number),
            None => {}
        }
    }

    pub(crate) fn wake(&mut self, number: u32) {
        if self.hosts[number as usize].runs_driver() {
            return self.call_driver(number);
        }
        self.trace.mark(self.now, number, Mark::Timer);
        self.turn(number, Node::handle_timeout);
        let reading = self.hosts[number as usize].clock.reading(self.now);
        self.check(number, |checker, by| checker.woken(by, reading));
    }

    /// Sees to it that a timer fires by the time at which the node wants to be woken.
    pub(crate) fn set_alarm(&mut self, number: u32) {
        let host = &mut self.hosts[number as usize];
        let due = host.process.as_ref().and_then(Process::due);
        let due = due.map(|reading| host.clock.world(reading).max(self.now));
        if let Some(at) = host.alarm.expect(due) {
            self.set_timer(number, at);
        }
    }

    pub(crate) fn set_timer(&mut self, number: u32, due: Instant) {
        let generation = self.hosts[number as usize].alarm.set(due);
        self.queue.push(due, Task::Timer { host: number, generation });
    }

    // Datagrams.

    pub(crate) fn send_packet(&mut self, host: u32, to: SocketAddr, payload: Bytes) {
        self.trace.packet_out(self.now, host, to, &payload);
        let from = self.hosts[host as usize].address;
        self.launch_packet(Some(host), from, to, payload);
    }

    pub(crate) fn launch_packet(
        &mut self,
        sender: Option<u32>,
        from: SocketAddr,
        to: SocketAddr,
        payload: Bytes,
    ) {
        let traffic = &mut self.trace.traffic;
        traffic.packets += 1;
        traffic.packet_bytes += payload.len() as u64;
        let number = traffic.packets;
        let receiver = self.host_at(to);
        let (source, target) = (sender.unwrap_or(OUTSIDE), receiver.unwrap_or(OUTSIDE));
        let fate = self.network.datagram(self.now, source, target, payload.len());
        let traffic = &mut self.trace.traffic;
        let Some(receiver) = receiver else {
            traffic.packets_to_nobody += 1;
            return;
        };
        if let (Some(attacker), Some(sender)) = (&mut self.hostile, sender) {
            attacker.see_datagram(from, (sender, receiver), &payload);
        }
        match fate {
            Fate::Arrives(at) => {
                let packet = Packet { number, from, sender, receiver, payload };
                self.queue.push(at, Task::Packet(self.packets.insert(packet)));
            }
            Fate::Twice(at, again) => {
                traffic.packets_duplicated += 1;
                let packet = Packet { number, from, sender, receiver, payload };
                self.queue.push(at, Task::Packet(self.packets.insert(packet.clone())));
                self.queue.push(again, Task::Packet(self.packets.insert(packet)));
            }
            Fate::Lost => traffic.packets_lost += 1,
            Fate::Cut => traffic.packets_cut += 1,
            Fate::Overflowed => traffic.packets_throttled += 1,
        }
    }

    fn packet_arrives(&mut self, place: u32) {
        let packet = self.packets.get(place);
        let passage = self.network.passage(packet.sender.unwrap_or(OUTSIDE), packet.receiver);
        if passage == Passage::Clogged {
            return self.hold_packet(place);
        }
        let host = &mut self.hosts[packet.receiver as usize];
        let traffic = &mut self.trace.traffic;
        let dropped = match host.condition {
            _ if passage == Passage::Cut => &mut traffic.packets_cut,
            Condition::Running if !host.runs_driver() => return self.deliver_packet(place),
            Condition::Running | Condition::Paused | Condition::Held
                if host.waiting.has_room(self.options.socket_buffer) =>
            {
                host.waiting.push(Waiting::Packet(place));
                let receiver = packet.receiver;
                return self.call_driver(receiver);
            }
            Condition::Running | Condition::Paused | Condition::Held => {
                &mut traffic.packets_overflowed
            }
            Condition::Down | Condition::Off => &mut traffic.packets_to_nobody,
        };
        *dropped += 1;
        self.packets.take(place);
    }

    pub(crate) fn deliver_packet(&mut self, place: u32) {
        let packet = self.packets.take(place);
        self.trace.traffic.packets_delivered += 1;
        self.trace.packet_in(self.now, packet.receiver, packet.number);
        self.turn(packet.receiver, |node, now| {
            node.handle_packet(now, packet.from, &packet.payload);
        });
    }

    // Events.

    pub(crate) fn take_event(&mut self, number: u32, event: Event) {
        let host = &mut self.hosts[number as usize];
        let life = host.life;
        self.trace.event(self.now, number, &event);
        if (self.options.records)(&event) {
            host.records.push(Record { at: self.now, life, event });
        }
    }

    fn take_answer(&mut self, number: u32, request: RequestId, result: Result<Answer, Failure>) {
        let host = &mut self.hosts[number as usize];
        let life = host.life;
        self.trace.answer(self.now, number, life, request, &result);
        host.requests.insert((life, request), Some((self.now, result)));
    }
}
