//! Every interval and limit of a node.

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

/// The settings of a node: identity, timing, and limits.
///
/// Start from a preset and change what you need. Each preset has the timing of HashiCorp
/// memberlist's profile of the same name. [`Node::new`](crate::Node::new) calls
/// [`validate`](Config::validate), which names the first setting that cannot work.
///
/// Use the same timing on all members: each observer computes suspicion timeouts from its own
/// settings.
///
/// ```
/// # use swim_core::Config;
/// let mut config = Config::lan("cache-7".parse()?, "10.0.0.7:7946".parse()?);
/// config.label = "staging".into();
/// config.indirect_probes = 4;
/// assert!(config.validate().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    // Identity.
    /// The node's name, unique in the cluster.
    pub name: Name,
    /// The address that the node announces. Peers send datagrams and open streams to it.
    pub address: SocketAddr,
    /// The node's metadata, which every member receives. At most `meta_size_max` bytes.
    pub meta: Bytes,
    /// The cluster's label, 0 to 255 bytes. Packets and streams with another label are dropped, so
    /// that two clusters never merge by accident.
    pub label: Bytes,
    /// A second label to accept, for moving a running cluster to another label. An empty label
    /// accepts peers that have none; `None` accepts only `label`.
    pub label_also: Option<Bytes>,
    /// Decides which of two nodes keeps a name that both claimed during a partition. Use the same
    /// setting in the whole cluster. On memberlist's wire each node keeps the address that it
    /// already knows.
    pub name_conflict: NameKeeper,
    /// The incarnation to start with. It must rise from start to start, so that the node's news
    /// outranks what peers remember of its past. A node without storage starts with the Unix time
    /// in seconds, as the adapters do. With keys, the incarnation also distinguishes messages to
    /// this life of the node from recorded messages to an earlier one.
    pub incarnation: Incarnation,
    /// The versions that the node announces. On memberlist's wire, the application versions are the
    /// "delegate" versions, and a current protocol version of 1 selects the older of its two
    /// encryption formats.
    pub versions: Versions,

    // Wire format and encryption.
    /// The format of packets and streams, the same in the whole cluster.
    /// [`memberlist`](Config::memberlist) sets it together with related settings.
    pub wire: Wire,
    /// The encryption keys: the first one seals, and each of them opens. Empty (the default) means
    /// no encryption. `docs/how-to/rotate-keys.md` explains how many packets a key is good for, and
    /// how to encrypt a running cluster.
    #[cfg(feature = "encryption")]
    pub keyring: Keyring,
    /// With keys: whether output is encrypted, and whether input must be.
    #[cfg(feature = "encryption")]
    pub encryption: Encryption,
    /// Compresses output where that makes it shorter: packets of the native wire with LZ4 (off by
    /// default), packets and streams of memberlist's wire with LZW. Compression halves packets that
    /// are full of gossip and saves nothing on other packets. It makes no room for additional news
    /// in a packet. The first use allocates a table and buffers (with LZ4 8 KiB and two packets);
    /// later uses allocate nothing.
    ///
    /// Nodes read compressed input regardless of this setting, so members may differ in it.
    /// Releases without compression on the native wire drop compressed packets.
    ///
    /// With keys, the length of a compressed packet reveals something about its contents. Leave
    /// compression off if an eavesdropper can choose metadata or messages, and other members keep
    /// secrets in theirs.
    #[cfg(feature = "compression")]
    pub compression: bool,
    /// The networks that members may be in. Packets and streams from other networks are dropped,
    /// and members that announce an address elsewhere are not admitted. Empty (the default) allows
    /// all. At most 256.
    pub allowed_networks: Vec<IpNet>,

    // Failure detection.
    /// The protocol period: one member is probed per interval.
    pub probe_interval: Duration,
    /// The time for a direct ping before peers are asked to help. Below `probe_interval`.
    pub probe_timeout: Duration,
    /// The number of peers that are asked to ping a member that does not answer. 0 to 16.
    pub indirect_probes: usize,
    /// Whether a probe also pings over a stream when the direct ping is not answered. A member
    /// whose datagrams are lost or filtered is then not declared failed.
    pub stream_ping: bool,
    /// Whether to ask a suspect once more before declaring it failed: with a ping and, if that is
    /// not answered, over a stream. The suspect then receives the suspicion, and this node a
    /// refutation that it missed, even where many datagrams are lost. Not part of Lifeguard; switch
    /// it off to compare.
    pub last_call: bool,
    /// The shortest suspicion, in probe intervals, times log10 of the cluster size.
    pub suspicion_mult: u32,
    /// The longest suspicion, as a multiple of the shortest.
    pub suspicion_max_mult: u32,
    /// The upper bound of local health (awareness), which stays below it. The probe interval is
    /// stretched at most this many times. 1 to 64.
    pub awareness_max: u8,

    // The parts of Lifeguard (DSN 2018). Each can be switched off to compare.
    /// Local health: a node that misses answers probes more slowly and waits longer.
    pub lifeguard_health: bool,
    /// Suspicion timeouts start long and shrink with each independent accuser. If off, they have
    /// the shortest length from the start.
    pub lifeguard_suspicion: bool,
    /// Buddy: the ping that probes a suspect also carries the suspicion.
    pub lifeguard_buddy: bool,
    /// Does not count time in which this node did not run (suspend, stall, CPU starvation) against
    /// peers. Switch it off only to reproduce published baselines.
    pub lateness: bool,

    // Dissemination.
    /// The time between two gossip ticks.
    pub gossip_interval: Duration,
    /// The number of members that receive gossip in each tick. 1 to 16.
    pub gossip_nodes: usize,
    /// How long a failed member still receives gossip, so that it can refute. Failed and left
    /// members stay in the member list for the same time.
    pub gossip_to_the_dead: Duration,
    /// Scales how often news is sent in a cluster of `n`: an update
    /// `retransmit_mult * ceil(log10(n + 1))` times, and a user broadcast, which no push/pull
    /// repeats, `retransmit_mult` times more. 1 to 16.
    pub retransmit_mult: u32,

    // Anti-entropy and streams.
    /// The time between two push/pulls with a random member, in clusters of up to 32 members.
    /// Larger clusters multiply it by `ceil(log2(n)) - 4`. Zero switches periodic push/pull off.
    pub push_pull_interval: Duration,
    /// The time to connect, and then for each side's part of an exchange. A large transfer gets one
    /// more second per 256 KiB. A transfer that pauses for this long ends, unless its earlier bytes
    /// opened under a key.
    pub stream_timeout: Duration,

    // Limits.
    /// The largest datagram in bytes, including the label and all overheads. 800 to 65507.
    pub packet_size_max: usize,
    /// The longest metadata of any member, in bytes. Longer metadata is dropped on receipt.
    pub meta_size_max: usize,
    /// The capacity of the member table. Alive messages about further members are dropped.
    pub members_max: usize,
    /// How long a failed or left member is remembered after it is no longer listed. The memory
    /// keeps old news from bringing it back, and lets this node look for a failed member.
    pub lost_members_keep: Duration,
    /// How many such members are remembered. Members that this node never heard from directly give
    /// way first, then those gone for the longest time.
    pub lost_members_max: usize,
    /// How many membership updates may wait to be gossiped. Updates sent most often give way first.
    pub update_queue_max: usize,
    /// How many user broadcasts may wait to be gossiped, including those relayed for peers. 1 to
    /// 1,024, because receivers distinguish that many broadcasts of one origin.
    pub broadcast_queue_max: usize,
    /// The bytes of user broadcasts that may wait to be gossiped.
    pub broadcast_queue_bytes_max: usize,
    /// How many origins of user broadcasts are remembered in order to recognise repetitions. Each
    /// is remembered while its broadcasts arrive and for `gossip_to_the_dead` after the last one;
    /// broadcasts of further origins are dropped. A restarted origin counts again. Origins that are
    /// not live members may use a quarter of the places, and so may additional lives of members.
    pub broadcast_origins_max: usize,
    /// The largest message of [`send_reliable`](crate::Node::send_reliable), in bytes.
    pub reliable_size_max: usize,
    /// The largest application state in a push/pull, in bytes.
    pub user_state_size_max: usize,
    /// How many incoming streams may be open at once. A quarter is reserved for addresses of live
    /// members. When all are taken, slow streams and the sources with the most streams give way;
    /// `docs/reference/security.md` lists the rules.
    pub streams_max: usize,
    /// How many incoming streams one IPv4 address, or one IPv6 /64 network, may have open.
    pub streams_per_source_max: usize,
    /// The bytes that incoming data of all unfinished streams may occupy together. Large streams of
    /// strangers on which nothing has opened under a key may together hold as much as one longest
    /// message (`reliable_size_max`, `user_state_size_max`).
    pub stream_buffer_max: usize,
    /// How many commands may wait for their answers.
    pub requests_max: usize,
    /// How many pings on behalf of peers (indirect probes) may be under way. Requests from
    /// addresses without a live member may use a quarter of them.
    pub relays_max: usize,

    /// A rule to break on purpose. Only for tests of the simulator's checkers.
    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    pub sabotage: Option<Sabotage>,
}

impl Config {
    /// Applies `change` and returns the configuration, for use in an expression.
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

    /// Returns the preset for one data centre: detects a failure within a few seconds.
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

    /// Returns the preset for several sites, with round trips of up to one or two seconds.
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

    /// Returns the preset for one machine: development, demonstrations, tests on real sockets.
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

    /// Switches to the wire format of HashiCorp memberlist, to join a cluster of Go programs.
    ///
    /// Also sets memberlist's protocol versions, and compression as memberlist does by default. The
    /// presets already have memberlist's timing. `docs/reference/differences-from-memberlist.md`
    /// lists the differences.
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

    /// Whether output is compressed.
    #[cfg(feature = "compression")]
    pub(crate) const fn compresses(&self) -> bool {
        self.compression
    }

    /// Output is never compressed.
    #[cfg(not(feature = "compression"))]
    pub(crate) const fn compresses(&self) -> bool {
        false
    }

    /// Whether packets, streams and members may come from this address.
    pub(crate) fn allows(&self, ip: IpAddr) -> bool {
        self.allowed_networks.is_empty()
            || self.allowed_networks.iter().any(|network| network.contains(&ip))
    }

    /// The address for answers to this node's pings, if the wire format carries one.
    pub(crate) fn reply_to(&self) -> Option<SocketAddr> {
        self.wire.is_memberlist().then_some(self.address)
    }

    /// Whether this node breaks `rule` on purpose.
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

    /// Whether this is the address that the node announces.
    pub(crate) fn is_own_address(&self, address: SocketAddr) -> bool {
        canonical(self.address) == canonical(address)
    }
}

/// The most peers picked at random in one step. Picking draws again on a repetition, so this is
/// small.
pub(crate) const FAN_OUT_MAX: usize = 16;

/// How many of an origin's latest broadcasts are distinguished; older ones count as seen. No queue
/// holds more, so no broadcast is lost when the newest overtakes the oldest.
pub(crate) const BROADCASTS_TOLD_APART: u32 = 1024;
