//! Hosts whose process is a whole driver.

use core::net::SocketAddr;

use swim_core::Instant;
use swim_driver::{Cluster, Notice, Options};

use crate::adapter::Adapter;
use crate::application::Application;
use crate::connection::{Item, Side};
use crate::host::Condition;
use crate::packets::Packet;
use crate::process::{DriverProcess, Process};
use crate::queue::Task;
use crate::trace::Mark;
use crate::world::World;

impl World {
    /// Starts a driver with this name on a host of its own, as behind `swim-tokio`.
    ///
    /// A driver is a node with its clock, streams, seeds and commands. It takes turns, and reaches
    /// bare nodes, other drivers and the name service.
    ///
    /// The options start with the world's configuration and an address. If the caller sets no
    /// incarnation, it is the time. For commands, use [`ask`](World::ask).
    ///
    /// ```
    /// use swim_sim::{World, secs};
    ///
    /// let mut world = World::new(1);
    /// world.start("a");
    /// for name in ["b", "c"] {
    ///     world.start_driver(name, |options| options.seeds = vec!["a:7946".into()]);
    /// }
    /// world.run(secs(5));
    /// world.expect_converged();
    /// assert_eq!(world.cluster("c").members().len(), 3);
    /// ```
    ///
    /// # Panics
    /// If there is a node with this name, or the options cannot work.
    #[track_caller]
    pub fn start_driver(&mut self, name: &str, configure: impl FnOnce(&mut Options)) {
        self.start_driver_with(name, configure, None);
    }

    #[track_caller]
    pub(crate) fn start_driver_with(
        &mut self,
        name: &str,
        configure: impl FnOnce(&mut Options),
        application: Option<Application>,
    ) {
        let config = self.config_of_next(name);
        let mut options = Options::lan(config.name.clone());
        options.bind = config.address;
        options.config = config;
        configure(&mut options);
        self.check_driver(&options);
        let mut config = options.config.clone();
        config.address = options.bind;
        config.incarnation = options.incarnation.unwrap_or(config.incarnation);
        self.add_host(name, config.address, config, Some((Box::new(options), application)));
    }

    /// Restarts a driver with changed options, such as other seeds. See
    /// [`restart`](World::restart).
    ///
    /// # Panics
    /// If the node is not a driver, or the options cannot work.
    #[track_caller]
    pub fn restart_driver_with(&mut self, name: &str, configure: impl FnOnce(&mut Options)) {
        let number = self.host(name);
        let host = &self.hosts[number as usize];
        let options = host.options.clone();
        let mut options = options.unwrap_or_else(|| panic!("{name} was started as a bare node"));
        options.config = host.config.clone();
        options.incarnation = None;
        configure(&mut options);
        self.check_driver(&options);
        let incarnation = options.incarnation;
        let config = options.config.clone();
        self.hosts[number as usize].options = Some(options);
        self.restart_with(name, |current| {
            let by_clock = current.incarnation;
            *current = config;
            current.incarnation = incarnation.unwrap_or(by_clock);
        });
    }

    /// Returns the handle of a driver, for calls that do not wait.
    ///
    /// For calls that wait, use [`ask`](World::ask).
    ///
    /// # Panics
    /// If the node is not a driver, or its process is down.
    #[track_caller]
    #[must_use]
    pub fn cluster(&self, name: &str) -> Cluster {
        match &self.hosts[self.driver(name) as usize].process {
            Some(Process::Driver(process)) => process.cluster.clone(),
            _ => panic!("the process of {name} is down"),
        }
    }

    /// Returns the addresses that a driver dialled, with times, over all lives of its process.
    ///
    /// Empty without records ([`WorldOptions::records`](crate::WorldOptions::records)).
    #[track_caller]
    #[must_use]
    pub fn dials(&self, name: &str) -> &[(Instant, SocketAddr)] {
        &self.hosts[self.driver(name) as usize].dials
    }

    // For the other files.

    /// The number of a host that was started as a driver.
    #[track_caller]
    pub(crate) fn driver(&self, name: &str) -> u32 {
        let number = self.host(name);
        let is_driver = self.hosts[number as usize].options.is_some();
        assert!(is_driver, "{name} was started as a bare node; see World::start_driver");
        number
    }

    /// Schedules the next turn of a driver, because of input or a timer. Does nothing for other
    /// processes, and for stalled ones.
    pub(crate) fn call_driver(&mut self, number: u32) {
        let host = &mut self.hosts[number as usize];
        let Some(Process::Driver(process)) = &mut host.process else {
            return;
        };
        if host.condition != Condition::Running {
            return;
        }
        let at = host.polling.map_or(self.now, |polling| polling.next(self.now));
        if process.called.is_none_or(|called| at < called || called < self.now) {
            process.called = Some(at);
            self.queue.push(at, Task::Turn { host: number, life: host.life });
        }
    }

    /// Runs a driver at its scheduled time.
    pub(crate) fn driver_runs(&mut self, number: u32, life: u32) {
        let host = &mut self.hosts[number as usize];
        let Some(Process::Driver(process)) = &mut host.process else {
            return;
        };
        if host.life != life || process.called != Some(self.now) {
            return;
        }
        process.called = None;
        if host.condition == Condition::Running {
            self.take_turn(number);
        }
    }

    /// Takes a datagram that waited in a socket.
    pub(crate) fn take_packet(&mut self, place: u32) -> Packet {
        let packet = self.packets.take(place);
        self.trace.traffic.packets_delivered += 1;
        self.trace.packet_in(self.now, packet.receiver, packet.number);
        packet
    }

    // Private.

    #[track_caller]
    fn check_driver(&self, options: &Options) {
        let bind = options.bind;
        assert!(!bind.ip().is_unspecified() && bind.port() != 0, "{bind}: no host is there");
        assert!(options.advertise.is_none(), "there is no NAT here: nodes announce their address");
    }

    /// Runs one turn of a driver, and its consequences.
    fn take_turn(&mut self, number: u32) {
        let host = &mut self.hosts[number as usize];
        let reading = host.clock.reading(self.now);
        let mut process = match host.process.take() {
            Some(Process::Driver(process)) => process,
            other => return host.process = other,
        };
        self.trace.mark(self.now, number, Mark::Turn);
        let now = process.time(reading);
        process.begin_turn(now);
        // One connection per turn, as in adapters that wait for everything at once.
        self.accept_next(&mut process, number, now);
        let DriverProcess { driver, sockets, runtime, .. } = &mut *process;
        let more = driver.turn(now, &mut Adapter::new(self, number, now, (sockets, runtime)));
        while let Some(notice) = process.events.try_next() {
            if let Notice::Event(event) = notice {
                self.take_event(number, event);
            }
        }
        self.run_application(number, &mut process);
        let ended = process.executor.main_ended();
        let waits = more || process.sockets.has_some();
        if let Some(watch) = &self.options.watch {
            watch(process.driver.node());
        }
        let host = &mut self.hosts[number as usize];
        let waits = waits || !host.waiting.is_empty();
        host.process = Some(Process::Driver(process));
        if ended {
            self.note(format_args!("the application of {number} returned"));
            return self.end_process(number, Condition::Down);
        }
        self.set_alarm(number);
        if waits {
            self.call_driver(number);
        } else {
            self.check_that_it_rests(number, reading);
        }
    }

    /// After a turn that leaves no input, no timer may be due.
    fn check_that_it_rests(&self, number: u32, reading: Instant) {
        let host = &self.hosts[number as usize];
        let next = host.process.as_ref().and_then(Process::due);
        assert!(
            next.is_none_or(|next| next > reading),
            "{} spins: after a turn at {reading:?} it wants to be woken at {next:?}\n{}",
            host.label,
            self.report(None)
        );
    }

    /// Gives a driver the connection that has waited longest.
    fn accept_next(&mut self, process: &mut DriverProcess, host: u32, now: std::time::Instant) {
        let Some(id) = process.sockets.backlog.pop_front() else {
            return;
        };
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let lane = connection.lane_mut(Side::Acceptor);
        if lane.first() == Some(&Item::Accept) {
            lane.pop();
            if let Some(from) = self.dialler_of(id) {
                self.trace.mark(self.now, host, Mark::Accept);
                let accepted = process.driver.handle_accept(now, from);
                self.accepted(id, host, accepted);
            }
        }
        self.release_lane(id, Side::Acceptor);
    }
}
