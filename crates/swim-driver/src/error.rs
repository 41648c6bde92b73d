//! Errors, and what to do about each.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use swim_core::{CommandError, ConfigError, Failure, IpNet};

use crate::seed::SeedError;

/// Why a command of a [`Cluster`](crate::Cluster) did not succeed.
///
/// ```
/// # use swim_driver::{CommandError, Error};
/// fn worth_another_try(error: &Error) -> bool {
///     match error {
///         Error::Command(CommandError::Busy { .. }) => true,
///         Error::NoneJoined { .. } | Error::NotResolved { .. } => true,
///         Error::Failure(_) => true,
///         _ => false,
///     }
/// }
/// assert!(!worth_another_try(&Error::Stopped));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The node refused the command; nothing was started.
    Command(CommandError),
    /// The command was carried out, but failed.
    Failure(Failure),
    /// A seed is not written as `host:port` or `host`.
    BadSeed(SeedError),
    /// A join without addresses.
    NoAddresses,
    /// A join with too many addresses.
    TooManyAddresses {
        /// The most addresses of one join.
        max: usize,
    },
    /// A join that failed at every address.
    NoneJoined {
        /// The addresses in the order given, and why each failed.
        attempts: Vec<(SocketAddr, Failure)>,
    },
    /// A join that reached no node, and could not resolve some names.
    NotResolved {
        /// The names, and why each could not be resolved.
        names: Vec<(String, String)>,
        /// The addresses that were tried, and why each failed.
        attempts: Vec<(SocketAddr, Failure)>,
    },
    /// All remaining seeds of a join were removed.
    ///
    /// See [`Cluster::remove_seed`](crate::Cluster::remove_seed).
    SeedRemoved,
    /// The list of seeds is full. Remove one that is not needed.
    TooManySeeds {
        /// The most seeds kept.
        max: usize,
    },
    /// The node is gone: its future was dropped or ended.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Command(error) => error.fmt(f),
            Error::Failure(failure) => failure.fmt(f),
            Error::BadSeed(error) => error.fmt(f),
            Error::NoAddresses => f.write_str("no address to join: pass at least one"),
            Error::TooManyAddresses { max } => {
                write!(f, "too many addresses to join: pass at most {max}")
            }
            Error::NoneJoined { attempts } => {
                f.write_str("cannot join any of the addresses")?;
                list(f, attempts)
            }
            Error::NotResolved { names, attempts } => {
                f.write_str("cannot join any of the seeds")?;
                for (name, reason) in names {
                    write!(f, "; {name} cannot be resolved: {reason}")?;
                }
                list(f, attempts)
            }
            Error::SeedRemoved => {
                f.write_str("the seeds of this join were removed before one answered")
            }
            Error::TooManySeeds { max } => {
                write!(f, "the list of seeds is full ({max}): remove one first")
            }
            Error::Stopped => {
                f.write_str("the node is gone: the future that ran it was dropped or has ended")
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, attempts: &[(SocketAddr, Failure)]) -> fmt::Result {
    attempts.iter().try_for_each(|(address, failure)| write!(f, "; {address}: {failure}"))
}

impl std::error::Error for Error {
    /// The inner error's source: `Display` already prints the inner error.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Command(error) => error.source(),
            Error::Failure(failure) => failure.source(),
            Error::BadSeed(error) => error.source(),
            _ => None,
        }
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        Error::Command(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::Failure(failure)
    }
}

impl From<SeedError> for Error {
    fn from(error: SeedError) -> Self {
        Error::BadSeed(error)
    }
}

/// Why a node could not be started.
///
/// ```
/// # use swim_driver::{BindError, Options};
/// let mut options = Options::lan("cache-7".parse()?);
/// options.advertise = Some("0.0.0.0:7946".parse()?);
/// assert!(matches!(options.check(), Err(BindError::UnspecifiedAdvertise)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// The socket could not be opened.
    Socket {
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// The address to bind.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// No port was found that is free for both UDP and TCP.
    NoFreePort {
        /// The address to bind.
        address: SocketAddr,
        /// How many ports were tried.
        attempts: usize,
    },
    /// `advertise` is an unspecified address.
    UnspecifiedAdvertise,
    /// `bind` does not serve the address family of `advertise`.
    ///
    /// Peers could not reach this node there, or receive from it.
    #[non_exhaustive]
    AdvertiseFamily {
        /// The bound address.
        bind: SocketAddr,
        /// The address to announce.
        advertise: SocketAddr,
    },
    /// `bind` is unspecified, `advertise` is not set, and the machine has no address to announce.
    NothingToAdvertise {
        /// The bound address.
        bind: SocketAddr,
    },
    /// `advertise` is set together with `advertise_interface` or `advertise_network`.
    #[non_exhaustive]
    AdvertiseTwice {
        /// The other setting.
        beside: &'static str,
    },
    /// The address to announce is multicast, broadcast or link-local: peers could not reach it.
    #[non_exhaustive]
    NotAnnounced {
        /// The setting that it comes from: `advertise` or `bind`.
        setting: &'static str,
        /// The address.
        address: IpAddr,
        /// The kind of address, with an article.
        kind: &'static str,
    },
    /// The address to announce is in none of `allowed_networks`.
    ///
    /// Peers with the same setting would refuse this node.
    #[non_exhaustive]
    AdvertiseNotAllowed {
        /// The address to announce.
        advertise: SocketAddr,
        /// The networks.
        networks: Vec<IpNet>,
    },
    /// No interface with an address has the name in `advertise_interface`.
    #[non_exhaustive]
    NoInterface {
        /// The name.
        name: String,
        /// The interfaces of this machine that have an address.
        interfaces: Vec<String>,
    },
    /// No address that the node listens on fits the interface and the networks to announce it in.
    #[non_exhaustive]
    NoAddressFits {
        /// The bound address.
        bind: SocketAddr,
        /// The settings that decide, with their values.
        wanted: String,
        /// The addresses of this machine with their interfaces. Empty if `bind` alone decides.
        addresses: Vec<(String, IpAddr)>,
    },
    /// A field of [`Options::config`](crate::Options::config) is set that another option decides.
    #[non_exhaustive]
    SetElsewhere {
        /// The field that is set.
        setting: &'static str,
        /// The option to set instead.
        instead: &'static str,
    },
    /// A protocol setting cannot work.
    Config(ConfigError),
    /// A seed is not written as `host:port` or `host`.
    Seed(SeedError),
    /// The certificates of [`Options::tls`](crate::Options::tls) cannot be used.
    #[non_exhaustive]
    Tls {
        /// The unusable file, the reason and the remedy.
        reason: String,
    },
    /// [`Options::tls`](crate::Options::tls) is set, but the transport does not use TLS.
    ///
    /// Its certificates would have no effect.
    TlsNotSpoken,
    /// The operating system gave no random bytes.
    Random {
        /// The system's error.
        reason: String,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::Socket { transport, address, error } => {
                write!(f, "cannot listen on {address} ({transport}): {error}{}", remedy(error))
            }
            BindError::NoFreePort { address, attempts } => write!(
                f,
                "no port on {} is free for both UDP and TCP ({attempts} tried): set a bind port",
                address.ip()
            ),
            BindError::UnspecifiedAdvertise => f.write_str(
                "the advertise address is unspecified (0.0.0.0 or ::), and peers cannot reach this \
                 node there: set advertise to an address of this machine that peers can reach",
            ),
            BindError::AdvertiseFamily { bind, advertise } => f.write_str(&families(
                *bind,
                &format!("bind ({bind})"),
                &format!("advertise ({advertise})"),
            )),
            BindError::NothingToAdvertise { bind } => write!(
                f,
                "the node listens on {bind}, and this machine has no private or global {} address \
                 to announce: set advertise to the address that peers can reach, or bind to a \
                 specific one",
                if bind.is_ipv4() { "IPv4" } else { "IPv6" }
            ),
            BindError::AdvertiseTwice { beside } => f.write_str(&twice("advertise", beside)),
            BindError::NotAnnounced { setting, address, kind } => {
                write!(f, "{setting} is {address}, {kind}: peers cannot reach this node there; ")?;
                f.write_str(match *setting {
                    "bind" => {
                        "bind to another address, or set advertise to one that peers can reach"
                    }
                    _ => "set advertise to an address of this machine that peers can reach",
                })
            }
            BindError::AdvertiseNotAllowed { advertise, networks } => {
                let networks = format!("allowed_networks ({})", listed(networks));
                f.write_str(&not_allowed(advertise.ip(), &networks))
            }
            BindError::NoInterface { name, interfaces } => write!(
                f,
                "advertise_interface is {name}, but no network interface of that name has an \
                 address: set one of {}",
                listed(interfaces)
            ),
            BindError::NoAddressFits { bind, wanted, addresses } => {
                f.write_str(&nothing_fits(*bind, wanted, addresses))
            }
            BindError::SetElsewhere { setting, instead } => write!(
                f,
                "{setting} is set, but the node replaces it at the start: set {instead} of the \
                 options instead"
            ),
            BindError::Config(error) => error.fmt(f),
            BindError::Seed(error) => error.fmt(f),
            BindError::Tls { reason } => f.write_str(reason),
            BindError::TlsNotSpoken => f.write_str(
                "certificates are set, but this node does not use TLS: build it with the feature \
                 tls and start it with start or bind_tls, or unset tls_ca, tls_certificate and \
                 tls_key",
            ),
            BindError::Random { reason } => {
                write!(f, "the operating system gave no random bytes: {reason}")
            }
        }
    }
}

/// The remedy for an address that cannot be bound.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; stop the other program or node on this port, or choose another bind port, or port \
             0 for any free one"
        }
        io::ErrorKind::AddrNotAvailable => {
            "; this machine does not have the address: bind to one that it has, and set advertise \
             to the address that peers can reach"
        }
        io::ErrorKind::PermissionDenied => "; choose a bind port of 1024 or above",
        _ => "",
    }
}

/// The families do not match. The settings appear under these names.
pub(crate) fn families(bound: SocketAddr, bind: &str, advertise: &str) -> String {
    let (listens, other, any) = match bound.is_ipv4() {
        true => ("IPv4", "IPv6", "[::]"),
        false => ("IPv6", "IPv4", "0.0.0.0"),
    };
    format!(
        "{bind} listens on {listens} only, so no peer could reach this node at {advertise}, an \
         {other} address: bind to {any} or to an {other} address, or advertise an {listens} \
         address"
    )
}

/// Two settings for the same thing, under these names.
pub(crate) fn twice(advertise: &str, beside: &str) -> String {
    format!("{advertise} and {beside} both set the announced address: set only one of them")
}

/// The address is in none of the networks. Their setting appears under this name.
pub(crate) fn not_allowed(advertise: IpAddr, networks: &str) -> String {
    format!(
        "the node would announce {advertise}, which is in none of {networks}, so peers would \
         refuse it: bind or advertise an address in these networks, or add {}",
        IpNet::from(advertise)
    )
}

/// No address fits all that was asked for.
fn nothing_fits(bind: SocketAddr, wanted: &str, addresses: &[(String, IpAddr)]) -> String {
    if !bind.ip().is_unspecified() {
        return format!(
            "the node listens on {} only, which is not in {wanted}: bind to {} or to an address in \
             it, or set advertise to an address that peers can reach",
            bind.ip(),
            if bind.is_ipv4() { "0.0.0.0" } else { "[::]" }
        );
    }
    let reached = |ip: &IpAddr| ip.is_ipv4() || bind.is_ipv6();
    let has: Vec<String> = addresses
        .iter()
        .filter(|(_, ip)| reached(ip))
        .map(|(interface, ip)| format!("{ip} ({interface})"))
        .collect();
    let further = match has.len().saturating_sub(ADDRESSES_SHOWN_MAX) {
        0 => String::new(),
        further => format!(" and {further} more"),
    };
    let (family, or) = match bind.is_ipv4() {
        true => ("IPv4 addresses", ", or bind to [::] to announce an IPv6 address"),
        false => ("addresses", ""),
    };
    format!(
        "the node listens on {bind}, and none of this machine's {family} that peers can reach is \
         in {wanted}; the machine has {}{further}: change that setting{or}",
        listed(&has[..has.len().min(ADDRESSES_SHOWN_MAX)])
    )
}

/// Joins the items with commas.
pub(crate) fn listed(items: &[impl fmt::Display]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// How many addresses an error lists: a container host has hundreds.
const ADDRESSES_SHOWN_MAX: usize = 16;

impl std::error::Error for BindError {
    /// The inner error's source: `Display` already prints the inner error.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BindError::Socket { error, .. } => error.source(),
            BindError::Config(error) => error.source(),
            BindError::Seed(error) => error.source(),
            _ => None,
        }
    }
}

impl BindError {
    /// Unusable certificates, for adapters.
    pub fn tls(error: impl fmt::Display) -> Self {
        BindError::Tls { reason: error.to_string() }
    }
}

impl From<ConfigError> for BindError {
    fn from(error: ConfigError) -> Self {
        BindError::Config(error)
    }
}

impl From<SeedError> for BindError {
    fn from(error: SeedError) -> Self {
        BindError::Seed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs that print an error with its causes, like anyhow, must not print anything twice.
    #[test]
    fn no_source_says_what_the_error_has_said() {
        let seed: SeedError = "nowhere:".parse::<crate::seed::Seed>().unwrap_err();
        let address = "127.0.0.1:7946".parse().unwrap();
        let error = io::Error::from(io::ErrorKind::AddrInUse);
        let errors: [Box<dyn std::error::Error>; 6] = [
            Box::new(Error::Command(CommandError::UnknownMember)),
            Box::new(Error::Failure(Failure::Timeout)),
            Box::new(Error::BadSeed(seed.clone())),
            Box::new(BindError::Socket { transport: "UDP", address, error }),
            Box::new(BindError::Seed(seed)),
            Box::new(BindError::UnspecifiedAdvertise),
        ];
        for error in errors {
            let (mut said, mut source) = (error.to_string(), error.source());
            while let Some(cause) = source {
                assert!(!said.contains(&cause.to_string()), "{said}: {cause}");
                said = cause.to_string();
                source = cause.source();
            }
        }
    }
}
