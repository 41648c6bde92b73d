//! A router's answer to a packet that is too large for the next link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::{Header, Protocol, V4_HEADER, V6_HEADER};

/// The longest such answer over IPv4, in bytes (RFC 1812, section 4.3.2.3).
const V4_LENGTH_MAX: usize = 576;
/// The longest one over IPv6: the minimum MTU of all paths (RFC 4443, section 3.2).
const V6_LENGTH_MAX: usize = 1280;
const ICMP_HEADER: usize = 8;
const HOPS: u8 = 64;

/// Builds the ICMP message for a packet that is too big.
///
/// It is "fragmentation needed" (IPv4) or "packet too big" (IPv6), from a router with these
/// addresses. `None` if the packet is ICMP itself: that is never answered, to avoid loops.
#[must_use]
pub(crate) fn too_big(packet: &[u8], router: (Ipv4Addr, Ipv6Addr), mtu: u16) -> Option<Vec<u8>> {
    let header = Header::parse(packet)?;
    if header.protocol() == Protocol::Icmp {
        return None;
    }
    match header.source() {
        IpAddr::V4(to) => Some(v4(packet, router.0, to, mtu)),
        IpAddr::V6(to) => Some(v6(packet, router.1, to, mtu)),
    }
}

fn v4(packet: &[u8], from: Ipv4Addr, to: Ipv4Addr, mtu: u16) -> Vec<u8> {
    let quoted = &packet[..packet.len().min(V4_LENGTH_MAX - V4_HEADER - ICMP_HEADER)];
    let [high, low] = mtu.to_be_bytes();
    let mut message = [&[3, 4, 0, 0, 0, 0, high, low], quoted].concat();
    let sum = checksum(&[&message]);
    message[2..4].copy_from_slice(&sum);

    let mut header = [0; V4_HEADER];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&length(V4_HEADER + message.len()));
    header[8] = HOPS;
    header[9] = 1;
    header[12..16].copy_from_slice(&from.octets());
    header[16..20].copy_from_slice(&to.octets());
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum);
    [&header[..], &message].concat()
}

fn v6(packet: &[u8], from: Ipv6Addr, to: Ipv6Addr, mtu: u16) -> Vec<u8> {
    let quoted = &packet[..packet.len().min(V6_LENGTH_MAX - V6_HEADER - ICMP_HEADER)];
    let [high, low] = mtu.to_be_bytes();
    let mut message = [&[2, 0, 0, 0, 0, 0, high, low], quoted].concat();
    let length = length(message.len());
    // A pseudo header comes first (RFC 8200, section 8.1).
    let ends = [from.octets(), to.octets()].concat();
    let sum = checksum(&[&ends, &[0, 0, length[0], length[1], 0, 0, 0, 58], &message]);
    message[2..4].copy_from_slice(&sum);

    let mut header = [0; V6_HEADER];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&length);
    header[6] = 58;
    header[7] = HOPS;
    header[8..24].copy_from_slice(&from.octets());
    header[24..40].copy_from_slice(&to.octets());
    [&header[..], &message].concat()
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).expect("at most as long as is quoted").to_be_bytes()
}

/// The Internet checksum (RFC 1071) of these parts. Only the last may have an odd length.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u64 = words
        .map(|word| u64::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = u16::try_from(sum).expect("it was folded");
    (!sum).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made;

    const ROUTER: (Ipv4Addr, Ipv6Addr) =
        (Ipv4Addr::new(10, 77, 255, 254), Ipv6Addr::new(0xfd4e, 0x77, 0, 0, 0, 0, 0xffff, 0xfffe));

    #[test]
    fn the_sender_is_told_the_size_and_its_own_packet() {
        let packet = made::v4(1, 2).whole().carrying(6, 1400).bytes();
        let answer = too_big(&packet, ROUTER, 1280).expect("an answer");
        let header = Header::parse(&answer).expect("a packet");
        assert_eq!(header.source(), IpAddr::V4(ROUTER.0));
        assert_eq!(header.destination(), "10.77.0.1".parse::<IpAddr>().unwrap());
        assert_eq!((answer[20], answer[21]), (3, 4));
        assert_eq!(u16::from_be_bytes([answer[26], answer[27]]), 1280);
        assert_eq!(answer[28..], packet[..V4_LENGTH_MAX - 28]);
        assert_eq!(checksum(&[&answer[..20]]), [0, 0]);
        assert_eq!(checksum(&[&answer[20..]]), [0, 0]);
    }

    #[test]
    fn over_ipv6_too() {
        let packet = made::v6(1, 2).carrying(17, 1400).bytes();
        let answer = too_big(&packet, ROUTER, 1300).expect("an answer");
        assert_eq!(answer.len(), V6_LENGTH_MAX);
        assert_eq!((answer[40], answer[41]), (2, 0));
        assert_eq!(u32::from_be_bytes([answer[44], answer[45], answer[46], answer[47]]), 1300);
        let pseudo = [0, 0, answer[4], answer[5], 0, 0, 0, 58];
        assert_eq!(checksum(&[&answer[8..40], &pseudo, &answer[40..]]), [0, 0]);
    }

    #[test]
    fn icmp_is_not_answered() {
        assert_eq!(too_big(&made::v4(1, 2).carrying(1, 1400).bytes(), ROUTER, 1280), None);
        assert_eq!(too_big(&made::v6(1, 2).carrying(58, 1400).bytes(), ROUTER, 1280), None);
        assert_eq!(too_big(b"nothing", ROUTER, 1280), None);
    }
}
