//! A network namespace in which datagrams can be blocked.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use crate::missing::Missing;

/// A network namespace with nothing but loopback. Removed when dropped.
#[derive(Debug)]
pub struct Namespace(netlab::Namespace);

impl Namespace {
    /// Creates a namespace.
    ///
    /// # Errors
    ///
    /// If it cannot be created: that needs the programs `ip` and `nft`, and root.
    pub fn new() -> Result<Self, Missing> {
        // Killed tests may have left namespaces behind.
        netlab::Namespace::remove_leftovers().map_err(missing)?;
        let namespace = netlab::Namespace::new().map_err(missing)?;
        let table = "add table inet swim\n\
                     add chain inet swim input { type filter hook input priority 0; }\n";
        namespace.nft(table).map_err(missing)?;
        Ok(Namespace(namespace))
    }

    /// Adds addresses on a network that leads nowhere.
    ///
    /// A member that listens on all addresses announces one of them.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn add_addresses(&self, addresses: &[Ipv4Addr]) -> Result<(), Missing> {
        let mut commands = String::from(
            "link add wire type veth peer name nowhere\n\
             link set nowhere up\n\
             link set wire up\n",
        );
        for address in addresses {
            commands.push_str(&format!("addr add {address}/24 dev wire\n"));
        }
        // memberlist looks for the address of the default route.
        commands.push_str("route add default dev wire\n");
        self.0.ip(&commands).map_err(missing)
    }

    /// Drops all datagrams to this address, but no streams.
    ///
    /// # Panics
    ///
    /// If the rule is refused.
    pub fn block_datagrams_to(&self, to: IpAddr) {
        self.rule(&format!("ip daddr {to}"));
    }

    /// Drops all datagrams between these addresses, both ways, but no streams.
    ///
    /// # Panics
    ///
    /// If the rule is refused.
    pub fn block_datagrams_between(&self, a: IpAddr, b: IpAddr) {
        for (from, to) in [(a, b), (b, a)] {
            self.rule(&format!("ip saddr {from} ip daddr {to}"));
        }
    }

    /// Returns a command that runs in this network.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        self.0.command(program.as_ref())
    }

    fn rule(&self, of: &str) {
        let rule = format!("add rule inet swim input meta l4proto udp {of} counter drop\n");
        self.0.nft(&rule).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn missing(error: netlab::Error) -> Missing {
    let remedy = "apt-get install iproute2 nftables, and run this as root (CAP_NET_ADMIN)";
    Missing::new(error.to_string(), remedy)
}
