//! Which address a node announces. Never an unspecified one: nobody could reach it there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::error::BindError;

/// The address to announce: what was asked for, else the bound one, else one of the machine's.
pub(crate) fn choose(
    bound: SocketAddr,
    asked: Option<SocketAddr>,
    interfaces: impl FnOnce() -> Vec<IpAddr>,
) -> Result<SocketAddr, BindError> {
    if let Some(mut address) = asked {
        if address.ip().is_unspecified() {
            return Err(BindError::UnspecifiedAdvertise);
        }
        if address.port() == 0 {
            address.set_port(bound.port());
        }
        let advertise = canonical(address);
        if !reaches(bound, advertise) {
            return Err(BindError::AdvertiseFamily { bind: bound, advertise });
        }
        return Ok(advertise);
    }
    if !bound.ip().is_unspecified() {
        return Ok(canonical(bound));
    }
    let mut candidates: Vec<IpAddr> = interfaces()
        .into_iter()
        .filter(|ip| ip.is_ipv4() == bound.is_ipv4() && reach(*ip).is_some())
        .collect();
    // Stable: among equals the system's order decides, which lists what was configured first first.
    candidates.sort_by_key(|ip| reach(*ip));
    let Some(&best) = candidates.first() else {
        return Err(BindError::NothingToAdvertise { bind: bound });
    };
    tracing::debug!(
        target: "swim", advertise = %best, ?candidates, "picked an address to announce"
    );
    Ok(SocketAddr::new(best, bound.port()))
}

/// The addresses of this machine's interfaces that are up, the one of the default route first.
pub(crate) fn interfaces() -> Vec<IpAddr> {
    let listed = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(target: "swim", %error, "the addresses of this machine cannot be listed");
        Vec::new()
    });
    let mut addresses: Vec<IpAddr> = listed
        .iter()
        // Virtual interfaces often do not say whether they are up.
        .filter(|interface| {
            matches!(
                interface.oper_status,
                if_addrs::IfOperStatus::Up | if_addrs::IfOperStatus::Unknown
            )
        })
        .map(if_addrs::Interface::ip)
        .collect();
    let routed = [routed_v4(), routed_v6()];
    addresses.sort_by_key(|address| !routed.contains(&Some(*address)));
    addresses
}

/// IPv4 addresses that came in through an IPv6 socket, as themselves.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
            SocketAddr::new(address.ip().to_canonical(), address.port())
        }
        _ => address,
    }
}

/// Whether datagrams of a socket that is bound there can go to `address`, and come from it: to the
/// same family, or to either from an unspecified IPv6 address.
pub(crate) fn reaches(bound: SocketAddr, address: SocketAddr) -> bool {
    let bound = canonical(bound);
    bound.is_ipv4() == address.is_ipv4() || (bound.is_ipv6() && bound.ip().is_unspecified())
}

/// How far an address reaches, the preferred first; `None` for those that peers cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Inside the organisation: where clusters usually live, and closed to the world.
    Private,
    /// Everywhere.
    Global,
}

fn reach(ip: IpAddr) -> Option<Reach> {
    if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
        return None;
    }
    match ip {
        IpAddr::V4(v4) if v4.is_link_local() || v4.is_broadcast() => None,
        // Link-local addresses mean something else on every machine.
        IpAddr::V6(v6) if v6.is_unicast_link_local() => None,
        IpAddr::V4(v4) if v4.is_private() || is_shared(v4) => Some(Reach::Private),
        IpAddr::V6(v6) if v6.is_unique_local() => Some(Reach::Private),
        _ => Some(Reach::Global),
    }
}

/// 100.64.0.0/10, the addresses inside a provider's or an overlay's network (RFC 6598).
fn is_shared(v4: Ipv4Addr) -> bool {
    v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64
}

/// The address from which this machine would talk to the world. Connecting a datagram socket
/// sends nothing; it only asks for the route. The target is one of those kept for documentation.
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

    fn chosen(bound: &str, asked: Option<&str>, interfaces: &[&str]) -> Result<String, BindError> {
        let interfaces = interfaces.iter().map(|ip| ip.parse().unwrap()).collect();
        choose(address(bound), asked.map(address), || interfaces).map(|it| it.to_string())
    }

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
            let told = chosen(bound, Some(asked), &[]).unwrap_err().to_string();
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
        let all = ["127.0.0.1", "169.254.7.7", "fe80::1", "8.8.8.8", "fd00::1", "10.0.0.9", "::1"];
        assert_eq!(chosen("0.0.0.0:80", None, &all).unwrap(), "10.0.0.9:80");
        assert_eq!(chosen("[::]:80", None, &all).unwrap(), "[fd00::1]:80");
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
        assert!(error.unwrap_err().to_string().contains("advertise"));
    }

    #[test]
    fn an_unspecified_address_is_never_announced() {
        for asked in ["0.0.0.0:80", "[::]:80"] {
            let error = chosen("10.0.0.1:80", Some(asked), &[]).unwrap_err();
            assert!(error.to_string().contains("advertise"), "{error}");
        }
    }

    #[test]
    fn mapped_addresses_are_announced_as_ipv4() {
        assert_eq!(chosen("[::ffff:10.0.0.1]:80", None, &[]).unwrap(), "10.0.0.1:80");
    }

    #[test]
    fn the_interfaces_of_this_machine_can_be_listed() {
        assert!(interfaces().iter().any(IpAddr::is_loopback), "{:?}", interfaces());
    }
}
