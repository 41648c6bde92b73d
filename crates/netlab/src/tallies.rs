//! What a switch did with the packets.

/// How many packets went through a switch, and what became of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tallies {
    /// Delivered, or still under way.
    pub passed: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped by a cut.
    pub cut: u64,
    /// UDP that was dropped as such.
    pub udp_dropped: u64,
    /// Larger than the link takes.
    pub too_big: u64,
    /// Answers by ICMP to those.
    pub told_too_big: u64,
    /// Neither IPv4 nor IPv6, or for an address that no host has, such as a multicast group.
    pub astray: u64,
    /// Dropped because too many waited.
    pub overflowed: u64,
}
