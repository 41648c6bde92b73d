//! Loopback addresses that nothing else uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Within 127.0.0.0/8, without 127.0.x.x, which others use, and without the last part.
const FIRST: u32 = 1 << 16;
const SIZE: u32 = (1 << 24) - 2 * FIRST;

/// A new address for a node, so that its port stays free while the node is gone. No node is
/// mistaken for an earlier one on the same port, and other programs do not interfere. Systems other
/// than Linux have a single loopback address.
pub(crate) fn address() -> IpAddr {
    static LAST: AtomicU32 = AtomicU32::new(0);
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST.into();
    }
    // Far from the addresses of other processes.
    let base = std::process::id().wrapping_mul(2_654_435_761) >> 8;
    let number = base.wrapping_add(LAST.fetch_add(1, Ordering::Relaxed)) % SIZE + FIRST;
    Ipv4Addr::from((127 << 24) | number).into()
}

/// Whether this machine can reach itself over IPv6.
pub(crate) fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}
