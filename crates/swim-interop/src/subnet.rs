//! Addresses for the members of one cluster.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Loopback addresses that nothing else uses, all with the same port: a member of protocol version
/// 1 takes its own port for that of everybody. An address stays free for a member that is gone for
/// a while.
#[derive(Debug)]
pub struct Subnet {
    network: [u8; 2],
    port: u16,
    last: AtomicU8,
}

impl Subnet {
    /// A new one.
    ///
    /// # Panics
    ///
    /// Where loopback is a single address, as on anything but Linux.
    #[must_use]
    pub fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        for _ in 0..1000 {
            let number = LAST.fetch_add(1, Ordering::Relaxed);
            // Spread, so that tests of several processes do not try the same ones.
            let mixed = (std::process::id() ^ number.rotate_right(16)).wrapping_mul(0x9e37_79b1);
            let [high, low, ..] = mixed.wrapping_add(number << 16).to_be_bytes();
            // Network 0 is everybody's.
            if let Some(port) = free_port(Ipv4Addr::new(127, high.max(1), low, 1)) {
                return Subnet { network: [high.max(1), low], port, last: AtomicU8::new(0) };
            }
        }
        panic!("no loopback address besides 127.0.0.1 can be bound: this needs Linux");
    }

    /// The next address.
    pub fn address(&self) -> SocketAddr {
        let host = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.at(host)
    }

    /// A further port at the next address, for what is no member.
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

/// Held while a port is tried and while a process starts: a process that has forked and not yet
/// begun its program has copies of all sockets, and would keep a tried port in use.
static ALONE: Mutex<()> = Mutex::new(());

/// Starts a process while no port is tried.
pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// A port that is free for streams and datagrams, below those that the system gives out by itself:
/// a member that is gone for a while must find its port free when it comes back.
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
