//! The options of a world.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use swim_core::{Config, Event, Hooks, Name, Node};

use crate::bandwidth::Bandwidth;
use crate::checkers::{self, Checker};
use crate::latency::Latency;
use crate::loss::Loss;
use crate::network_options::{NetworkOptions, Reordering};
use crate::time::secs;
use crate::world::World;

/// The pieces in which the bytes of a stream reach a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// Each write as a whole.
    Whole,
    /// One byte at a time, 1 µs apart.
    Bytes,
    /// Pieces of 1 to this many bytes, up to 20 µs apart.
    Random(u32),
}

type Configure = Box<dyn Fn(usize, &mut Config)>;
type MakeHooks = Box<dyn Fn(usize) -> Box<dyn Hooks>>;
type Watch = Box<dyn Fn(&Node)>;

/// The options of a [`World`]: with the calls on it, everything that a run depends on.
///
/// ```
/// use swim_core::Config;
/// use swim_sim::{Latency, WorldOptions, millis};
///
/// let mut world = WorldOptions::new(7)
///     .profile(Config::wan)
///     .configure(|number, config| config.indirect_probes = 2 + number % 2)
///     .latency(Latency::Uniform(millis(20), millis(80)))
///     .loss(0.05)
///     .build();
/// world.start("a");
/// ```
pub struct WorldOptions {
    pub(crate) seed: u64,
    pub(crate) profile: fn(Name, SocketAddr) -> Config,
    pub(crate) configure: Option<Configure>,
    pub(crate) hooks: Option<MakeHooks>,
    pub(crate) watch: Option<Watch>,
    pub(crate) network: NetworkOptions,
    pub(crate) pieces: Pieces,
    pub(crate) connect_timeout: Duration,
    pub(crate) socket_buffer: usize,
    pub(crate) stream_buffer: usize,
    pub(crate) digest: bool,
    pub(crate) records: fn(&Event) -> bool,
    /// Whether to keep the dials and lookups of drivers.
    pub(crate) dials_kept: bool,
    pub(crate) replay: Option<String>,
    pub(crate) checkers: Vec<Box<dyn Checker>>,
    pub(crate) keep_violations: bool,
}

impl WorldOptions {
    /// Makes the default options: [`Config::lan`], 0.5-2 ms of latency, no loss, and whole writes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        WorldOptions {
            seed,
            profile: Config::lan,
            configure: None,
            hooks: None,
            watch: None,
            network: NetworkOptions::default(),
            pieces: Pieces::Whole,
            connect_timeout: secs(20),
            socket_buffer: 256,
            stream_buffer: 256 << 10,
            digest: true,
            records: |_| true,
            dials_kept: true,
            replay: None,
            checkers: Vec::new(),
            keep_violations: false,
        }
    }

    /// Sets the preset of every node's configuration.
    ///
    /// `Config::lan` (the default), `Config::wan`, `Config::local`, or a function of your own.
    #[must_use]
    pub fn profile(mut self, profile: fn(Name, SocketAddr) -> Config) -> Self {
        self.profile = profile;
        self
    }

    /// Changes the configuration of every node.
    ///
    /// The first argument is the node's number, from 0, in the order in which nodes first start.
    #[must_use]
    pub fn configure(mut self, configure: impl Fn(usize, &mut Config) + 'static) -> Self {
        self.configure = Some(Box::new(configure));
        self
    }

    /// Gives every node hooks; the argument is the node's number. A restarted node gets new ones.
    #[must_use]
    pub fn hooks(mut self, hooks: impl Fn(usize) -> Box<dyn Hooks> + 'static) -> Self {
        self.hooks = Some(Box::new(hooks));
        self
    }

    /// Calls `watch` with a node after every change to it, to check invariants.
    #[must_use]
    pub fn watch(mut self, watch: impl Fn(&Node) + 'static) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Sets the latency of datagrams and of pieces of streams.
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> Self {
        self.network.latency = latency;
        self
    }

    /// Sets which datagrams are lost: a probability, 0.0 to 1.0, or any [`Loss`].
    ///
    /// Lost pieces of streams are delayed instead.
    #[must_use]
    pub fn loss(mut self, loss: impl Into<Loss>) -> Self {
        self.network.loss = loss.into();
        self
    }

    /// Sets the probability, 0.0 to 1.0, that a datagram arrives twice.
    #[must_use]
    pub fn duplication(mut self, probability: f64) -> Self {
        self.network.duplication = probability;
        self
    }

    /// Delays datagrams with this probability, 0.0 to 1.0, so that others overtake them.
    ///
    /// The additional delay is at most `delay_max`.
    #[must_use]
    pub fn reordering(mut self, probability: f64, delay_max: Duration) -> Self {
        self.network.reordering = Reordering { probability, delay_max };
        self
    }

    /// Sets how fast each host sends (unlimited by default).
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.network.bandwidth = Some(bandwidth);
        self
    }

    /// Sets all options of the network at once.
    #[must_use]
    pub fn network(mut self, network: NetworkOptions) -> Self {
        self.network = network;
        self
    }

    /// Sets the pieces in which the bytes of streams arrive.
    #[must_use]
    pub fn pieces(mut self, pieces: Pieces) -> Self {
        self.pieces = pieces;
        self
    }

    /// Sets how long a connection request waits for an answer before it fails (20 s).
    ///
    /// Nodes have a deadline of their own, which is usually shorter.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how many datagrams wait for a stalled process or for the turn of a driver (256).
    ///
    /// Further ones are dropped. Linux keeps about 256 by default.
    #[must_use]
    pub fn socket_buffer(mut self, datagrams: usize) -> Self {
        self.socket_buffer = datagrams;
        self
    }

    /// Sets how many bytes a driver may have written that its peer has not read (256 KiB).
    ///
    /// Beyond that, a driver waits for its peer. The limit is per stream.
    #[must_use]
    pub fn stream_buffer(mut self, bytes: usize) -> Self {
        self.stream_buffer = bytes;
        self
    }

    /// Sets whether to compute the digest (on by default), which costs a few percent of the speed.
    #[must_use]
    pub fn digest(mut self, on: bool) -> Self {
        self.digest = on;
        self
    }

    /// Sets whether to keep every event of every node (on by default).
    ///
    /// Switch it off to save memory in long runs of large clusters.
    #[must_use]
    pub fn records(mut self, on: bool) -> Self {
        self.dials_kept = on;
        self.records_of(if on { |_| true } else { |_| false })
    }

    /// Keeps only the events for which `kept` returns true.
    #[must_use]
    pub fn records_of(mut self, kept: fn(&Event) -> bool) -> Self {
        self.records = kept;
        self
    }

    /// Sets the command that runs this seed again, for the report of a failed expectation.
    #[must_use]
    pub fn replay(mut self, command: impl Into<String>) -> Self {
        self.replay = Some(command.into());
        self
    }

    /// Adds a checker, which replaces one with the same name. A violation panics with a report.
    #[must_use]
    pub fn check(mut self, checker: impl Checker + 'static) -> Self {
        self.checkers.retain(|other| other.name() != checker.name());
        self.checkers.push(Box::new(checker));
        self
    }

    /// Adds all [`checkers`](crate::checkers) of this crate.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checkers.extend(checkers::all());
        self
    }

    /// Collects violations in [`World::violations`] instead of panicking, to try out a checker.
    #[must_use]
    pub fn keep_violations(mut self) -> Self {
        self.keep_violations = true;
        self
    }

    /// Makes the world.
    #[must_use]
    pub fn build(self) -> World {
        World::with(self)
    }
}

impl fmt::Debug for WorldOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldOptions")
            .field("seed", &self.seed)
            .field("network", &self.network)
            .field("pieces", &self.pieces)
            .field("connect_timeout", &self.connect_timeout)
            .field("socket_buffer", &self.socket_buffer)
            .finish_non_exhaustive()
    }
}
