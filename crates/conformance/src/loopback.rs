//! Addresses of this machine that nobody else uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Those between the ends of 127.0.0.0/8: neither 127.0.x.x, which others use, nor the last.
const FIRST: u32 = 1 << 16;
const SIZE: u32 = (1 << 24) - 2 * FIRST;

/// An address for a node: of its own, so that a port stays free for a node that is gone for a
/// while, and no node is taken for another one that had its port before, whatever else runs on
/// this machine. Elsewhere than on Linux loopback is a single address.
pub(crate) fn address() -> IpAddr {
    static LAST: AtomicU32 = AtomicU32::new(0);
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST.into();
    }
    // Far from those of other processes.
    let base = std::process::id().wrapping_mul(2_654_435_761) >> 8;
    let number = base.wrapping_add(LAST.fetch_add(1, Ordering::Relaxed)) % SIZE + FIRST;
    Ipv4Addr::from((127 << 24) | number).into()
}

/// Whether this machine speaks IPv6 with itself.
pub(crate) fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}
