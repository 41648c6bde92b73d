//! Socket addresses in 20 bytes instead of 32, because each member has one.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket address without flow label and scope, which the wire formats do not carry either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompactAddress {
    ip: [u8; 16],
    port: u16,
    is_v6: bool,
}

impl CompactAddress {
    /// Whether the two are equal, in the same form.
    #[inline]
    pub(crate) fn is(&self, address: SocketAddr) -> bool {
        match address {
            SocketAddr::V4(v4) => {
                let [a, b, c, d, ..] = self.ip;
                !self.is_v6 && [a, b, c, d] == v4.ip().octets() && self.port == v4.port()
            }
            SocketAddr::V6(v6) => {
                self.is_v6 && self.ip == v6.ip().octets() && self.port == v6.port()
            }
        }
    }

    /// Unique bytes for each address, the same on every machine.
    pub(crate) fn to_bytes(self) -> [u8; 19] {
        let mut bytes = [0; 19];
        bytes[..16].copy_from_slice(&self.ip);
        bytes[16..18].copy_from_slice(&self.port.to_be_bytes());
        bytes[18] = self.is_v6.into();
        bytes
    }
}

impl From<SocketAddr> for CompactAddress {
    fn from(address: SocketAddr) -> Self {
        let mut ip = [0; 16];
        match address.ip() {
            IpAddr::V4(v4) => ip[..4].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => ip = v6.octets(),
        }
        CompactAddress { ip, port: address.port(), is_v6: address.is_ipv6() }
    }
}

impl From<CompactAddress> for SocketAddr {
    fn from(compact: CompactAddress) -> Self {
        let ip = if compact.is_v6 {
            IpAddr::V6(Ipv6Addr::from(compact.ip))
        } else {
            let [a, b, c, d, ..] = compact.ip;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        };
        SocketAddr::new(ip, compact.port)
    }
}

/// The form in which addresses are compared and sent to. An IPv4-mapped IPv6 address
/// (`::ffff:10.1.2.3`), as Go programs announce theirs, becomes the IPv4 address.
#[inline]
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    if address.is_ipv4() { address } else { canonical_v6(address) }
}

/// Separate, so that the common case is inlined.
#[inline(never)]
fn canonical_v6(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_being_stored() {
        for text in ["10.1.2.3:7946", "[2001:db8::7]:1", "[::ffff:10.1.2.3]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            let stored = CompactAddress::from(address);
            assert_eq!(SocketAddr::from(stored), address);
            assert!(stored.is(address));
            assert!(!stored.is(SocketAddr::new(address.ip(), 2)));
            assert!(!stored.is("[::]:1".parse().unwrap()));
        }
    }
}
