//! The options of a node.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swim_core::{Config, Incarnation, IpNet, Name};

use crate::advertise::{self, Wanted};
use crate::carrier::Carrier;
use crate::error::BindError;
use crate::seed::Seed;
use crate::tags::{Tags, TagsError};
use crate::tls_files::TlsFiles;

/// The default port, which is HashiCorp memberlist's.
pub const PORT_DEFAULT: u16 = 7946;

/// The options of a node: where it listens, its seeds, its limits and its protocol settings.
///
/// Start from the profile that fits the network, and change what you need.
///
/// ```
/// # use swim_driver::Options;
/// let mut options = Options::lan("cache-7".parse()?);
/// options.bind = "0.0.0.0:7000".parse()?;
/// options.advertise = Some("203.0.113.7:7000".parse()?); // what peers see from outside
/// options.seeds = vec!["cache-1.example.org:7000".into(), "10.0.0.2:7000".into()];
/// options.config.label = "staging".into();
/// options.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The address to listen on, for datagrams and streams; `0.0.0.0:7946` by default.
    ///
    /// Port 0 takes a port that is free for both. A node on `0.0.0.0` or on an IPv4 address reaches
    /// IPv4 members; a node on an IPv6 address reaches IPv6 members. A node on `[::]` reaches both
    /// if the system allows it.
    pub bind: SocketAddr,
    /// The address announced to peers (NAT, containers). Port 0 stands for the bound port.
    ///
    /// Needed behind NAT, and if `bind` is unspecified and the machine has no suitable address.
    /// `None` announces the bound address. If that is unspecified (`0.0.0.0`, `[::]`), the node
    /// picks an address of the machine of the same family: no loopback or link-local one, private
    /// ones first, and of several the one that the default route uses.
    ///
    /// A node announces no address outside of `config.allowed_networks`: it picks one of the
    /// machine's addresses inside them, and does not start without one. It never announces an
    /// unspecified, multicast, broadcast or link-local address. A loopback address is announced
    /// with a warning if the node listens on another address.
    pub advertise: Option<SocketAddr>,
    /// Announces an address of this network interface, such as `eth0`, with the bound port.
    ///
    /// `bind` must be unspecified, or an address of this interface. With `advertise_network`, the
    /// address must be both on the interface and in the network. Refused together with `advertise`.
    pub advertise_interface: Option<String>,
    /// Announces an address of this machine in this network, such as `10.1.0.0/16`.
    ///
    /// The port is the bound one. `bind` must be unspecified, or an address in this network; with
    /// `[::]` an IPv4 network works too. If several addresses fit, the rules of `advertise` pick
    /// one. Refused together with `advertise`.
    pub advertise_network: Option<IpNet>,
    /// Addresses at which to look for the cluster: `host:port`, `ip:port` or `[v6]:port`.
    ///
    /// The default port is 7946. A link-local address needs its interface, as in
    /// `[fe80::1%eth0]:7946`; the members found there announce other addresses.
    ///
    /// Each attempt asks all seeds at once and resolves names anew, so seeds may come up later or
    /// move. Attempts are made:
    ///
    /// - at the start;
    /// - while the node knows no live peer, after 0.5 s and then at growing intervals of up to
    ///   30 s;
    /// - otherwise once a minute, to seeds that are not among the live members, so that a split
    ///   cluster merges again; less often in clusters of more than 32.
    ///
    /// All intervals are jittered. After [`leave`](crate::Cluster::leave) there are no attempts
    /// until the next [`join`](crate::Cluster::join).
    ///
    /// While the node runs, [`add_seed`](crate::Cluster::add_seed) and
    /// [`remove_seed`](crate::Cluster::remove_seed) change the list.
    pub seeds: Vec<String>,
    /// The incarnation to start with.
    ///
    /// `None` takes the Unix time in seconds, so that a restarted node outranks what peers remember
    /// of its earlier life.
    pub incarnation: Option<Incarnation>,
    /// The most events that wait for each subscriber. 1024 by default; 0 counts as 1.
    ///
    /// A subscriber misses further ones (see [`Notice::Missed`](crate::Notice::Missed)).
    pub events_max: usize,
    /// The most bytes that wait for each subscriber. 64 MiB by default.
    ///
    /// Counts messages, broadcasts and application states. A single one may be larger.
    pub events_bytes_max: usize,
    /// The most commands that wait for the node. 64 by default; 0 counts as 1.
    ///
    /// Further commands wait in their [`Cluster`](crate::Cluster) caller.
    pub commands_max: usize,
    /// The most addresses of one join that are dialled at once. 32 by default; 0 counts as 1.
    ///
    /// Each receives the whole member list, so this bounds the cost of a name with many addresses.
    /// A few addresses that do not answer do not hold up the rest.
    pub join_parallel_max: usize,
    /// The most bytes that wait to be written: on one stream, and on all accepted streams together.
    ///
    /// Beyond it the stream with the most waiting bytes is aborted, because its peer does not read.
    /// Keep it above `config.reliable_size_max`. 64 MiB by default.
    pub write_buffer_max: usize,
    /// How packets travel: as datagrams (the default) or over streams alone.
    ///
    /// Must be the same in the whole cluster.
    pub transport: Carrier,
    /// With [`Carrier::Streams`]: the most links to other members. 128 by default; 0 counts as 1.
    ///
    /// A new link replaces the least recently used one. The node accepts twice as many links from
    /// peers. In a cluster with more members than links, a probe may have to dial first. Each link
    /// takes a descriptor: allow the process three times `links_max`, plus `streams_max`.
    pub links_max: usize,
    /// With [`Carrier::Streams`]: the age at which a link is replaced, in either direction.
    ///
    /// With TLS this checks the certificates again. 24 hours by default.
    pub link_age_max: Duration,
    /// The certificates of a node whose streams use TLS.
    ///
    /// `None`, the default, uses no TLS. Read at the start by adapters with the feature `tls`.
    pub tls: Option<TlsFiles>,
    /// The protocol settings.
    ///
    /// The node fills in `address` and `incarnation` at the start: set `bind`, `advertise` and
    /// `incarnation` here instead. Other values there are refused.
    pub config: Config,
}

impl Options {
    /// For nodes in one data centre.
    #[must_use]
    pub fn lan(name: Name) -> Self {
        Options::with(Config::lan(name, BIND_DEFAULT))
    }

    /// For nodes in several places, with round trips of up to 1-2 s.
    #[must_use]
    pub fn wan(name: Name) -> Self {
        Options::with(Config::wan(name, BIND_DEFAULT))
    }

    /// For nodes on one machine: development, demonstrations, tests.
    #[must_use]
    pub fn local(name: Name) -> Self {
        Options::with(Config::local(name, BIND_DEFAULT))
    }

    fn with(config: Config) -> Self {
        Options {
            bind: BIND_DEFAULT,
            advertise: None,
            advertise_interface: None,
            advertise_network: None,
            seeds: Vec::new(),
            incarnation: None,
            events_max: 1024,
            events_bytes_max: 64 << 20,
            commands_max: 64,
            join_parallel_max: 32,
            write_buffer_max: 64 << 20,
            transport: Carrier::Datagrams,
            links_max: 128,
            link_age_max: Duration::from_secs(24 * 3600),
            tls: None,
            config,
        }
    }

    /// Announces these tags as the node's metadata.
    ///
    /// # Errors
    ///
    /// [`TagsError::TooLarge`] beyond [`Config::meta_size_max`]; nothing changes then.
    pub fn set_tags(&mut self, tags: &Tags) -> Result<(), TagsError> {
        let (meta, max) = (tags.encode(), self.config.meta_size_max);
        if meta.len() > max {
            return Err(TagsError::TooLarge { size: meta.len(), max });
        }
        self.config.meta = meta;
        Ok(())
    }

    /// Checks the settings.
    ///
    /// Binding checks the same, and what depends on the bound address.
    ///
    /// # Errors
    ///
    /// The first setting that cannot work.
    pub fn check(&self) -> Result<(), BindError> {
        self.parsed_seeds()?;
        let port = if self.bind.port() == 0 { PORT_DEFAULT } else { self.bind.port() };
        let bound = SocketAddr::new(self.bind.ip(), port);
        // Stands in for an address that is only known after binding.
        let stand_in = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let address = Wanted::new(self).fixed(bound)?.unwrap_or(stand_in);
        self.check_once_set(None)?;
        self.config.clone().with(|config| config.address = address).validate()?;
        Ok(())
    }

    /// The protocol settings of a node that listens on `bound`.
    pub(crate) fn bound_config(&self, bound: SocketAddr) -> Result<Config, BindError> {
        let address = Wanted::new(self).choose(bound, advertise::local_addresses)?;
        let incarnation = self.incarnation.unwrap_or_else(unix_time);
        self.check_once_set(Some(address))?;
        Ok(self.config.clone().with(|config| {
            config.address = address;
            config.incarnation = incarnation;
            config.stream_ping &= self.transport == Carrier::Datagrams;
        }))
    }

    /// Refuses values in `config` that the node would replace: they belong here.
    fn check_once_set(&self, announced: Option<SocketAddr>) -> Result<(), BindError> {
        let Config { address, incarnation, .. } = &self.config;
        let own = [Some(BIND_DEFAULT), Some(self.bind), self.advertise, announced];
        if !own.contains(&Some(*address)) {
            return Err(BindError::SetElsewhere {
                setting: "config.address",
                instead: "bind, or advertise",
            });
        }
        let unset = Config::lan(self.config.name.clone(), BIND_DEFAULT).incarnation;
        if ![Some(unset), self.incarnation].contains(&Some(*incarnation)) {
            let (setting, instead) = ("config.incarnation", "incarnation");
            return Err(BindError::SetElsewhere { setting, instead });
        }
        Ok(())
    }

    pub(crate) fn parsed_seeds(&self) -> Result<Vec<Seed>, BindError> {
        Ok(self.seeds.iter().map(|seed| seed.parse()).collect::<Result<_, _>>()?)
    }
}

const BIND_DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT_DEFAULT);

/// Seconds since 1970, which fit until 2106. A clock before 1970 gives 1; the node then refutes its
/// past as if its clock was set back.
fn unix_time() -> Incarnation {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs());
    Incarnation(u32::try_from(seconds).unwrap_or(u32::MAX - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options::lan("a".parse().unwrap())
    }

    #[test]
    fn the_profiles_are_those_of_the_core() {
        let name: Name = "a".parse().unwrap();
        assert_eq!(
            Options::wan(name.clone()).config.probe_interval,
            Config::wan(name.clone(), BIND_DEFAULT).probe_interval
        );
        assert_eq!(
            Options::local(name.clone()).config.stream_timeout,
            Config::local(name, BIND_DEFAULT).stream_timeout
        );
    }

    #[test]
    fn what_cannot_work_is_named_before_anything_is_bound() {
        assert_eq!(options().check().map_err(|e| e.to_string()), Ok(()));

        let mut bad = options();
        bad.seeds = vec!["nowhere:".into()];
        assert!(matches!(bad.check(), Err(BindError::Seed(_))));

        let mut bad = options();
        bad.config.gossip_nodes = 0;
        assert!(bad.check().unwrap_err().to_string().contains("gossip_nodes"));

        let mut bad = options();
        bad.advertise = Some("0.0.0.0:7946".parse().unwrap());
        assert!(matches!(bad.check(), Err(BindError::UnspecifiedAdvertise)));

        let mut bad = options();
        bad.advertise = Some("[fd00::1]:7946".parse().unwrap());
        assert!(matches!(bad.check(), Err(BindError::AdvertiseFamily { .. })));
        bad.bind = "[::]:7946".parse().unwrap();
        assert_eq!(bad.check().map_err(|e| e.to_string()), Ok(()));
    }

    #[test]
    fn what_has_its_place_in_options_is_refused_in_config() {
        let mut bad = options();
        bad.config.address = "10.0.0.1:7946".parse().unwrap();
        let told = bad.check().unwrap_err().to_string();
        assert!(told.contains("config.address") && told.contains("advertise"), "{told}");
        bad.bind = bad.config.address;
        assert_eq!(bad.check().map_err(|e| e.to_string()), Ok(()));

        let mut bad = options();
        bad.config.incarnation = Incarnation(9);
        let told = bad.check().unwrap_err().to_string();
        assert!(told.contains("config.incarnation"), "{told}");
        bad.incarnation = Some(Incarnation(9));
        assert_eq!(bad.check().map_err(|e| e.to_string()), Ok(()));
    }

    #[test]
    fn tags_that_are_too_large_are_refused_and_change_nothing() {
        let mut options = options();
        options.set_tags(&Tags::from([("k", "v")])).unwrap();
        let before = options.config.meta.clone();
        let error = options.set_tags(&Tags::from([("k", "v".repeat(512))])).unwrap_err();
        assert_eq!(error, TagsError::TooLarge { size: 519, max: 512 });
        assert_eq!(options.config.meta, before);
    }

    #[test]
    fn the_incarnation_is_the_time_unless_it_is_given() {
        let bound = "127.0.0.1:7946".parse().unwrap();
        let by_time = options().bound_config(bound).unwrap().incarnation;
        assert!(by_time > Incarnation(1_700_000_000), "{by_time}");

        let mut given = options();
        given.incarnation = Some(Incarnation(7));
        assert_eq!(given.bound_config(bound).unwrap().incarnation, Incarnation(7));
    }
}
