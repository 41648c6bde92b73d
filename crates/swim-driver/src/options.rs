//! What a node is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swim_core::{Config, Incarnation, IpNet, Name};

use crate::advertise::{self, Wanted};
use crate::carrier::Carrier;
use crate::error::BindError;
use crate::seed::Seed;
use crate::tags::{Tags, TagsError};
use crate::tls_files::TlsFiles;

/// The port that a node listens on unless told otherwise: the one of HashiCorp memberlist.
pub const PORT_DEFAULT: u16 = 7946;

/// What a node is started with: where it listens, whom it looks for, its limits, and its
/// protocol settings.
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
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Where the node listens, for datagrams and for streams on the same port; `0.0.0.0:7946` by
    /// default. Port 0 takes any port that is free for both.
    ///
    /// A node on `0.0.0.0` or on an IPv4 address reaches members with IPv4 addresses, one on an
    /// IPv6 address those with IPv6 addresses, one on `[::]` both where the system allows it.
    pub bind: SocketAddr,
    /// The address that the node announces, where peers reach it: needed behind NAT, and where
    /// `bind` is unspecified and the machine has no address that would do. Port 0 stands for the
    /// port that was bound.
    ///
    /// `None` announces the bound address. When that is unspecified (`0.0.0.0`, `[::]`), an
    /// address of the machine of the same family is picked: no loopback or link-local one; private
    /// ones first; of several, the one that the default route uses.
    ///
    /// A node announces no address outside of `config.allowed_networks`: of the machine's
    /// addresses it picks one inside them, and without one it does not start. Unspecified,
    /// multicast, broadcast and link-local addresses are never announced. A loopback address is
    /// announced with a warning where the node listens on another one.
    pub advertise: Option<SocketAddr>,
    /// Announces an address of the network interface of this name, such as `eth0`, with the port
    /// that was bound. `bind` is unspecified, or an address of this interface.
    ///
    /// Together with `advertise_network` the address is on the interface and in the network.
    /// Refused beside `advertise`.
    pub advertise_interface: Option<String>,
    /// Announces the address of this machine that is in this network, such as `10.1.0.0/16`, with
    /// the port that was bound. `bind` is unspecified, or an address in this network. From `[::]`
    /// also an IPv4 network does.
    ///
    /// Of several addresses the rules of `advertise` pick one. Refused beside `advertise`.
    pub advertise_network: Option<IpNet>,
    /// Where to look for the cluster: `host:port`, `ip:port` or `[v6]:port`. Without a port it is
    /// 7946. A link-local address has its interface with it, as in `[fe80::1%eth0]:7946`; the
    /// members that are found there announce others.
    ///
    /// Names are resolved anew at every attempt, so seeds may come up later or move. An attempt
    /// asks all of them at once. It is made at the start; then, for as long as the node knows no
    /// live peer, after half a second and at growing intervals of up to half a minute; and
    /// otherwise once a minute (in clusters of more than 32, more rarely) to those seeds that are
    /// not among the live members, so that two halves of a cluster that lost sight of each other
    /// meet again. All intervals are jittered. After [`leave`](crate::Cluster::leave) there are no
    /// attempts until the next [`join`](crate::Cluster::join).
    ///
    /// While the node runs, [`add_seed`](crate::Cluster::add_seed) and
    /// [`remove_seed`](crate::Cluster::remove_seed) change the list.
    pub seeds: Vec<String>,
    /// The incarnation to start with; `None` takes the Unix time in seconds, so that what a
    /// restarted node says outranks what is remembered of its past.
    pub incarnation: Option<Incarnation>,
    /// How many events wait for each subscriber; what comes on top is missed by it (see
    /// [`Notice::Missed`](crate::Notice::Missed)). 1024 by default; 0 counts as 1.
    pub events_max: usize,
    /// How many bytes of messages, broadcasts and application states wait for each subscriber, in
    /// events; a single one may be larger. 64 MiB by default.
    pub events_bytes_max: usize,
    /// How many commands of [`Cluster`](crate::Cluster) handles wait for the node; further ones
    /// wait in their caller. 64 by default; 0 counts as 1.
    pub commands_max: usize,
    /// How many addresses of one join are dialled at the same time. Each is sent the whole member
    /// list; so a name with many addresses costs only so much at once, and a few that do not answer
    /// hold up no others. 32 by default; 0 counts as 1.
    pub join_parallel_max: usize,
    /// The most bytes that wait to be written on one stream, and on all the streams together that
    /// peers opened. Beyond it the stream with the most is aborted: its peer does not read. Keep
    /// it above `config.reliable_size_max`. 64 MiB by default.
    pub write_buffer_max: usize,
    /// How packets travel: as datagrams, by default, or over streams alone. The same in the whole
    /// cluster.
    pub transport: Carrier,
    /// With [`Carrier::Streams`]: how many links are kept to other members, the least lately used
    /// of which makes way for another; twice as many are taken from others. In a cluster of more
    /// members a probe has to dial first. Each link takes a descriptor: see that the process may
    /// have three times as many, and `streams_max` besides. 128 by default; 0 counts as 1.
    pub links_max: usize,
    /// With [`Carrier::Streams`]: how old a link gets, in either direction, before it is made anew.
    /// With TLS the certificates are checked again then. 24 hours by default.
    pub link_age_max: Duration,
    /// The certificates of a node whose streams speak TLS; `None`, the default, speaks none. The
    /// adapters' feature `tls` reads them as the node starts.
    pub tls: Option<TlsFiles>,
    /// The protocol's settings. `address` and `incarnation` in it are filled in when the node
    /// starts: leave them alone, and set `bind`, `advertise` and `incarnation` here. What is set
    /// there to anything else is refused.
    pub config: Config,
}

impl Options {
    /// For nodes in one data centre.
    #[must_use]
    pub fn lan(name: Name) -> Self {
        Options::with(Config::lan(name, BIND_DEFAULT))
    }

    /// For nodes in several places, with round trips of up to a second or two.
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
    /// [`TagsError::TooLarge`] beyond [`Config::meta_size_max`]; then nothing changes.
    pub fn set_tags(&mut self, tags: &Tags) -> Result<(), TagsError> {
        let (meta, max) = (tags.encode(), self.config.meta_size_max);
        if meta.len() > max {
            return Err(TagsError::TooLarge { size: meta.len(), max });
        }
        self.config.meta = meta;
        Ok(())
    }

    /// Names the first setting that cannot work, as far as it can be told before anything is
    /// bound. Binding checks the same and more.
    pub fn check(&self) -> Result<(), BindError> {
        self.parsed_seeds()?;
        let port = if self.bind.port() == 0 { PORT_DEFAULT } else { self.bind.port() };
        let bound = SocketAddr::new(self.bind.ip(), port);
        // A stand-in where the address is only known once it is bound.
        let stand_in = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let address = Wanted::new(self).fixed(bound)?.unwrap_or(stand_in);
        self.check_once_set(None)?;
        self.config.clone().with(|config| config.address = address).validate()?;
        Ok(())
    }

    /// The protocol's settings of a node that listens on `bound`.
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

    /// Refuses what is set in `config` and would be replaced: it has one place, which is here.
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

/// Seconds since 1970, which fit until 2106. A clock before 1970 gives 1: the node then refutes
/// its past like one whose clock was set back.
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
