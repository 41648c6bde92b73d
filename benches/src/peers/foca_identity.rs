//! The identity of a foca member.

use std::net::{Ipv4Addr, SocketAddrV4};

use foca::Identity;

/// The smallest identity that lets a member return after it was declared down.
///
/// It has the address, and the number of returns. A member of this library has a name as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its address.
    pub(super) address: SocketAddrV4,
    /// How often it renewed its identity.
    pub(super) renewals: u16,
}

impl Peer {
    /// The port of every host.
    const PORT: u16 = 7946;
    /// The address before that of host 0, as in a `World`.
    const BEFORE_FIRST: u32 = 10 << 24;

    /// Returns the first identity of a host's node: 10.0.0.1:7946 for host 0, and so on.
    #[must_use]
    pub(super) fn on(host: u32) -> Self {
        let ip = Ipv4Addr::from_bits(Self::BEFORE_FIRST + host + 1);
        Peer { address: SocketAddrV4::new(ip, Self::PORT), renewals: 0 }
    }

    /// Returns the number of its host.
    #[must_use]
    pub(super) fn host(&self) -> u32 {
        self.address.ip().to_bits() - Self::BEFORE_FIRST - 1
    }
}

impl Identity for Peer {
    type Addr = SocketAddrV4;

    fn renew(&self) -> Option<Self> {
        Some(Peer { renewals: self.renewals.wrapping_add(1), ..*self })
    }

    fn addr(&self) -> SocketAddrV4 {
        self.address
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.renewals > adversary.renewals
    }
}
