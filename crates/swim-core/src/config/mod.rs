//! Every interval and every limit of a node.

#[cfg(feature = "encryption")]
mod encryption;
mod formulas;
mod keeper;
#[cfg(not(feature = "encryption"))]
mod no_sealing;
mod room;
mod rules;
#[cfg(feature = "encryption")]
mod sealing;

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;

use crate::address::canonical;
#[cfg(feature = "encryption")]
use crate::keyring::Keyring;
use crate::member::{Incarnation, Name, Versions};
use crate::sabotage::Sabotage;
use crate::wire::Wire;

#[cfg(feature = "encryption")]
pub use encryption::Encryption;
pub use formulas::SuspicionTimeouts;
pub use keeper::NameKeeper;
#[cfg(not(feature = "encryption"))]
pub(crate) use no_sealing::Sealing;
#[cfg(feature = "encryption")]
pub(crate) use sealing::Sealing;

/// How a node behaves: who it is, its timing, and its limits.
///
/// Start from a preset, which has the timing of HashiCorp memberlist's profile of the same name,
/// and change what you need. [`validate`](Config::validate) (called by
/// [`Node::new`](crate::Node::new)) names what cannot work.
///
/// All members of a cluster should use the same timing: suspicion timeouts are computed by each
/// observer from its own settings.
///
/// ```
/// # use swim_core::Config;
/// let mut config = Config::lan("cache-7".parse()?, "10.0.0.7:7946".parse()?);
/// config.label = "staging".into();
/// config.indirect_probes = 4;
/// assert!(config.validate().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    // Who this node is.
    /// The node's name, unique in the cluster.
    pub name: Name,
    /// The address that the node announces: where peers send datagrams and open streams.
    pub address: SocketAddr,
    /// The node's metadata, spread to every member, at most `meta_size_max` bytes.
    pub meta: Bytes,
    /// The cluster's label, 0 to 255 bytes. Packets and streams with another label are dropped,
    /// so two clusters that meet by accident do not merge.
    pub label: Bytes,
    /// Another label that is accepted as well, empty for none at all: while a running cluster is
    /// moved from one label to another. `None` accepts `label` alone.
    pub label_also: Option<Bytes>,
    /// Which of two nodes keeps a name that both claimed while they could not hear each other. The
    /// same in the whole cluster. On memberlist's wire each view keeps the address that it knows.
    pub name_conflict: NameKeeper,
    /// The incarnation to start with. A node that keeps nothing on disk starts with the Unix time
    /// in seconds (the adapters do), so that its news outranks what is remembered of its past. It
    /// has to rise from start to start: with keys, that is also how messages to this life of the
    /// node are told from recordings of those to an earlier one.
    pub incarnation: Incarnation,
    /// The versions that the node announces. On memberlist's wire those of the application are the
    /// "delegate" versions, and a current protocol version of 1 also chooses the older of its two
    /// ways of encryption.
    pub versions: Versions,

    // How it speaks.
    /// The format of packets and streams: the same in the whole cluster.
    /// [`memberlist`](Config::memberlist) sets it with all that belongs to it.
    pub wire: Wire,
    /// The keys that packets and streams are encrypted with: the first one seals, each of them
    /// opens. Empty, as by default, means no encryption. `docs/how-to/rotate-keys.md` says
    /// how many packets a key is good for, `docs/how-to/encrypt.md` how to encrypt a running
    /// cluster.
    #[cfg(feature = "encryption")]
    pub keyring: Keyring,
    /// With keys: whether what goes out is encrypted, and what comes in has to be.
    #[cfg(feature = "encryption")]
    pub encryption: Encryption,
    /// Compress what goes out where that makes it shorter: with LZ4 the packets of the native wire,
    /// off by default there, or with LZW packets and streams of memberlist's. It saves about half
    /// of a packet full of gossip, nothing of others, and makes no room for more news in one
    /// packet. The first use takes memory for a table and buffers (8 KiB and two packets with LZ4),
    /// later ones none. What comes in compressed is read in any case, so members may differ in
    /// this; a release that knows no compression on the native wire drops it.
    ///
    /// With keys, the length of a packet then tells a little of what is in it: off where somebody
    /// who may read the traffic chooses metadata or messages of members that have secrets in
    /// theirs.
    #[cfg(feature = "compression")]
    pub compression: bool,
    /// The networks that members may be in: packets and streams of others are dropped, and members
    /// that announce an address elsewhere are not taken in. Empty, as by default, allows all; at
    /// most 256.
    pub allowed_networks: Vec<IpNet>,

    // Failure detection.
    /// The protocol period: one member is probed per interval.
    pub probe_interval: Duration,
    /// How long a direct ping may take before peers are asked to help; below `probe_interval`.
    pub probe_timeout: Duration,
    /// How many peers are asked to ping a member that does not answer; 0 to 16.
    pub indirect_probes: usize,
    /// Also try a ping over a stream when the direct ping is not answered, so that a member whose
    /// datagrams are lost or filtered is not declared failed.
    pub stream_ping: bool,
    /// Ask a suspect once more before it is declared failed: by a ping, and without an answer over
    /// a stream. So a node that missed a refutation hears of it, and neither the suspicion nor its
    /// refutation is lost where many datagrams are. Not part of Lifeguard; switch it off to
    /// compare.
    pub last_call: bool,
    /// The shortest suspicion lasts this many probe intervals, times log10 of the cluster's size.
    pub suspicion_mult: u32,
    /// The longest suspicion lasts this many times the shortest.
    pub suspicion_max_mult: u32,
    /// Local health (awareness) stays below this; the probe interval is stretched at most this
    /// many times. 1 to 64.
    pub awareness_max: u8,

    // The parts of Lifeguard, each of which can be switched off to compare (DSN 2018).
    /// Local health: a node that misses answers probes slower and waits longer.
    pub lifeguard_health: bool,
    /// Suspicion timeouts start long and shrink with every independent accuser; without it they
    /// have the shortest length at once.
    pub lifeguard_suspicion: bool,
    /// Buddy: a suspect hears of its suspicion in the very ping that probes it.
    pub lifeguard_buddy: bool,
    /// Time in which this node itself did not run (suspend, stall, starved CPU) is not counted
    /// against others. Switch off only to reproduce published baselines.
    pub lateness: bool,

    // Dissemination.
    /// The time between two gossip ticks.
    pub gossip_interval: Duration,
    /// How many members are sent gossip in a tick; 1 to 16.
    pub gossip_nodes: usize,
    /// How long a failed member still receives gossip, so that it can refute, and how long failed
    /// and left members stay in the member list.
    pub gossip_to_the_dead: Duration,
    /// An update is sent `retransmit_mult * ceil(log10(n + 1))` times in a cluster of `n`, and a
    /// user broadcast, which no push/pull repeats, `retransmit_mult` times more; 1 to 16.
    pub retransmit_mult: u32,

    // Anti-entropy and streams.
    /// The time between two push/pull exchanges with a random member, in clusters of up to 32;
    /// larger clusters stretch it by `ceil(log2(n)) - 4`. Zero switches periodic push/pull off.
    pub push_pull_interval: Duration,
    /// How long connecting, and then each side's part of an exchange, may take; large transfers
    /// are given one more second per 256 KiB. A transfer that rests for this long ends, unless what
    /// came before opened under a key.
    pub stream_timeout: Duration,

    // Limits.
    /// The largest datagram, in bytes, label and all overheads included. 800 to 65507.
    pub packet_size_max: usize,
    /// The longest metadata of any member, in bytes; what exceeds it is dropped on receipt.
    pub meta_size_max: usize,
    /// How many members the table holds; alive messages about further ones are dropped.
    pub members_max: usize,
    /// How long a failed or left member is remembered after it is no longer listed: against old
    /// news that would bring it back, and to look for it if it failed.
    pub lost_members_keep: Duration,
    /// How many such members are remembered. Those that this node never heard from itself make room
    /// first, then the ones gone for longest.
    pub lost_members_max: usize,
    /// How many membership updates wait to be gossiped; the ones sent most often go first.
    pub update_queue_max: usize,
    /// How many user broadcasts wait to be gossiped, those relayed for others included; 1 to 1,024,
    /// because receivers tell so many of one origin apart.
    pub broadcast_queue_max: usize,
    /// The most bytes of user broadcasts that wait to be gossiped.
    pub broadcast_queue_bytes_max: usize,
    /// How many origins of user broadcasts are remembered to recognise repetitions, each as long as
    /// something is heard of it and for `gossip_to_the_dead` after that; broadcasts of further ones
    /// are dropped. A restarted origin counts again. Origins that are no live members, and further
    /// lives of members, have a quarter of the room each.
    pub broadcast_origins_max: usize,
    /// The largest message of [`send_reliable`](crate::Node::send_reliable), in bytes.
    pub reliable_size_max: usize,
    /// The largest application state in a push/pull, in bytes.
    pub user_state_size_max: usize,
    /// How many incoming streams may be open at once. A quarter is kept for addresses of live
    /// members. When all are taken, streams that fell behind and sources with more than others make
    /// way; `docs/reference/security.md` has the rules.
    pub streams_max: usize,
    /// How many incoming streams one IPv4 address, or one IPv6 network of 64 bits, may have open.
    pub streams_per_source_max: usize,
    /// The most bytes that all incoming data of unfinished streams may occupy together. Large
    /// streams of strangers on which nothing opened under a key yet may hold as much of it as the
    /// longest message (`reliable_size_max`, `user_state_size_max`).
    pub stream_buffer_max: usize,
    /// How many commands may wait for their answer.
    pub requests_max: usize,
    /// How many pings may be under way for other members (indirect probes); a quarter of them for
    /// those who ask from where no live member is.
    pub relays_max: usize,

    /// A rule to break on purpose. For tests of the simulator's checkers alone.
    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    pub sabotage: Option<Sabotage>,
}

impl Config {
    /// Returns the configuration with what `change` assigns, for use in an expression.
    ///
    /// ```
    /// # use swim_core::Config;
    /// let config = Config::lan("web-1".parse()?, "10.0.0.7:7946".parse()?)
    ///     .with(|config| config.label = "staging".into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// For nodes in one data centre: detects a failure within a few seconds.
    #[must_use]
    pub fn lan(name: Name, address: SocketAddr) -> Self {
        Config {
            name,
            address,
            meta: Bytes::new(),
            label: Bytes::new(),
            label_also: None,
            incarnation: Incarnation(1),
            name_conflict: NameKeeper::Older,
            versions: Versions::DEFAULT,

            wire: Wire::Swim,
            #[cfg(feature = "encryption")]
            keyring: Keyring::default(),
            #[cfg(feature = "encryption")]
            encryption: Encryption::Required,
            #[cfg(feature = "compression")]
            compression: false,
            allowed_networks: Vec::new(),

            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(500),
            indirect_probes: 3,
            stream_ping: true,
            last_call: true,
            suspicion_mult: 4,
            suspicion_max_mult: 6,
            awareness_max: 8,

            lifeguard_health: true,
            lifeguard_suspicion: true,
            lifeguard_buddy: true,
            lateness: true,

            gossip_interval: Duration::from_millis(200),
            gossip_nodes: 3,
            gossip_to_the_dead: Duration::from_secs(30),
            retransmit_mult: 4,

            push_pull_interval: Duration::from_secs(30),
            stream_timeout: Duration::from_secs(10),

            packet_size_max: 1400,
            meta_size_max: 512,
            members_max: 1 << 18,
            lost_members_keep: Duration::from_secs(24 * 3600),
            lost_members_max: 1 << 14,
            update_queue_max: 1 << 14,
            broadcast_queue_max: 1024,
            broadcast_queue_bytes_max: 1 << 20,
            broadcast_origins_max: 4096,
            reliable_size_max: 20 << 20,
            user_state_size_max: 20 << 20,
            streams_max: 128,
            streams_per_source_max: 64,
            stream_buffer_max: 64 << 20,
            requests_max: 1024,
            relays_max: 1024,

            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }

    /// For nodes in several places, with round trips of up to a second or two.
    #[must_use]
    pub fn wan(name: Name, address: SocketAddr) -> Self {
        Config {
            probe_interval: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(3),
            suspicion_mult: 6,
            gossip_interval: Duration::from_millis(500),
            gossip_nodes: 4,
            gossip_to_the_dead: Duration::from_secs(60),
            push_pull_interval: Duration::from_secs(60),
            stream_timeout: Duration::from_secs(30),
            ..Config::lan(name, address)
        }
    }

    /// For nodes on one machine: development, demonstrations, tests on real sockets.
    #[must_use]
    pub fn local(name: Name, address: SocketAddr) -> Self {
        Config {
            probe_timeout: Duration::from_millis(200),
            indirect_probes: 1,
            suspicion_mult: 3,
            gossip_interval: Duration::from_millis(100),
            gossip_to_the_dead: Duration::from_secs(15),
            retransmit_mult: 2,
            push_pull_interval: Duration::from_secs(15),
            stream_timeout: Duration::from_secs(1),
            ..Config::lan(name, address)
        }
    }

    /// The same, to speak the wire format of HashiCorp memberlist and join a cluster of Go
    /// programs: its versions, and compression as there by default. The profiles have memberlist's
    /// timing already; `docs/reference/differences-from-memberlist.md` tells what is different.
    ///
    /// ```
    /// # use swim_core::{Config, Wire};
    /// let config = Config::lan("cache-7".parse()?, "10.0.0.7:7946".parse()?).memberlist();
    /// assert_eq!(config.wire, Wire::Memberlist);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "memberlist")]
    #[must_use]
    pub fn memberlist(self) -> Self {
        let Versions { protocol, .. } = Versions::MEMBERLIST;
        let versions = Versions { protocol, ..self.versions };
        Config {
            wire: Wire::Memberlist,
            versions,
            #[cfg(feature = "compression")]
            compression: true,
            ..self
        }
    }

    /// Whether what goes out is compressed.
    #[cfg(feature = "compression")]
    pub(crate) const fn compresses(&self) -> bool {
        self.compression
    }

    /// Nothing is ever compressed.
    #[cfg(not(feature = "compression"))]
    pub(crate) const fn compresses(&self) -> bool {
        false
    }

    /// Whether packets, streams and members may come from this address.
    pub(crate) fn allows(&self, ip: IpAddr) -> bool {
        self.allowed_networks.is_empty()
            || self.allowed_networks.iter().any(|network| network.contains(&ip))
    }

    /// Where answers to this node's pings should go, as far as the wire says that.
    pub(crate) fn reply_to(&self) -> Option<SocketAddr> {
        self.wire.is_memberlist().then_some(self.address)
    }

    /// Whether this node was told to break a rule.
    #[cfg(feature = "sabotage")]
    pub(crate) fn breaks(&self, rule: Sabotage) -> bool {
        self.sabotage == Some(rule)
    }

    /// No rule is ever broken.
    #[cfg(not(feature = "sabotage"))]
    #[inline(always)]
    pub(crate) const fn breaks(&self, _: Sabotage) -> bool {
        false
    }

    /// Whether an address is that of this node, as it announces it.
    pub(crate) fn is_own_address(&self, address: SocketAddr) -> bool {
        canonical(self.address) == canonical(address)
    }
}

/// Peers picked at random in one step. Picking draws again on a repetition, so this is kept small.
pub(crate) const FAN_OUT_MAX: usize = 16;

/// How many of an origin's latest broadcasts are told apart; older ones count as seen. No queue
/// holds more, so that the newest overtaking the oldest loses nothing.
pub(crate) const BROADCASTS_TOLD_APART: u32 = 1024;
