//! How a world serves its applications: runs their tasks, carries out their requests, and delivers
//! input.

use core::net::{IpAddr, SocketAddr};

use swim_core::{Instant, StreamOp};

use super::desk::Want;
use super::executor::{Program, Task};
use super::virtual_runtime::VirtualRuntime;
use crate::connection::{ConnectionId, Side};
use crate::process::{DriverProcess, Process};
use crate::socket_queue::Waiting;
use crate::trace::Mark;
use crate::world::World;

impl World {
    /// Runs the tasks of a process as far as they get at this instant.
    pub(crate) fn run_application(&mut self, number: u32, process: &mut DriverProcess) {
        let blame = OnPanic { world: self, host: number };
        loop {
            for spawned in process.runtime.desk().take_spawned() {
                process.executor.add(Program::Spawned, Task(spawned.0));
            }
            match process.executor.poll_next(blame.world.now) {
                Ok(true) => {}
                Ok(false) => break,
                Err(reason) => {
                    let name = &blame.world.hosts[number as usize].label;
                    panic!("{name}: {reason}");
                }
            }
        }
        drop(blame);
        // One by one, so that the desk is not locked while a request is carried out.
        loop {
            let want = process.runtime.desk().take_want();
            let Some(want) = want else { break };
            self.carry_out_want(number, want);
        }
    }

    fn carry_out_want(&mut self, host: u32, want: Want) {
        match want {
            Want::Connect { id, to } => {
                self.trace.stream_out(self.now, host, id.0, &StreamOp::Open { to });
                let (target, port) = self.served_at(to);
                let timeout = self.options.connect_timeout;
                self.open_connection(host, id, (target, port), timeout);
            }
            Want::Write { id, bytes } => self.write_for_driver(host, id, bytes),
            Want::Finish { id } => {
                self.trace.stream_out(self.now, host, id.0, &StreamOp::Finish);
                self.finish_stream(host, id);
            }
            Want::Close { id } => {
                self.trace.stream_out(self.now, host, id.0, &StreamOp::Close);
                self.close_stream(host, id);
            }
            Want::Abort { id } => {
                self.trace.stream_out(self.now, host, id.0, &StreamOp::Abort);
                self.abort_stream(host, id);
            }
            Want::Resume { lane: (id, side) } => {
                self.hosts[host as usize].waiting.push(Waiting::Lane(id, side));
            }
            Want::Resolve { id, host: name, port } => self.look_up(host, id, name, port),
        }
    }

    /// The host at this address, and the port if it is not the node's.
    fn served_at(&self, to: SocketAddr) -> (Option<u32>, Option<u16>) {
        if let Some(host) = self.host_at(to) {
            return (Some(host), None);
        }
        (self.host_with_ip(to.ip()), Some(to.port()))
    }

    fn host_with_ip(&self, ip: IpAddr) -> Option<u32> {
        let number = crate::host::number_of(SocketAddr::new(ip, crate::host::PORT));
        let is_there = |number: &u32| {
            let host = self.hosts.get(*number as usize);
            host.is_some_and(|host| host.address.ip() == ip)
        };
        let [first, last] = [0, u16::MAX].map(|port| SocketAddr::new(ip, port));
        let other = || self.other_addresses.range(first..=last).next().map(|(_, host)| *host);
        number.filter(is_there).or_else(other)
    }

    /// Whether `host` accepts connections at this port; `None` is the node's port.
    pub(crate) fn serves(&self, host: u32, port: Option<u16>) -> bool {
        let process = &self.hosts[host as usize].process;
        match (port, process) {
            (None, _) => true,
            (Some(port), Some(Process::Driver(process))) => process.runtime.desk().listens(port),
            (Some(_), _) => false,
        }
    }

    /// Accepts a connection to a port of an application.
    pub(crate) fn accept_for_application(
        &mut self,
        id: ConnectionId,
        (host, port): (u32, u16),
        runtime: &VirtualRuntime,
    ) {
        let Some(from) = self.dialler_of(id) else { return };
        self.trace.mark(self.now, host, Mark::Accept);
        let offered = runtime.desk().offer(port, from);
        let Some(stream) = offered else {
            self.trace.traffic.streams_refused += 1;
            return self.hang_up(id, Side::Acceptor, false);
        };
        self.hosts[host as usize].streams.insert(stream, (id, Side::Acceptor));
        if let Some(connection) = self.connections.get_mut(id) {
            connection.end_mut(Side::Acceptor).stream = Some(stream);
        }
    }
}

/// Prints which application a panic came from.
struct OnPanic<'a> {
    world: &'a World,
    host: u32,
}

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = &self.world.hosts[self.host as usize].label;
            let at = self.world.now - Instant::ORIGIN;
            eprintln!("-- in the application of {name}, at {at:?}");
        }
    }
}
