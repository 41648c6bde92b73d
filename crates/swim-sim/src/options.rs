//! What a world is made of.

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

/// In what pieces the bytes of a stream are handed to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// Each write as a whole.
    Whole,
    /// One byte at a time, a microsecond apart.
    Bytes,
    /// Pieces of 1 to this many bytes, up to 20 microseconds apart.
    Random(u32),
}

type Configure = Box<dyn Fn(usize, &mut Config)>;
type MakeHooks = Box<dyn Fn(usize) -> Box<dyn Hooks>>;
type Watch = Box<dyn Fn(&Node)>;

/// Everything that a run depends on, besides the calls that are made on its [`World`].
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
    /// Whether to keep what drivers dialled and looked up.
    pub(crate) dials_kept: bool,
    pub(crate) replay: Option<String>,
    pub(crate) checkers: Vec<Box<dyn Checker>>,
    pub(crate) keep_violations: bool,
}

impl WorldOptions {
    /// The usual: the LAN profile, 0.5 to 2 ms of latency, nothing lost, writes delivered whole.
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

    /// The preset that every node's configuration starts from: `Config::lan` (the default),
    /// `Config::wan`, `Config::local`, or a function of your own.
    #[must_use]
    pub fn profile(mut self, profile: fn(Name, SocketAddr) -> Config) -> Self {
        self.profile = profile;
        self
    }

    /// Changes the configuration of every node; the first argument is the node's number, from 0 in
    /// the order of their first start.
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

    /// Looks at a node after everything that was done to it: for what has to hold at every instant.
    #[must_use]
    pub fn watch(mut self, watch: impl Fn(&Node) + 'static) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// How long datagrams and pieces of streams are on their way.
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> Self {
        self.network.latency = latency;
        self
    }

    /// Which datagrams are lost: a probability, 0.0 to 1.0, or any [`Loss`]. Streams are delayed
    /// instead.
    #[must_use]
    pub fn loss(mut self, loss: impl Into<Loss>) -> Self {
        self.network.loss = loss.into();
        self
    }

    /// The probability, 0.0 to 1.0, that a datagram arrives twice.
    #[must_use]
    pub fn duplication(mut self, probability: f64) -> Self {
        self.network.duplication = probability;
        self
    }

    /// With this probability, 0.0 to 1.0, a datagram is delayed by up to `delay_max` in addition to
    /// its latency, so that others overtake it.
    #[must_use]
    pub fn reordering(mut self, probability: f64, delay_max: Duration) -> Self {
        self.network.reordering = Reordering { probability, delay_max };
        self
    }

    /// How fast each host sends. Without it there is no limit.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.network.bandwidth = Some(bandwidth);
        self
    }

    /// The whole network at once.
    #[must_use]
    pub fn network(mut self, network: NetworkOptions) -> Self {
        self.network = network;
        self
    }

    /// In what pieces the bytes of streams arrive.
    #[must_use]
    pub fn pieces(mut self, pieces: Pieces) -> Self {
        self.pieces = pieces;
        self
    }

    /// How long an unanswered connection request waits before it fails (20 s). Nodes have a
    /// deadline of their own, which is usually shorter.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How many datagrams wait for a stalled process, or for the turn of a driver, before further
    /// ones are dropped (256, about what Linux keeps by default).
    #[must_use]
    pub fn socket_buffer(mut self, datagrams: usize) -> Self {
        self.socket_buffer = datagrams;
        self
    }

    /// How many bytes a stream holds that a driver has written and its peer has not read (256 KiB).
    /// A driver waits for its peer beyond that.
    #[must_use]
    pub fn stream_buffer(mut self, bytes: usize) -> Self {
        self.stream_buffer = bytes;
        self
    }

    /// Whether to compute the digest (on by default). It costs a few percent of the speed.
    #[must_use]
    pub fn digest(mut self, on: bool) -> Self {
        self.digest = on;
        self
    }

    /// Whether to keep every event of every node (on by default). Large clusters that run for long
    /// need the memory.
    #[must_use]
    pub fn records(mut self, on: bool) -> Self {
        self.dials_kept = on;
        self.records_of(if on { |_| true } else { |_| false })
    }

    /// Keeps the events for which this holds, and no others.
    #[must_use]
    pub fn records_of(mut self, kept: fn(&Event) -> bool) -> Self {
        self.records = kept;
        self
    }

    /// The command that runs this seed again; it is printed when an expectation is not met.
    #[must_use]
    pub fn replay(mut self, command: impl Into<String>) -> Self {
        self.replay = Some(command.into());
        self
    }

    /// Has a checker watch the run. It complains with a panic and a report. It takes the place of
    /// one with the same name.
    #[must_use]
    pub fn check(mut self, checker: impl Checker + 'static) -> Self {
        self.checkers.retain(|other| other.name() != checker.name());
        self.checkers.push(Box::new(checker));
        self
    }

    /// Has all [`checkers`](crate::checkers) of this crate watch the run.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checkers.extend(checkers::all());
        self
    }

    /// Keeps what checkers complain about in [`World::violations`] instead of panicking: to try a
    /// checker out.
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
