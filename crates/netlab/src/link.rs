//! A link between two hosts, and its effect on packets of one direction.

use std::num::{NonZeroU16, NonZeroU64};
use std::time::Duration;

/// One direction of a link between two hosts. The default is a perfect one: nothing is lost,
/// nothing takes time.
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
    /// The share of packets that is lost, from 0 to 1, each by a draw of its own.
    pub loss: f64,
    /// How long each packet takes at least.
    pub delay: Duration,
    /// How much longer it may take: a time from zero to this, drawn for each packet. Later packets
    /// overtake earlier ones.
    pub jitter: Duration,
    /// How many bytes go through in a second; `None` for no limit. What has to wait for longer than
    /// [`Switch::BACKLOG_MAX`](crate::Switch::BACKLOG_MAX) is lost.
    pub rate: Option<NonZeroU64>,
    /// The largest packet, in bytes with the IP header; `None` for any.
    pub mtu: Option<Mtu>,
    /// Nothing goes through.
    pub cut: bool,
    /// No UDP goes through.
    pub udp_dropped: bool,
}

/// The largest packet of a link, and whether the sender hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mtu {
    size: NonZeroU16,
    told: bool,
}

impl Mtu {
    /// Larger packets are dropped, and the sender is told by ICMP, as routers should:
    /// "fragmentation needed", or "packet too big". An IPv4 packet that may be fragmented is
    /// dropped without an answer, as firewalls do that let no fragments through.
    #[must_use]
    pub const fn told(size: NonZeroU16) -> Self {
        Mtu { size, told: true }
    }

    /// Larger packets vanish: a "black hole", as where ICMP is filtered.
    #[must_use]
    pub const fn silent(size: NonZeroU16) -> Self {
        Mtu { size, told: false }
    }

    /// In bytes, the IP header included.
    #[must_use]
    pub const fn size(self) -> u16 {
        self.size.get()
    }

    pub(crate) const fn is_told(self) -> bool {
        self.told
    }
}
