//! Addresses for the members of one cluster.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Loopback addresses for one cluster, all with the same port.
///
/// The port is shared because a member of protocol version 1 assumes its own port for all members.
/// A member that is gone for a while finds its address free.
#[derive(Debug)]
pub struct Subnet {
    network: [u8; 2],
    port: u16,
    last: AtomicU8,
}

impl Subnet {
    /// Creates one.
    ///
    /// # Panics
    ///
    /// If loopback is a single address, as on all systems but Linux.
    #[must_use]
    pub fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        for _ in 0..1000 {
            let number = LAST.fetch_add(1, Ordering::Relaxed);
            // Spread, so that several test processes do not try the same networks.
            let mixed = (std::process::id() ^ number.rotate_right(16)).wrapping_mul(0x9e37_79b1);
            let [high, low, ..] = mixed.wrapping_add(number << 16).to_be_bytes();
            // 127.0.0.0/16 contains 127.0.0.1, which other programs use.
            if let Some(port) = free_port(Ipv4Addr::new(127, high.max(1), low, 1)) {
                return Subnet { network: [high.max(1), low], port, last: AtomicU8::new(0) };
            }
        }
        panic!("no loopback address besides 127.0.0.1 can be bound: this needs Linux");
    }

    /// Returns the next address.
    pub fn address(&self) -> SocketAddr {
        let host = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.at(host)
    }

    /// Returns another port at the next address, for use by other than members.
    pub fn address_of_another_port(&self) -> SocketAddr {
        let mut address = self.address();
        let IpAddr::V4(ip) = address.ip() else { unreachable!("loopback addresses of IPv4") };
        address.set_port(free_port(ip).expect("hardly any port of it is taken"));
        address
    }

    fn at(&self, host: u8) -> SocketAddr {
        let [high, low] = self.network;
        SocketAddr::new(Ipv4Addr::new(127, high, low, host).into(), self.port)
    }
}

impl Default for Subnet {
    fn default() -> Self {
        Subnet::new()
    }
}

/// Locked while a port is tried and while a process starts.
///
/// A process that has forked but not yet begun its program holds copies of all sockets, and would
/// keep a tried port in use.
static ALONE: Mutex<()> = Mutex::new(());

/// Starts a process while no port is tried.
pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Returns a port that is free for streams and datagrams.
///
/// It is below the system's ephemeral ports: a member that restarts must find its port free.
fn free_port(address: Ipv4Addr) -> Option<u16> {
    static LAST: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (0..100).find_map(|_| {
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let mixed = (std::process::id().rotate_left(16) ^ number).wrapping_mul(0x9e37_79b1);
        let port = u16::try_from(FIRST + (mixed >> 8) % COUNT).ok()?;
        let _streams = TcpListener::bind((address, port)).ok()?;
        UdpSocket::bind((address, port)).ok().map(|_| port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_cluster_share_a_port_and_nothing_else() {
        let (one, two) = (Subnet::new(), Subnet::new());
        let (a, b, c) = (one.address(), one.address(), two.address());
        assert_eq!(a.port(), b.port());
        assert!(a.ip() != b.ip() && a.ip() != c.ip() && b.ip() != c.ip(), "{a} {b} {c}");
    }
}
