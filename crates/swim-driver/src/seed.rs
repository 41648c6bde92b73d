//! A seed: where to look for a cluster.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// Where to look for a cluster: an address, or a name and a port that is resolved each time.
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
        if let Ok(address) = text.parse::<SocketAddr>() {
            if address.ip().is_unspecified() {
                return Err(wrong("an unspecified address is nowhere in particular"));
            }
            if address.port() == 0 {
                return Err(wrong("port 0 cannot be dialled"));
            }
            return Ok(Seed::Address(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("the port is missing"))?;
        // Brackets around what is no plain address: an IPv6 address with a zone, which only the
        // system's resolver can read.
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bracketed.is_none() && host.contains(':') {
            return Err(wrong("an IPv6 address needs brackets around it"));
        }
        let host = bracketed.unwrap_or(host);
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        // 253 bytes are the longest name that DNS can carry.
        if host.len() > 253 || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(wrong("that is no host name"));
        }
        match port.parse::<u16>() {
            Ok(0) => Err(wrong("port 0 cannot be dialled")),
            Ok(port) => Ok(Seed::Name { host: host.into(), port }),
            Err(_) => Err(wrong("the port is not a number from 1 to 65535")),
        }
    }
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

/// A text that is no seed.
///
/// ```
/// # use swim_driver::Options;
/// let mut options = Options::lan("cache-7".parse()?);
/// options.seeds = vec!["cache-1".into()];
/// let error = options.check().unwrap_err();
/// assert!(error.to_string().contains("the port is missing"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedError {
    /// The text.
    pub seed: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no seed: {}; write host:port, as in node-1.example.org:7946, 10.0.0.1:7946 \
             or [fd00::1]:7946",
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
    fn a_seed_is_an_address_or_a_name_with_a_port() {
        let name = |host: &str, port| Seed::Name { host: host.into(), port };
        assert_eq!(seed("10.0.0.1:7946"), Ok(Seed::Address("10.0.0.1:7946".parse().unwrap())));
        assert_eq!(seed("[fd00::1]:7946"), Ok(Seed::Address("[fd00::1]:7946".parse().unwrap())));
        assert_eq!(seed("node-1.example.org:7946"), Ok(name("node-1.example.org", 7946)));
        assert_eq!(seed("localhost:1"), Ok(name("localhost", 1)));
        assert_eq!(seed("[fe80::1%eth0]:7946"), Ok(name("fe80::1%eth0", 7946)));
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
            ("", "port is missing"),
            ("localhost", "port is missing"),
            (":7946", "host is missing"),
            ("localhost:", "not a number"),
            ("localhost:http", "not a number"),
            ("localhost:65536", "not a number"),
            ("localhost:0", "port 0"),
            ("10.0.0.1:0", "port 0"),
            ("0.0.0.0:7946", "unspecified"),
            ("[::]:7946", "unspecified"),
            ("fd00::1:7946", "brackets"),
            ("two words:7946", "no host name"),
        ] {
            let error = seed(text).unwrap_err();
            assert!(error.to_string().contains(reason), "{text:?}: {error}");
        }
    }
}
