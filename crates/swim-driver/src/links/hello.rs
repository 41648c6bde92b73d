//! The hello: the first bytes of a link.
//!
//! | bytes | what |
//! |-------|------|
//! | 1 | `0xC2`: a link, not an exchange on either wire |
//! | 1 | version: 1 |
//! | 1 | 1: the dialler gave up an earlier link to the same node as broken; otherwise 0 |
//! | 1, then as many | the dialler's name, UTF-8 |
//! | 1 | 4 or 6: the family of the address |
//! | 4 or 16, then 2 | the address that the dialler announces, and its port, big-endian |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use swim_core::{Name, wire};

/// The first byte of a link. Nothing else on these connections begins with it.
const MAGIC: u8 = wire::LINK_MAGIC;

const VERSION: u8 = 1;

/// The longest hello. This much is kept of a connection of unknown purpose.
const SIZE_MAX: usize = 4 + u8::MAX as usize + 1 + 16 + 2;

/// The dialler, and the address to answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) name: Name,
    pub(super) announced: SocketAddr,
}

/// The classified beginning of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// A complete hello.
    Hello {
        hello: Hello,
        /// An earlier link was given up as broken.
        renewed: bool,
        /// The size of the hello in bytes.
        size: usize,
    },
    /// Perhaps the beginning of a hello.
    Unfinished,
    /// A hello of a later version, or nonsense.
    Malformed,
    /// Not a hello.
    Other,
}

impl Hello {
    /// Encodes it. `renewed`: an earlier link to the same node was given up as broken.
    pub(super) fn encode(&self, renewed: bool) -> Vec<u8> {
        let name = self.name.as_str().as_bytes();
        let length = u8::try_from(name.len()).expect("names have at most 255 bytes");
        let mut bytes = vec![MAGIC, VERSION, u8::from(renewed), length];
        bytes.extend_from_slice(name);
        match self.announced.ip() {
            IpAddr::V4(ip) => {
                bytes.push(4);
                bytes.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                bytes.push(6);
                bytes.extend_from_slice(&ip.octets());
            }
        }
        bytes.extend_from_slice(&self.announced.port().to_be_bytes());
        bytes
    }

    /// Classifies the first bytes of a connection.
    pub(super) fn decode(bytes: &[u8]) -> Beginning {
        match bytes {
            [] | [MAGIC] | [MAGIC, VERSION] => return Beginning::Unfinished,
            [MAGIC, VERSION, 0 | 1, ..] => {}
            [MAGIC, ..] => return Beginning::Malformed,
            _ => return Beginning::Other,
        }
        let (renewed, mut rest) = (bytes[2] == 1, &bytes[3..]);
        match Hello::read(&mut rest) {
            Some(Some(hello)) => {
                Beginning::Hello { hello, renewed, size: bytes.len() - rest.len() }
            }
            None if bytes.len() < SIZE_MAX => Beginning::Unfinished,
            Some(None) | None => Beginning::Malformed,
        }
    }

    /// `None` if bytes are missing, `Some(None)` if they are nonsense.
    fn read(rest: &mut &[u8]) -> Option<Option<Hello>> {
        let length = take(rest, 1)?[0];
        let name = take(rest, usize::from(length))?;
        let name = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
        let ip: IpAddr = match take(rest, 1)?[0] {
            4 => Ipv4Addr::from(array::<4>(take(rest, 4)?)).into(),
            6 => Ipv6Addr::from(array::<16>(take(rest, 16)?)).into(),
            _ => return Some(None),
        };
        let port = u16::from_be_bytes(array(take(rest, 2)?));
        let usable = port != 0 && !ip.is_unspecified() && !ip.is_multicast();
        Some(
            name.filter(|_| usable)
                .map(|name| Hello { name, announced: SocketAddr::new(ip.to_canonical(), port) }),
        )
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many were taken")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(name: &str, announced: &str) -> Hello {
        Hello { name: name.parse().unwrap(), announced: announced.parse().unwrap() }
    }

    #[test]
    fn what_is_encoded_is_decoded_and_every_part_of_it_is_unfinished() {
        for hello in [hello("a", "10.0.0.1:7946"), hello(&"x".repeat(255), "[fd00::1]:1")] {
            let (bytes, renewed) = (hello.encode(true), true);
            assert!(bytes.len() <= SIZE_MAX);
            for end in 0..bytes.len() {
                assert_eq!(Hello::decode(&bytes[..end]), Beginning::Unfinished, "{end}");
            }
            let more = [&bytes[..], b"frames"].concat();
            let size = bytes.len();
            assert_eq!(Hello::decode(&more), Beginning::Hello { hello, renewed, size });
        }
    }

    #[test]
    fn what_is_no_hello_is_left_to_others_and_one_that_makes_no_sense_is_told_apart() {
        let bytes = hello("a", "10.0.0.1:7946").encode(false);
        let changed = |at: usize, to: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = to;
            bytes
        };
        let nowhere = hello("a", "0.0.0.0:7946").encode(false);
        for other in [b"GET / HTTP/1.1\r\n".to_vec(), vec![0xC1, 0x10]] {
            assert_eq!(Hello::decode(&other), Beginning::Other, "{other:?}");
        }
        for malformed in [
            changed(1, 2),    // a later version
            changed(2, 2),    // no flag
            changed(4, 0xFF), // no UTF-8
            changed(5, 5),    // no family of addresses
            nowhere,
        ] {
            assert_eq!(Hello::decode(&malformed), Beginning::Malformed, "{malformed:?}");
        }
    }
}
