//! Chooses the address that a node announces: one that peers can reach and may accept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use swim_core::IpNet;

use crate::error::{BindError, listed};
use crate::options::Options;

/// The options that decide which address to announce.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Exactly this address.
    pub(crate) advertise: Option<SocketAddr>,
    /// An address of this interface.
    pub(crate) interface: Option<&'a str>,
    /// An address in this network.
    pub(crate) network: Option<IpNet>,
    /// An address in these networks; empty allows all.
    pub(crate) allowed: &'a [IpNet],
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Wanted {
            advertise: options.advertise,
            interface: options.advertise_interface.as_deref(),
            network: options.advertise_network,
            allowed: &options.config.allowed_networks,
        }
    }

    /// Chooses the address: the one that was asked for, else the bound one, else one of the
    /// machine's.
    pub(crate) fn choose(
        &self,
        bound: SocketAddr,
        addresses: impl FnOnce() -> Vec<LocalAddress>,
    ) -> Result<SocketAddr, BindError> {
        let Some(address) = self.fixed(bound)? else {
            return self.pick(canonical(bound), &addresses());
        };
        match self.interface {
            Some(name) => {
                let addresses = addresses();
                self.check_interface(name, &addresses)?;
                if !addresses.iter().any(|it| it.interface == name && it.ip == address.ip()) {
                    return Err(self.nothing_fits(address, &addresses));
                }
            }
            None if self.advertise.is_some() && is_broadcast(address.ip(), &addresses()) => {
                return Err(not_announced("advertise", address, "a broadcast address"));
            }
            None => {}
        }
        Ok(address)
    }

    /// Chooses the address, as far as it does not depend on the machine's addresses.
    pub(crate) fn fixed(&self, bound: SocketAddr) -> Result<Option<SocketAddr>, BindError> {
        let bound = canonical(bound);
        let Some(asked) = self.advertise else {
            return self.bound_alone(bound);
        };
        let by_interface = self.interface.map(|_| "advertise_interface");
        if let Some(beside) = by_interface.or(self.network.map(|_| "advertise_network")) {
            return Err(BindError::AdvertiseTwice { beside });
        }
        let mut advertise = canonical(asked);
        if advertise.ip().is_unspecified() {
            return Err(BindError::UnspecifiedAdvertise);
        }
        if let Some(kind) = unreachable_kind(advertise.ip()) {
            return Err(not_announced("advertise", advertise, kind));
        }
        if advertise.port() == 0 {
            advertise.set_port(bound.port());
        }
        if !reaches(bound, advertise) {
            return Err(BindError::AdvertiseFamily { bind: bound, advertise });
        }
        self.allow(advertise).map(Some)
    }

    /// The bound address, if it is to be announced.
    fn bound_alone(&self, bound: SocketAddr) -> Result<Option<SocketAddr>, BindError> {
        if bound.ip().is_unspecified() {
            return Ok(None);
        }
        if let Some(kind) = unreachable_kind(bound.ip()) {
            return Err(not_announced("bind", bound, kind));
        }
        if self.network.is_some_and(|network| !network.contains(&bound.ip())) {
            return Err(self.nothing_fits(bound, &[]));
        }
        self.allow(bound).map(Some)
    }

    fn allow(&self, advertise: SocketAddr) -> Result<SocketAddr, BindError> {
        if self.allows(advertise.ip()) {
            return Ok(advertise);
        }
        Err(BindError::AdvertiseNotAllowed { advertise, networks: self.allowed.to_vec() })
    }

    /// Picks one of the machine's addresses.
    fn pick(&self, bound: SocketAddr, addresses: &[LocalAddress]) -> Result<SocketAddr, BindError> {
        if let Some(name) = self.interface {
            self.check_interface(name, addresses)?;
        }
        // Without restrictions the family of `bind` decides. A network may be of the other family,
        // which `[::]` serves too.
        let both = self.is_restricted();
        let mut candidates: Vec<IpAddr> = addresses
            .iter()
            .filter(|it| it.is_up && self.fits(it))
            .map(|it| it.ip)
            .filter(|ip| ip.is_ipv4() == bound.is_ipv4() || (both && bound.is_ipv6()))
            .collect();
        // Stable: among equals the system's order decides, which follows the order of
        // configuration.
        candidates.sort_by_key(|ip| (ip.is_ipv4() != bound.is_ipv4(), reach(*ip)));
        let Some(&best) = candidates.first() else {
            return Err(self.nothing_fits(bound, addresses));
        };
        tracing::debug!(
            target: "swim", advertise = %best, ?candidates, "chose an address to announce"
        );
        Ok(SocketAddr::new(best, bound.port()))
    }

    fn fits(&self, address: &LocalAddress) -> bool {
        let ip = address.ip;
        let reachable = match reach(ip) {
            None => false,
            Some(Reach::Machine) => self.takes_loopback(),
            Some(Reach::Private | Reach::Global) => true,
        };
        reachable
            && self.interface.is_none_or(|name| name == address.interface)
            && self.network.is_none_or(|network| network.contains(&ip))
            && self.allows(ip)
    }

    /// Whether loopback is acceptable: an interface is given, or all networks given are loopback.
    fn takes_loopback(&self) -> bool {
        let is_loopback = |network: &IpNet| network.addr().is_loopback();
        self.interface.is_some()
            || self.network.as_ref().is_some_and(is_loopback)
            || (!self.allowed.is_empty() && self.allowed.iter().all(is_loopback))
    }

    /// The same rule that the node applies to peers.
    fn allows(&self, ip: IpAddr) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|network| network.contains(&ip))
    }

    fn is_restricted(&self) -> bool {
        self.interface.is_some() || self.network.is_some() || !self.allowed.is_empty()
    }

    fn check_interface(&self, name: &str, addresses: &[LocalAddress]) -> Result<(), BindError> {
        if addresses.iter().any(|it| it.interface == name) {
            return Ok(());
        }
        let mut interfaces: Vec<String> = Vec::new();
        for address in addresses {
            if !interfaces.contains(&address.interface) {
                interfaces.push(address.interface.clone());
            }
        }
        Err(BindError::NoInterface { name: name.into(), interfaces })
    }

    fn nothing_fits(&self, bind: SocketAddr, addresses: &[LocalAddress]) -> BindError {
        if !self.is_restricted() {
            return BindError::NothingToAdvertise { bind };
        }
        let interface = self.interface.map(|name| format!("advertise_interface ({name})"));
        let network = self.network.map(|network| format!("advertise_network ({network})"));
        let allowed = (!self.allowed.is_empty())
            .then(|| format!("allowed_networks ({})", listed(self.allowed)));
        let wanted: Vec<String> = [interface, network, allowed].into_iter().flatten().collect();
        let addresses = addresses.iter().filter(|it| it.is_up);
        BindError::NoAddressFits {
            bind,
            wanted: wanted.join(" and "),
            addresses: addresses.map(|it| (it.interface.clone(), it.ip)).collect(),
        }
    }
}

/// An address of one of this machine's interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalAddress {
    ip: IpAddr,
    /// The name of the interface.
    interface: String,
    /// The address that reaches all hosts of its network at once.
    broadcast: Option<IpAddr>,
    is_up: bool,
}

/// The addresses of this machine's interfaces, those of the default routes first.
pub(crate) fn local_addresses() -> Vec<LocalAddress> {
    let listed = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(target: "swim", %error, "cannot list the addresses of this machine");
        Vec::new()
    });
    let mut addresses: Vec<LocalAddress> = listed
        .into_iter()
        .map(|interface| LocalAddress {
            ip: interface.ip(),
            broadcast: match &interface.addr {
                if_addrs::IfAddr::V4(v4) => v4.broadcast.map(IpAddr::V4),
                if_addrs::IfAddr::V6(_) => None,
            },
            // Virtual interfaces often do not report whether they are up.
            is_up: matches!(
                interface.oper_status,
                if_addrs::IfOperStatus::Up | if_addrs::IfOperStatus::Unknown
            ),
            interface: interface.name,
        })
        .collect();
    let routed = [routed_v4(), routed_v6()];
    addresses.sort_by_key(|address| !routed.contains(&Some(address.ip)));
    addresses
}

/// Whether a node announces a loopback address but listens for other machines too.
pub(crate) fn hides(bound: SocketAddr, advertise: SocketAddr) -> bool {
    advertise.ip().is_loopback() && !canonical(bound).ip().is_loopback()
}

/// Unmaps an IPv4 address that came in through an IPv6 socket.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
            SocketAddr::new(address.ip().to_canonical(), address.port())
        }
        _ => address,
    }
}

/// Whether a socket bound to `bound` can exchange datagrams with `address`: the families match, or
/// `bound` is the unspecified IPv6 address.
pub(crate) fn reaches(bound: SocketAddr, address: SocketAddr) -> bool {
    let bound = canonical(bound);
    bound.is_ipv4() == address.is_ipv4() || (bound.is_ipv6() && bound.ip().is_unspecified())
}

/// The kind of an address that leads to no single node, or to a different one for each peer. `None`
/// for addresses that may be announced.
pub(crate) fn unreachable_kind(ip: IpAddr) -> Option<&'static str> {
    match ip.to_canonical() {
        ip if ip.is_unspecified() => Some("an unspecified address"),
        ip if ip.is_multicast() => Some("a multicast address"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("a broadcast address"),
        // These differ on every link, and the interface that they need does not travel with them.
        IpAddr::V4(v4) if v4.is_link_local() => Some("a link-local address"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("a link-local address"),
        _ => None,
    }
}

/// Whether this is the broadcast address of a local network. In a network of one host it is that
/// host's own address.
fn is_broadcast(ip: IpAddr, addresses: &[LocalAddress]) -> bool {
    addresses.iter().any(|it| it.broadcast == Some(ip)) && !addresses.iter().any(|it| it.ip == ip)
}

fn not_announced(setting: &'static str, address: SocketAddr, kind: &'static str) -> BindError {
    BindError::NotAnnounced { setting, address: address.ip(), kind }
}

/// How far an address reaches, in order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Inside the organisation: usual for clusters, and closed to the world.
    Private,
    /// Everywhere.
    Global,
    /// Only this machine, and only on request.
    Machine,
}

/// `None` for addresses that are never announced.
fn reach(ip: IpAddr) -> Option<Reach> {
    if unreachable_kind(ip).is_some() {
        return None;
    }
    Some(match ip {
        ip if ip.is_loopback() => Reach::Machine,
        IpAddr::V4(v4) if v4.is_private() || is_shared(v4) => Reach::Private,
        IpAddr::V6(v6) if v6.is_unique_local() => Reach::Private,
        _ => Reach::Global,
    })
}

/// 100.64.0.0/10: addresses inside a provider's or an overlay's network (RFC 6598).
fn is_shared(v4: Ipv4Addr) -> bool {
    v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64
}

/// The source address for traffic to the Internet. Connecting a datagram socket sends nothing; it
/// only looks up the route. The target is a documentation address.
fn routed_v4() -> Option<IpAddr> {
    routed(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
}

fn routed_v6() -> Option<IpAddr> {
    routed(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
}

fn routed(from: IpAddr, to: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((from, 0)).ok()?;
    socket.connect((to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Parses `10.0.0.9 eth0`, or an address alone.
    fn local(text: &str) -> LocalAddress {
        let (ip, interface) = text.split_once(' ').unwrap_or((text, "eth0"));
        let (ip, interface) = (ip.parse().unwrap(), interface.into());
        LocalAddress { interface, ip, broadcast: None, is_up: true }
    }

    const NOTHING: Wanted<'_> =
        Wanted { advertise: None, interface: None, network: None, allowed: &[] };

    fn choose(wanted: Wanted<'_>, bound: &str, local_addresses: &[&str]) -> Result<String, String> {
        let addresses = local_addresses.iter().map(|text| local(text)).collect();
        let chosen = wanted.choose(address(bound), || addresses);
        chosen.map(|it| it.to_string()).map_err(|error| error.to_string())
    }

    fn chosen(bound: &str, asked: Option<&str>, addresses: &[&str]) -> Result<String, String> {
        choose(Wanted { advertise: asked.map(address), ..NOTHING }, bound, addresses)
    }

    fn networks(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Every kind of address, as machines have them.
    const ALL: [&str; 9] = [
        "127.0.0.1 lo",
        "::1 lo",
        "169.254.7.7",
        "fe80::1",
        "8.8.8.8",
        "2001:db8::8",
        "fd00::1",
        "10.0.0.9",
        "192.168.1.9 eth1",
    ];

    #[test]
    fn the_address_that_was_asked_for_wins() {
        let asked = chosen("0.0.0.0:7946", Some("203.0.113.7:80"), &["10.0.0.1"]);
        assert_eq!(asked.unwrap(), "203.0.113.7:80");
    }

    #[test]
    fn an_address_to_announce_is_one_that_the_bound_socket_can_answer_from() {
        for (bound, asked) in [
            ("0.0.0.0:7946", "[fd00::1]:7946"),
            ("10.0.0.1:7946", "[fd00::1]:7946"),
            ("[fd00::1]:7946", "10.0.0.1:7946"),
            ("[::ffff:10.0.0.1]:7946", "[fd00::1]:7946"),
        ] {
            let told = chosen(bound, Some(asked), &[]).unwrap_err();
            assert!(told.contains("bind") && told.contains("advertise"), "{told}");
            assert!(told.contains(asked), "{told}");
        }
        for (bound, asked) in [
            ("[::]:7946", "10.0.0.1:7946"),
            ("[::]:7946", "[fd00::1]:7946"),
            ("10.0.0.1:7946", "[::ffff:10.0.0.1]:7946"),
        ] {
            assert!(chosen(bound, Some(asked), &[]).is_ok(), "{bound} {asked}");
        }
    }

    #[test]
    fn port_0_to_advertise_stands_for_the_bound_port() {
        let asked = chosen("0.0.0.0:7946", Some("203.0.113.7:0"), &[]);
        assert_eq!(asked.unwrap(), "203.0.113.7:7946");
    }

    #[test]
    fn a_bound_address_is_announced_as_it_is() {
        assert_eq!(chosen("127.0.0.1:80", None, &["10.0.0.1"]).unwrap(), "127.0.0.1:80");
        assert_eq!(chosen("[::1]:80", None, &["10.0.0.1"]).unwrap(), "[::1]:80");
    }

    #[test]
    fn an_interface_stands_in_for_an_unspecified_address() {
        assert_eq!(chosen("0.0.0.0:80", None, &ALL).unwrap(), "10.0.0.9:80");
        assert_eq!(chosen("[::]:80", None, &ALL).unwrap(), "[fd00::1]:80");
        assert_eq!(chosen("0.0.0.0:80", None, &["8.8.8.8"]).unwrap(), "8.8.8.8:80");
        assert_eq!(
            chosen("0.0.0.0:80", None, &["8.8.8.8", "100.64.0.1"]).unwrap(),
            "100.64.0.1:80"
        );
        assert_eq!(chosen("0.0.0.0:80", None, &["10.2.0.1", "10.1.0.1"]).unwrap(), "10.2.0.1:80");
    }

    #[test]
    fn without_a_usable_interface_the_error_names_the_setting() {
        let error = chosen("0.0.0.0:80", None, &["127.0.0.1", "fd00::1", "169.254.1.1"]);
        assert!(error.unwrap_err().contains("advertise"));
        let error = chosen("[::]:80", None, &["10.0.0.1", "fe80::1", "::1"]);
        assert!(error.unwrap_err().contains("IPv6 address to announce"));
    }

    #[test]
    fn mapped_addresses_are_announced_as_ipv4() {
        assert_eq!(chosen("[::ffff:10.0.0.1]:80", None, &[]).unwrap(), "10.0.0.1:80");
        assert_eq!(chosen("[::ffff:0.0.0.0]:80", None, &ALL).unwrap(), "10.0.0.9:80");
    }

    #[test]
    fn s66_with_a_wildcard_bind_an_allowed_address_is_chosen() {
        for (bound, allowed, expected) in [
            ("0.0.0.0:80", &["8.0.0.0/8"][..], "8.8.8.8:80"),
            ("0.0.0.0:80", &["192.168.0.0/16", "fd00::/8"], "192.168.1.9:80"),
            ("0.0.0.0:80", &["127.0.0.0/8"], "127.0.0.1:80"),
            ("0.0.0.0:80", &["127.0.0.0/8", "8.0.0.0/8"], "8.8.8.8:80"),
            ("[::]:80", &["2001:db8::/32"], "[2001:db8::8]:80"),
            ("[::]:80", &["192.168.0.0/16"], "192.168.1.9:80"),
            ("[::]:80", &["192.168.0.0/16", "fd00::/8"], "[fd00::1]:80"),
        ] {
            let networks = networks(allowed);
            let wanted = Wanted { allowed: &networks, ..NOTHING };
            assert_eq!(choose(wanted, bound, &ALL).unwrap(), expected, "{bound} {allowed:?}");
        }
    }

    #[test]
    fn s66_where_no_address_is_allowed_the_node_does_not_start() {
        for (bound, asked, allowed, expected) in [
            ("127.0.0.1:80", None, &["10.0.0.0/8"][..], "announce 127.0.0.1,"),
            ("10.0.0.9:80", Some("203.0.113.7:0"), &["10.0.0.0/8"], "announce 203.0.113.7,"),
            (
                "[::]:80",
                Some("[2001:db8::8]:1"),
                &["10.0.0.0/8", "fd00::/8"],
                "announce 2001:db8::8,",
            ),
            ("0.0.0.0:80", None, &["172.16.0.0/12"], "192.168.1.9 (eth1)"),
            ("0.0.0.0:80", None, &["fd00::/8"], "192.168.1.9 (eth1)"),
            // Not announced: loopback is not the only network allowed.
            ("0.0.0.0:80", None, &["172.16.0.0/12", "127.0.0.0/8"], "127.0.0.1 (lo)"),
        ] {
            let networks = networks(allowed);
            let advertise = asked.map(address);
            let wanted = Wanted { advertise, allowed: &networks, ..NOTHING };
            let told = choose(wanted, bound, &ALL).unwrap_err();
            assert!(told.contains(expected) && told.contains("allowed_networks"), "{told}");
            assert!(told.contains(&allowed.join(", ")), "{told}");
        }
    }

    #[test]
    fn s68_addresses_that_belong_to_no_single_node_are_not_announced() {
        for (asked, kind) in [
            ("0.0.0.0:80", "unspecified"),
            ("[::]:80", "unspecified"),
            ("[::ffff:0.0.0.0]:80", "unspecified"),
            ("224.0.0.1:80", "multicast"),
            ("[ff02::1]:80", "multicast"),
            ("255.255.255.255:80", "broadcast"),
            ("[::ffff:255.255.255.255]:80", "broadcast"),
            ("169.254.7.7:80", "link-local"),
            ("[fe80::1%3]:80", "link-local"),
        ] {
            let told = chosen("[::]:80", Some(asked), &[]).unwrap_err();
            assert!(told.contains(kind) && told.contains("set advertise to"), "{told}");
            if kind != "unspecified" {
                let told = chosen(asked, None, &[]).unwrap_err();
                assert!(told.contains(kind) && told.contains("set advertise to"), "{told}");
            }
        }
    }

    #[test]
    fn s68_the_broadcast_address_of_a_network_is_not_announced() {
        let mut eth0 = local("10.0.0.9");
        eth0.broadcast = Some("10.0.0.255".parse().unwrap());
        let choose = |local: LocalAddress| {
            let wanted = Wanted { advertise: Some(address("10.0.0.255:80")), ..NOTHING };
            wanted.choose(address("0.0.0.0:80"), || vec![local])
        };
        assert!(choose(eth0.clone()).unwrap_err().to_string().contains("broadcast"));
        // A network of one address.
        eth0.ip = "10.0.0.255".parse().unwrap();
        assert!(choose(eth0).is_ok());
    }

    #[test]
    fn s68_loopback_behind_another_address_is_told_apart() {
        let hidden = |bound, advertise| hides(address(bound), address(advertise));
        assert!(hidden("0.0.0.0:80", "127.0.0.1:80"));
        assert!(hidden("10.0.0.1:80", "127.0.0.1:80"));
        assert!(hidden("[::]:80", "[::1]:80"));
        assert!(!hidden("127.0.0.2:80", "127.0.0.1:80"));
        assert!(!hidden("[::ffff:127.0.0.1]:80", "127.0.0.1:80"));
        assert!(!hidden("0.0.0.0:80", "10.0.0.1:80"));
    }

    #[test]
    fn an_address_of_the_interface_and_of_the_network_is_announced() {
        for (bound, interface, network, expected) in [
            ("0.0.0.0:80", Some("eth1"), None, "192.168.1.9:80"),
            ("0.0.0.0:80", Some("eth0"), None, "10.0.0.9:80"),
            ("0.0.0.0:80", Some("eth0"), Some("8.0.0.0/8"), "8.8.8.8:80"),
            ("0.0.0.0:80", Some("lo"), None, "127.0.0.1:80"),
            ("[::]:80", Some("eth1"), None, "192.168.1.9:80"),
            ("[::]:80", Some("eth0"), None, "[fd00::1]:80"),
            ("[::]:80", None, Some("192.168.0.0/16"), "192.168.1.9:80"),
            ("0.0.0.0:80", None, Some("0.0.0.0/0"), "10.0.0.9:80"),
            ("0.0.0.0:80", None, Some("127.0.0.0/8"), "127.0.0.1:80"),
            ("192.168.1.9:80", Some("eth1"), Some("192.168.0.0/16"), "192.168.1.9:80"),
        ] {
            let network = network.map(|text| text.parse().unwrap());
            let wanted = Wanted { interface, network, ..NOTHING };
            assert_eq!(choose(wanted, bound, &ALL).unwrap(), expected, "{wanted:?}");
        }
    }

    #[test]
    fn without_an_address_of_the_interface_or_the_network_the_error_says_what_there_is() {
        for (bound, interface, network, expected) in [
            ("0.0.0.0:80", Some("eth7"), None, "set one of lo, eth0, eth1"),
            ("192.168.1.9:80", Some("eth7"), None, "set one of lo, eth0, eth1"),
            ("0.0.0.0:80", Some("eth1"), Some("8.0.0.0/8"), "8.8.8.8 (eth0)"),
            ("0.0.0.0:80", None, Some("fd00::/8"), "bind to [::]"),
            ("0.0.0.0:80", None, Some("169.254.0.0/16"), "169.254.7.7 (eth0)"),
            ("192.168.1.9:80", Some("eth0"), None, "192.168.1.9 only"),
            ("192.168.1.9:80", None, Some("10.0.0.0/8"), "192.168.1.9 only"),
        ] {
            let network = network.map(|text| text.parse().unwrap());
            let wanted = Wanted { interface, network, ..NOTHING };
            let told = choose(wanted, bound, &ALL).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn one_setting_says_which_address_to_announce() {
        let advertise = Some(address("10.0.0.9:80"));
        let interface = Wanted { advertise, interface: Some("eth0"), ..NOTHING };
        let network = Wanted { advertise, network: "10.0.0.0/8".parse().ok(), ..NOTHING };
        for (wanted, setting) in [(interface, "advertise_interface"), (network, "advertise_net")] {
            let told = choose(wanted, "0.0.0.0:80", &ALL).unwrap_err();
            assert!(told.contains(setting) && told.contains("set only one of them"), "{told}");
        }
    }

    #[test]
    fn an_interface_that_is_down_is_not_announced() {
        let mut down = local("10.0.0.9");
        down.is_up = false;
        let up = local("8.8.8.8 eth1");
        for (interface, expected) in [(None, "8.8.8.8:80"), (Some("eth0"), "none of")] {
            let wanted = Wanted { interface, ..NOTHING };
            let addresses = vec![down.clone(), up.clone()];
            let told = match wanted.choose(address("0.0.0.0:80"), || addresses) {
                Ok(chosen) => chosen.to_string(),
                Err(error) => error.to_string(),
            };
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn the_addresses_of_this_machine_can_be_listed() {
        let addresses = local_addresses();
        assert!(addresses.iter().any(|it| it.ip.is_loopback()), "{addresses:?}");
    }
}
