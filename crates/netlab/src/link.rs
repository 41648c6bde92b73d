//! A link between two hosts, and its effect on packets of one direction.

use std::num::{NonZeroU16, NonZeroU64};
use std::time::Duration;

/// One direction of a link between two hosts. The default loses nothing and takes no time.
///
/// ```
/// use std::time::Duration;
/// # use netlab::Link;
/// let mut link = Link::default();
/// link.loss = 0.1;
/// link.delay = Duration::from_millis(20);
/// link.jitter = Duration::from_millis(50);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// The share of packets lost, from 0 to 1, drawn for each packet.
    pub loss: f64,
    /// The minimum delay of each packet.
    pub delay: Duration,
    /// The maximum additional delay, drawn for each packet from zero up.
    ///
    /// Later packets may overtake earlier ones.
    pub jitter: Duration,
    /// The bytes per second; `None` for no limit.
    ///
    /// A packet that would wait longer than [`Switch::BACKLOG_MAX`](crate::Switch::BACKLOG_MAX) is
    /// lost.
    pub rate: Option<NonZeroU64>,
    /// The largest packet, in bytes with the IP header; `None` for any.
    pub mtu: Option<Mtu>,
    /// Drops all packets.
    pub cut: bool,
    /// Drops all UDP packets.
    pub udp_dropped: bool,
}

/// The largest packet of a link, and whether the sender learns of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mtu {
    size: NonZeroU16,
    told: bool,
}

impl Mtu {
    /// Drops larger packets, and reports it to the sender by ICMP, as routers should.
    ///
    /// The message is "fragmentation needed" or "packet too big". An IPv4 packet that may be
    /// fragmented is dropped silently, as by a firewall that lets no fragments through.
    #[must_use]
    pub const fn told(size: NonZeroU16) -> Self {
        Mtu { size, told: true }
    }

    /// Drops larger packets silently: a "black hole", as where ICMP is filtered.
    #[must_use]
    pub const fn silent(size: NonZeroU16) -> Self {
        Mtu { size, told: false }
    }

    /// Returns the size in bytes, including the IP header.
    #[must_use]
    pub const fn size(self) -> u16 {
        self.size.get()
    }

    pub(crate) const fn is_told(self) -> bool {
        self.told
    }
}
