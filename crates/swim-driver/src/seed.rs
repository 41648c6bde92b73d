//! Seeds: addresses and names at which to look for a cluster.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::options::PORT_DEFAULT;

/// A seed: an address, or a name and a port. Names are resolved at each attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seed {
    /// `ip:port` or `[v6]:port`.
    Address(SocketAddr),
    /// `host:port`.
    Name { host: Box<str>, port: u16 },
}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        let wrong = |reason| SeedError { seed: text.to_owned(), reason };
        if let Some(address) = address(text, PORT_DEFAULT) {
            if address.ip().is_unspecified() {
                return Err(wrong("the address is unspecified"));
            }
            if address.port() == 0 {
                return Err(wrong("port 0 cannot be dialled"));
            }
            return Ok(Seed::Address(address));
        }
        if text.contains("://") {
            return Err(wrong("it is a URL"));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        // Brackets around anything but a plain address: an IPv6 address with a zone, which only the
        // system's resolver can read.
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bracketed.is_none() && host.contains(':') {
            return Err(wrong(
                "an IPv6 address with a port or an interface needs brackets around it",
            ));
        }
        let host = bracketed.unwrap_or(host);
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let fits = |c: char| match bracketed {
            Some(_) => !c.is_whitespace() && !c.is_control(),
            None => c.is_alphanumeric() || matches!(c, '-' | '_' | '.'),
        };
        // DNS carries names of at most 253 bytes.
        if host.len() > 253 || !host.chars().all(fits) {
            return Err(wrong("the host name is invalid"));
        }
        match port.map(str::parse::<u16>) {
            None => Ok(Seed::Name { host: host.into(), port: PORT_DEFAULT }),
            Some(Ok(0)) => Err(wrong("port 0 cannot be dialled")),
            Some(Ok(port)) => Ok(Seed::Name { host: host.into(), port }),
            Some(Err(_)) => Err(wrong("the port is not a number from 1 to 65535")),
        }
    }
}

/// Reads `IP:PORT` or `[IP]:PORT`, and `IP` or `[IP]` with this port. An IPv6 address whose end may
/// be a port, as in `fd00::1:7946`, needs brackets.
pub(crate) fn address(text: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip: IpAddr = bracketed.unwrap_or(text).parse().ok()?;
    let is_plain = bracketed.is_some() || !ends_like_a_port(text);
    is_plain.then(|| SocketAddr::new(ip, port))
}

fn ends_like_a_port(text: &str) -> bool {
    let is_port =
        |(ip, port): (&str, &str)| ip.parse::<Ipv6Addr>().is_ok() && port.parse::<u16>().is_ok();
    text.rsplit_once(':').is_some_and(is_port)
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seed::Address(address) => address.fmt(f),
            Seed::Name { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Seed::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// A text is not a seed.
///
/// ```
/// # use swim_driver::Options;
/// let mut options = Options::lan("cache-7".parse()?);
/// options.seeds = vec!["cache-1:http".into()];
/// let error = options.check().err().map(|error| error.to_string());
/// assert!(error.is_some_and(|error| error.contains("the port is not a number")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedError {
    /// The text.
    pub seed: String,
    /// The reason.
    pub reason: &'static str,
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a seed: {}; write HOST:PORT, or HOST with port 7946, such as \
             cache-1.example.org, 10.0.0.1:7946 or [fd00::1]:7946",
            self.seed, self.reason
        )
    }
}

impl std::error::Error for SeedError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(text: &str) -> Result<Seed, SeedError> {
        text.parse()
    }

    #[test]
    fn a_seed_is_an_address_or_a_name_without_a_port_with_7946() {
        let name = |host: &str, port| Ok(Seed::Name { host: host.into(), port });
        let address = |text: &str| Ok(Seed::Address(text.parse().unwrap()));
        assert_eq!(seed("10.0.0.1:7000"), address("10.0.0.1:7000"));
        assert_eq!(seed("10.0.0.1"), address("10.0.0.1:7946"));
        assert_eq!(seed("[fd00::1]:7000"), address("[fd00::1]:7000"));
        assert_eq!(seed("[fd00::1]"), address("[fd00::1]:7946"));
        assert_eq!(seed("fd00::1"), address("[fd00::1]:7946"));
        assert_eq!(seed("::1"), address("[::1]:7946"));
        assert_eq!(seed("node-1.example.org:7000"), name("node-1.example.org", 7000));
        assert_eq!(seed("node-1.example.org"), name("node-1.example.org", 7946));
        assert_eq!(seed("localhost:1"), name("localhost", 1));
        assert_eq!(seed("größe_7"), name("größe_7", 7946));
        assert_eq!(seed("[fe80::1%eth0]:7000"), name("fe80::1%eth0", 7000));
        assert_eq!(seed("[fe80::1%eth0]"), name("fe80::1%eth0", 7946));
    }

    #[test]
    fn a_seed_is_written_as_it_was_read() {
        for text in ["10.0.0.1:7946", "[fd00::1]:7946", "localhost:1", "[fe80::1%eth0]:7946"] {
            assert_eq!(seed(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_seed_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "host is missing"),
            (":7946", "host is missing"),
            ("[]:7946", "host is missing"),
            ("localhost:", "not a number"),
            ("localhost:http", "not a number"),
            ("localhost:65536", "not a number"),
            ("localhost:0", "port 0"),
            ("10.0.0.1:0", "port 0"),
            ("0.0.0.0", "unspecified"),
            ("0.0.0.0:7946", "unspecified"),
            ("[::]:7946", "unspecified"),
            ("fd00::1:7946", "brackets"),
            ("2001:db8::5:1", "brackets"),
            ("a:b:1", "brackets"),
            ("fe80::1%eth0", "an interface needs brackets"),
            ("fe80::1%eth0:7946", "an interface needs brackets"),
            ("http://cache-1:7946", "a URL"),
            ("cache/1:7946", "host name is invalid"),
            ("two words:7946", "host name is invalid"),
        ] {
            let error = seed(text).unwrap_err();
            assert!(error.to_string().contains(reason), "{text:?}: {error}");
        }
    }
}
