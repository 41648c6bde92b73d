//! A network of its own, in which datagrams can be blocked.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::missing::Missing;

/// A network namespace with nothing but loopback. Removed when dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A new one.
    ///
    /// # Errors
    ///
    /// Where it cannot be made: it takes the programs `ip` and `nft`, and the rights of root.
    pub fn new() -> Result<Self, Missing> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("swim-{}-{number}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Namespace { name };
        run(namespace.command("ip").args(["link", "set", "lo", "up"]))?;
        namespace.nft(&["add", "table", "inet", "swim"])?;
        let chain = "{ type filter hook input priority 0; }";
        namespace.nft(&["add", "chain", "inet", "swim", "input", chain])?;
        Ok(namespace)
    }

    /// Gives it addresses besides those of loopback, on a network that leads nowhere: a member that
    /// listens everywhere announces one of them.
    ///
    /// # Errors
    ///
    /// Where the kernel cannot do that.
    pub fn add_addresses(&self, addresses: &[Ipv4Addr]) -> Result<(), Missing> {
        let ip = |arguments: &str| run(self.command("ip").args(arguments.split(' '))).map(|_| ());
        ip("link add wire type veth peer name nowhere")?;
        ip("link set nowhere up")?;
        ip("link set wire up")?;
        for address in addresses {
            ip(&format!("addr add {address}/24 dev wire"))?;
        }
        // memberlist looks for the address of the default route.
        ip("route add default dev wire")
    }

    /// Drops all datagrams that go to this address, and no streams.
    ///
    /// # Panics
    ///
    /// If the rule is refused.
    pub fn block_datagrams_to(&self, to: IpAddr) {
        self.rule(&["ip", "daddr", &to.to_string()]);
    }

    /// Drops all datagrams between these addresses, either way, and no streams.
    ///
    /// # Panics
    ///
    /// If the rule is refused.
    pub fn block_datagrams_between(&self, a: IpAddr, b: IpAddr) {
        for (from, to) in [(a, b), (b, a)] {
            self.rule(&["ip", "saddr", &from.to_string(), "ip", "daddr", &to.to_string()]);
        }
    }

    /// A command that runs in this network.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program.as_ref());
        command
    }

    fn rule(&self, of: &[&str]) {
        let head = ["add", "rule", "inet", "swim", "input", "meta", "l4proto", "udp"];
        let rule: Vec<&str> = head.iter().chain(of).chain(&["counter", "drop"]).copied().collect();
        self.nft(&rule).unwrap_or_else(|missing| panic!("{missing}"));
    }

    fn nft(&self, arguments: &[&str]) -> Result<Output, Missing> {
        run(self.command("nft").args(arguments))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).output();
    }
}

fn run(command: &mut Command) -> Result<Output, Missing> {
    let remedy = "apt-get install iproute2 nftables, and run this as root (CAP_NET_ADMIN)";
    let output = command
        .output()
        .map_err(|error| Missing::new(format!("{command:?}, which said: {error}"), remedy))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    Err(Missing::new(format!("{command:?}, which said: {said}"), remedy))
}
