//! The world: hosts, the network between them, and virtual time.

use core::cell::Cell;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rand_chacha::ChaCha8Rng;
use swim_core::{Config, Incarnation, Instant, Name, Node};
use swim_driver::Options as Settings;

use crate::application::Application;
use crate::checkers::Panel;
use crate::clog::Held;
use crate::connection::{Connections, Side};
use crate::host::{Condition, Host, address_of, number_of};
use crate::hostile::Attacker;
use crate::names::Names;
use crate::network::Network;
use crate::options::WorldOptions;
use crate::packets::Packets;
use crate::polling::phases;
use crate::process::{self, DriverProcess, Process};
use crate::queue::Queue;
use crate::random::{Draws, generator};
use crate::socket_queue::Waiting;
use crate::time::millis;
use crate::trace::{Mark, Record, Trace, Traffic};

/// Simulates a cluster in one thread, on virtual time.
///
/// A run is a pure function of the [`WorldOptions`] (with the seed) and of the calls.
///
/// Methods take the name that a node was started with. An unknown name is a mistake in the test,
/// and panics.
///
/// The methods come in groups:
///
/// - nodes: [`start`](World::start), [`crash`](World::crash), ...
/// - time: [`run`](World::run), ...
/// - commands: [`join`](World::join), [`command`](World::command), ...
/// - faults: [`cut`](World::cut), [`pause`](World::pause), ...
/// - questions: [`state`](World::state), ...
/// - expectations, which panic with a report: [`expect_failed`](World::expect_failed), ...
#[derive(Debug)]
pub struct World {
    pub(crate) options: WorldOptions,
    pub(crate) now: Instant,
    pub(crate) hosts: Vec<Host>,
    labels: BTreeMap<String, u32>,
    /// Addresses that do not follow from a host's number: configured ones and forwarded ones.
    pub(crate) other_addresses: BTreeMap<SocketAddr, u32>,
    pub(crate) network: Network,
    /// Input held by clogged links, in order of arrival.
    pub(crate) held: Vec<Held>,
    pub(crate) queue: Queue,
    pub(crate) packets: Packets,
    pub(crate) connections: Connections,
    /// Cuts streams into pieces. Separate from the network's generator, so that the size of pieces
    /// does not shift other draws.
    pub(crate) pieces_rng: ChaCha8Rng,
    /// The name service of drivers.
    pub(crate) names: Names,
    pub(crate) polling_rng: ChaCha8Rng,
    /// The hostile host, once there was one.
    pub(crate) hostile: Option<Box<Attacker>>,
    /// The standard library's time at which a host's clock shows 0. Drivers use that type.
    origin: std::time::Instant,
    pub(crate) trace: Trace,
    pub(crate) panel: Panel,
    /// Faults and commands so far, for reports.
    pub(crate) notes: Vec<(Instant, String)>,
    /// A report was written.
    pub(crate) reported: Cell<bool>,
}

/// The Unix time at which worlds begin. As behind a real adapter, a node's incarnation is the time
/// of its start in seconds.
const EPOCH: u64 = 1_700_000_000;

/// How often [`World::run_until`] checks its condition.
const LOOK_EVERY: Duration = millis(10);

impl World {
    /// Makes a world with the default [`WorldOptions`].
    #[must_use]
    pub fn new(seed: u64) -> Self {
        WorldOptions::new(seed).build()
    }

    pub(crate) fn with(mut options: WorldOptions) -> Self {
        let checkers = core::mem::take(&mut options.checkers);
        World {
            now: Instant::ORIGIN,
            hosts: Vec::new(),
            labels: BTreeMap::new(),
            other_addresses: BTreeMap::new(),
            network: Network::new(options.seed, options.network),
            held: Vec::new(),
            queue: Queue::default(),
            packets: Packets::default(),
            connections: Connections::default(),
            pieces_rng: generator(options.seed, Draws::Pieces),
            names: Names::new(options.seed),
            polling_rng: phases(options.seed),
            hostile: None,
            origin: process::any_instant(),
            trace: Trace::new(options.digest),
            panel: Panel::new(checkers, options.keep_violations),
            notes: Vec::new(),
            reported: Cell::new(false),
            options,
        }
    }

    // Nodes.

    /// Starts a node with this name on a host of its own.
    #[track_caller]
    pub fn start(&mut self, name: &str) {
        self.start_with(name, |_| {});
    }

    /// Starts a node with this name on a host of its own, with a changed configuration.
    ///
    /// With the [`Config::name`] of another node, two live nodes have one name. The methods of the
    /// world still use `name` for this one.
    #[track_caller]
    pub fn start_with(&mut self, name: &str, configure: impl FnOnce(&mut Config)) {
        let mut config = self.config_of_next(name);
        configure(&mut config);
        self.add_host(name, config.address, config, None);
    }

    /// Starts a node that announces an address other than its host's, as behind NAT.
    ///
    /// Nothing reaches it at the announced address until [`forward`](World::forward). Its own
    /// packets and the answers to them arrive.
    ///
    /// ```
    /// use swim_core::Event;
    /// use swim_sim::{World, secs};
    ///
    /// let mut world = World::new(1);
    /// world.form(3);
    /// world.start_announcing("hidden", "203.0.113.7:7946".parse()?);
    /// world.join("hidden", "n0");
    /// world.run(secs(6));
    /// let unreachable = |event: &Event| matches!(event, Event::AddressUnreachable { .. });
    /// assert!(world.events("hidden").iter().any(|record| unreachable(&record.event)));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[track_caller]
    pub fn start_announcing(&mut self, name: &str, announced: SocketAddr) {
        let mut config = self.config_of_next(name);
        let address = core::mem::replace(&mut config.address, announced);
        self.add_host(name, address, config, None);
    }

    /// Starts `nodes` nodes "n0", "n1", ...; each joins n0 and one other at once.
    ///
    /// It does not wait for the joins: see [`form`](World::form).
    #[track_caller]
    pub fn gather(&mut self, nodes: usize) {
        for number in 0..nodes {
            self.start(&format!("n{number}"));
        }
        for number in 1..nodes {
            // A second contact, because a node accepts a limited number of streams at a time.
            let second = format!("n{}", number / 2);
            let contacts = if number < 2 { vec!["n0"] } else { vec!["n0", second.as_str()] };
            self.join_each(&format!("n{number}"), &contacts);
        }
    }

    /// Starts a cluster of "n0", "n1", ... and waits until all nodes know each other.
    #[track_caller]
    pub fn form(&mut self, nodes: usize) {
        self.gather(nodes);
        self.settle(Duration::from_secs(120));
    }

    /// Kills the node's process without a leave message. Its host is up and refuses connections.
    #[track_caller]
    pub fn crash(&mut self, name: &str) {
        let host = self.existing(name);
        self.note(format_args!("crash {name}"));
        self.end_process(host, Condition::Down);
    }

    /// Cuts the power of the node's host: nothing answers, and open streams go silent.
    #[track_caller]
    pub fn power_off(&mut self, name: &str) {
        let host = self.existing(name);
        self.note(format_args!("power off {name}"));
        self.end_process(host, Condition::Off);
    }

    /// Restarts the node with its configuration. It remembers nothing; its incarnation is the time.
    ///
    /// A process that still runs is killed first.
    #[track_caller]
    pub fn restart(&mut self, name: &str) {
        self.restart_with(name, |_| {});
    }

    /// Restarts the node with a changed configuration. See [`restart`](World::restart).
    ///
    /// With another name, a different node has the address.
    ///
    /// # Panics
    /// If the configuration has another address.
    #[track_caller]
    pub fn restart_with(&mut self, name: &str, configure: impl FnOnce(&mut Config)) {
        let address = self.hosts[self.host(name) as usize].config.address;
        self.restart_anyhow(name, |config| {
            configure(config);
            assert_eq!(config.address, address, "a host keeps its address; start another one");
        });
    }

    /// Restarts the node with a changed configuration. The node may announce an address other than
    /// its host's: see [`start_announcing`](World::start_announcing).
    #[track_caller]
    pub(crate) fn restart_anyhow(&mut self, name: &str, configure: impl FnOnce(&mut Config)) {
        let host = self.host(name);
        self.note(format_args!("restart {name}"));
        if self.hosts[host as usize].process.is_some() {
            self.end_process(host, Condition::Down);
        }
        let incarnation = self.incarnation_by_clock();
        let config = &mut self.hosts[host as usize].config;
        config.incarnation = incarnation;
        configure(config);
        self.boot(host);
    }

    /// Returns the address of a node.
    #[track_caller]
    #[must_use]
    pub fn address(&self, name: &str) -> SocketAddr {
        self.hosts[self.host(name) as usize].address
    }

    /// Returns the names of the nodes that take part: running, not stalled, and not leaving.
    pub fn running(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().filter(|host| host.takes_part().is_some()).map(|host| &*host.label)
    }

    /// Returns the node for reading. To change it, use [`command`](World::command).
    ///
    /// # Panics
    /// If its process is down.
    #[track_caller]
    #[must_use]
    pub fn node(&self, name: &str) -> &Node {
        let host = &self.hosts[self.host(name) as usize];
        host.node().unwrap_or_else(|| panic!("the process of {name} is down"))
    }

    // Time.

    /// Returns the virtual time since the world began.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets `span` pass.
    pub fn run(&mut self, span: Duration) {
        self.run_to(self.now + span);
    }

    /// Lets time pass until `condition` holds, or for `max`. Returns whether it holds at the end.
    ///
    /// The condition is checked every 10 ms.
    pub fn run_until(&mut self, max: Duration, mut condition: impl FnMut(&World) -> bool) -> bool {
        let end = self.now + max;
        loop {
            if condition(self) {
                return true;
            }
            if self.now >= end {
                return false;
            }
            // Jumps to the next event if that is further away than the next check.
            let next = self.queue.next_at().unwrap_or(end);
            self.run_to(next.max(self.now + LOOK_EVERY).min(end));
        }
    }

    // Records of the run.

    /// Returns the recorded events of a node, in order, over all lives of its process.
    #[track_caller]
    #[must_use]
    pub fn events(&self, name: &str) -> &[Record] {
        &self.hosts[self.host(name) as usize].records
    }

    /// Takes the recorded events of a node, for runs whose events do not fit into memory.
    ///
    /// The world drops them, so expectations no longer see them.
    #[track_caller]
    #[must_use]
    pub fn take_events(&mut self, name: &str) -> Vec<Record> {
        let host = self.host(name);
        core::mem::take(&mut self.hosts[host as usize].records)
    }

    /// Returns a hash of the run so far: runs with the same digest were the same.
    ///
    /// It covers every input, output and event of every node, with its time and in order. Requests
    /// count by when the world first saw them, not by their nodes' numbers.
    ///
    /// # Panics
    /// If the digest was switched off.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.trace.digest().expect("the digest is on unless WorldOptions::digest(false)")
    }

    /// Returns the counters of the network.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic { packets_reordered: self.network.reordered(), ..self.trace.traffic }
    }

    /// Returns how many streams exist now, including those that one end has forgotten.
    #[must_use]
    pub fn streams_open(&self) -> usize {
        self.connections.len()
    }

    /// Returns the seed of this world.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.options.seed
    }

    // For the other files.

    /// How to run this world again.
    pub(crate) fn how_to_repeat(&self) -> String {
        match &self.options.replay {
            Some(command) => format!("run it again: {command}"),
            None => format!("run it again with seed {}", self.options.seed),
        }
    }

    /// The configuration of a node about to start.
    #[track_caller]
    pub(crate) fn config_of_next(&self, name: &str) -> Config {
        assert!(!self.labels.contains_key(name), "there is a {name} already; use restart");
        let number = u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts");
        let member = Name::new(name).expect("a node's name is a member name");
        let mut config = (self.options.profile)(member, address_of(number));
        config.incarnation = self.incarnation_by_clock();
        if let Some(change) = &self.options.configure {
            change(number as usize, &mut config);
        }
        config
    }

    /// Adds a host at this address and starts its process: a driver if `driver` is set, with its
    /// application. The configuration may announce another address.
    #[track_caller]
    pub(crate) fn add_host(
        &mut self,
        name: &str,
        address: SocketAddr,
        config: Config,
        driver: Option<(Box<Settings>, Option<Application>)>,
    ) {
        let number = u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts");
        if let Some(taken) = self.host_at(address) {
            let taken = &self.hosts[taken as usize].label;
            panic!("the address is that of {taken}; restart_with gives it to another node");
        }
        if address != address_of(number) {
            self.other_addresses.insert(address, number);
        }
        self.hosts.push(Host::new(name, (number, address), config, driver));
        self.labels.insert(name.to_owned(), number);
        self.boot(number);
    }

    /// The number of the host with this label, if there is one.
    pub(crate) fn find_host(&self, name: &str) -> Option<u32> {
        self.labels.get(name).copied()
    }

    /// The number of a host. Panics for an unknown label.
    #[track_caller]
    pub(crate) fn host(&self, name: &str) -> u32 {
        self.find_host(name).unwrap_or_else(|| panic!("no node {name} was ever started"))
    }

    /// The number of a host whose process exists.
    #[track_caller]
    pub(crate) fn existing(&self, name: &str) -> u32 {
        let host = self.host(name);
        assert!(self.hosts[host as usize].process.is_some(), "the process of {name} is down");
        host
    }

    /// The host with this address.
    pub(crate) fn host_at(&self, address: SocketAddr) -> Option<u32> {
        number_of(address)
            .filter(|number| {
                self.hosts.get(*number as usize).is_some_and(|host| host.address == address)
            })
            .or_else(|| self.other_addresses.get(&address).copied())
    }

    pub(crate) fn run_to(&mut self, end: Instant) {
        while let Some((at, task)) = self.queue.pop_until(end) {
            debug_assert!(at >= self.now, "time does not run backwards");
            self.look_until(at);
            self.now = at;
            self.perform(task);
        }
        self.look_until(end);
        self.now = end;
    }

    // Private.

    fn incarnation_by_clock(&self) -> Incarnation {
        let seconds = EPOCH + self.now.since_origin().as_secs();
        Incarnation(u32::try_from(seconds).expect("simulations end before the year 2106"))
    }

    /// Starts a process with the host's configuration.
    #[track_caller]
    fn boot(&mut self, number: u32) {
        let seed = self.options.seed;
        let host = &mut self.hosts[number as usize];
        let mut node_seed = [0; 32];
        node_seed[..8].copy_from_slice(&seed.to_le_bytes());
        node_seed[8..12].copy_from_slice(&number.to_le_bytes());
        node_seed[12..16].copy_from_slice(&host.life.to_le_bytes());
        let (config, now) = (host.config.clone(), host.clock.reading(self.now));
        let hooks = self.options.hooks.as_ref().map(|hooks| hooks(number as usize));
        let process = match &mut host.options {
            Some(options) => {
                options.incarnation = Some(config.incarnation);
                options.config = config;
                let time = (self.origin, now);
                DriverProcess::start(options, hooks, host.address, node_seed, time)
                    .map(|mut process| {
                        host.application.iter().for_each(|it| it.begin(&mut process));
                        Process::Driver(Box::new(process))
                    })
                    .map_err(|error| error.to_string())
            }
            None => match hooks {
                Some(hooks) => Node::with_hooks(config, hooks, node_seed, now),
                None => Node::new(config, node_seed, now),
            }
            .map(Process::Node)
            .map_err(|error| error.to_string()),
        };
        host.process = Some(process.unwrap_or_else(|error| panic!("{}: {error}", host.label)));
        host.condition = Condition::Running;
        self.trace.mark(self.now, number, Mark::Start);
        self.disturb();
        self.check(number, |checker, by| checker.started(by));
        self.pump(number);
        if self.hosts[number as usize].application.is_some() {
            self.call_driver(number);
        }
    }

    pub(crate) fn end_process(&mut self, number: u32, condition: Condition) {
        let off = condition == Condition::Off;
        self.trace.mark(self.now, number, if off { Mark::Off } else { Mark::Down });
        let host = &mut self.hosts[number as usize];
        let life = host.life;
        host.condition = condition;
        let process = host.process.take();
        host.life += 1;
        host.alarm.cancel();
        host.streams.clear();
        host.outside.clear();
        host.stall = None;
        host.unsent.clear();
        let mut waiting = core::mem::take(&mut host.waiting);
        let backlog = match process {
            Some(Process::Driver(process)) => process.end(),
            _ => VecDeque::new(),
        };
        for (id, side) in self.connections.of_host(number, life) {
            self.hang_up(id, side, off);
        }
        while let Some(waiting) = waiting.pop() {
            match waiting {
                Waiting::Packet(place) => drop(self.packets.take(place)),
                // The item was never acknowledged, so its sender retransmits it.
                Waiting::Lane(id, side) => self.release_lane(id, side),
                Waiting::Lookup(place) => drop(self.names.take(place)),
                Waiting::Written(_) => {}
            }
        }
        for id in backlog {
            self.release_lane(id, Side::Acceptor);
        }
    }
}
