//! The packet counts of a switch.

/// Packets through a switch, counted by their fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tallies {
    /// Delivered, or still under way.
    pub passed: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped by a cut.
    pub cut: u64,
    /// Dropped because it is UDP.
    pub udp_dropped: u64,
    /// Larger than the link's MTU.
    pub too_big: u64,
    /// ICMP answers to those.
    pub told_too_big: u64,
    /// Neither IPv4 nor IPv6, or for an address that no host has, such as a multicast group.
    pub astray: u64,
    /// Dropped because too many waited.
    pub overflowed: u64,
}
