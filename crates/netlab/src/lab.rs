//! Hosts on a modelled network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::MutexGuard;

use crate::error::Error;
use crate::namespace::Namespace;
use crate::switch::{Port, Switch};
use crate::wires::{DEVICE, Wires};

/// Hosts, each in its own network, connected by one switch.
///
/// Everything is removed on drop; drop the processes in it first.
///
/// Each host has a TUN device with an address of 10.77.0.0/16 and one of fd4e:77::/64. Nothing
/// leads out of a lab, and labs do not see each other.
///
/// ```no_run
/// # use netlab::Lab;
/// let lab = Lab::new(3, 1)?;
/// lab.switch().change_all(|link| link.loss = 0.1);
/// for host in lab.hosts() {
///     let mut server = host.namespace().command("server");
///     server.args(["--bind", &host.v4().to_string()]).spawn()?;
/// }
/// lab.cut(&[0], &[1, 2], true); // host 0 is alone
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Lab {
    // Dropped before the namespaces of its devices.
    wires: Wires,
    hosts: Vec<Host>,
}

/// A host of a [`Lab`].
#[derive(Debug)]
pub struct Host {
    namespace: Namespace,
    v4: Ipv4Addr,
    v6: Ipv6Addr,
}

impl Lab {
    /// The largest number of hosts.
    pub const HOSTS_MAX: usize = 250;

    /// Creates hosts with perfect links, and removes leftovers of killed labs.
    ///
    /// # Errors
    ///
    /// Without root, the program `ip`, or TUN devices.
    ///
    /// # Panics
    ///
    /// With more than [`HOSTS_MAX`](Lab::HOSTS_MAX) hosts.
    pub fn new(hosts: usize, seed: u64) -> Result<Self, Error> {
        assert!(hosts <= Lab::HOSTS_MAX, "{hosts} hosts, at most {} fit", Lab::HOSTS_MAX);
        Namespace::remove_leftovers()?;
        let mut switch = Switch::new(seed);
        let hosts: Vec<Host> = (1..).take(hosts).map(Host::new).collect::<Result<_, _>>()?;
        for host in &hosts {
            switch.add_host(&[host.v4.into(), host.v6.into()]);
        }
        let namespaces: Vec<&Namespace> = hosts.iter().map(Host::namespace).collect();
        let wires = Wires::start(switch, &namespaces)?;
        hosts.iter().try_for_each(Host::go_up)?;
        Ok(Lab { wires, hosts })
    }

    /// Returns the hosts, in the order of their ports on the switch.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Returns one host.
    ///
    /// # Panics
    ///
    /// If no host has this number.
    #[must_use]
    pub fn host(&self, port: Port) -> &Host {
        &self.hosts[port]
    }

    /// Locks the switch, to change links. No packet moves while it is locked.
    pub fn switch(&self) -> MutexGuard<'_, Switch> {
        self.wires.switch()
    }

    /// Cuts the links between two groups in both directions, or mends them.
    pub fn cut(&self, one: &[Port], other: &[Port], cut: bool) {
        let mut switch = self.switch();
        for &a in one {
            for &b in other {
                switch.change(a, b, |link| link.cut = cut);
                switch.change(b, a, |link| link.cut = cut);
            }
        }
    }
}

impl Host {
    fn new(number: u8) -> Result<Self, Error> {
        Ok(Host {
            namespace: Namespace::new()?,
            v4: Ipv4Addr::new(10, 77, 0, number),
            v6: Ipv6Addr::new(0xfd4e, 0x77, 0, 0, 0, 0, 0, number.into()),
        })
    }

    /// Returns its network.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns its IPv4 address.
    #[must_use]
    pub fn v4(&self) -> IpAddr {
        self.v4.into()
    }

    /// Returns its IPv6 address.
    #[must_use]
    pub fn v6(&self) -> IpAddr {
        self.v6.into()
    }

    fn go_up(&self) -> Result<(), Error> {
        let Host { v4, v6, .. } = self;
        self.namespace.ip(&format!(
            "addr add {v4}/16 dev {DEVICE}\n\
             addr add {v6}/64 dev {DEVICE} nodad\n\
             link set {DEVICE} up\n"
        ))
    }
}
