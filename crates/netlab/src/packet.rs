//! The few fields of an IP packet that a switch uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The length of an IPv4 header without options, in bytes.
pub(crate) const V4_HEADER: usize = 20;
/// The length of an IPv6 header, in bytes.
pub(crate) const V6_HEADER: usize = 40;

/// The protocols that a switch distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// ICMP and ICMPv6.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Any other protocol.
    Other,
}

/// The header of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    may_fragment: bool,
}

impl Header {
    /// Parses the header of an IPv4 or IPv6 packet. `None` if it is malformed or truncated.
    ///
    /// ```
    /// # use netlab::Header;
    /// assert_eq!(Header::parse(b"no packet"), None);
    /// ```
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => parse_v4(packet),
            6 => parse_v6(packet),
            _ => None,
        }
    }

    /// Returns the source address of the header.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// Returns the destination address.
    #[must_use]
    pub fn destination(&self) -> IpAddr {
        self.destination
    }

    /// Returns its protocol. A fragment of a datagram has the datagram's protocol.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether a router may fragment it: IPv4 without the flag "don't fragment".
    #[must_use]
    pub fn may_fragment(&self) -> bool {
        self.may_fragment
    }
}

fn parse_v4(packet: &[u8]) -> Option<Header> {
    let header: &[u8; V4_HEADER] = packet.first_chunk()?;
    let header_length = usize::from(header[0] & 0x0f) * 4;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header_length < V4_HEADER || length < header_length || packet.len() < length {
        return None;
    }
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    Some(Header {
        source: Ipv4Addr::new(s0, s1, s2, s3).into(),
        destination: Ipv4Addr::new(d0, d1, d2, d3).into(),
        protocol: protocol(header[9]),
        may_fragment: header[6] & 0x40 == 0,
    })
}

fn parse_v6(packet: &[u8]) -> Option<Header> {
    const FRAGMENT: u8 = 44;
    let header: &[u8; V6_HEADER] = packet.first_chunk()?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let rest = packet[V6_HEADER..].get(..length)?;
    // Members of a lab send no other extension headers.
    let next = match header[6] {
        FRAGMENT => *rest.first()?,
        next => next,
    };
    let address = |from: usize| header[from..].first_chunk::<16>().map(|&ip| Ipv6Addr::from(ip));
    Some(Header {
        source: address(8)?.into(),
        destination: address(24)?.into(),
        protocol: protocol(next),
        may_fragment: false,
    })
}

fn protocol(number: u8) -> Protocol {
    match number {
        1 | 58 => Protocol::Icmp,
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        _ => Protocol::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::{Made, v4, v6};

    #[test]
    fn the_fields_are_read_from_where_they_are() {
        for (packet, source, destination) in
            [(v4(1, 2), "10.77.0.1", "10.77.0.2"), (v6(1, 2), "fd4e:77::1", "fd4e:77::2")]
        {
            let header = Header::parse(&packet.carrying(17, 30).bytes()).expect("it is a packet");
            assert_eq!(header.source(), source.parse::<IpAddr>().unwrap());
            assert_eq!(header.destination(), destination.parse::<IpAddr>().unwrap());
            assert_eq!(header.protocol(), Protocol::Udp);
        }
    }

    #[test]
    fn only_ipv4_without_the_flag_may_be_cut() {
        let may = |packet: Made| Header::parse(&packet.bytes()).expect("a packet").may_fragment();
        assert!(may(v4(1, 2)));
        assert!(!may(v4(1, 2).whole()));
        assert!(!may(v6(1, 2)));
    }

    #[test]
    fn no_cut_of_a_packet_and_no_byte_of_it_confuses() {
        for packet in [v4(1, 2).carrying(6, 9).bytes(), v6(1, 2).carrying(44, 9).bytes()] {
            for length in 0..packet.len() {
                assert_eq!(Header::parse(&packet[..length]), None, "{length} bytes");
            }
            for at in 0..packet.len() {
                for byte in 0..=u8::MAX {
                    let mut changed = packet.clone();
                    changed[at] = byte;
                    let _ = Header::parse(&changed);
                }
            }
        }
    }
}
