//! How the nodes of a foca cluster are configured.

use core::num::NonZeroU32;

use foca::Config;

/// The configuration for a local network that foca derives from that of memberlist, as the LAN
/// profile of this library is: a probe per second, 500 ms for a direct answer, 3 indirect probes,
/// gossip to 3 members each 200 ms, packets of 1,400 bytes; an announce to 1 member each 30 s, to 2
/// that are down each 65 s. An update is sent 4 x log10(N + 1) times. A suspect has 4 s x log10(N),
/// or `patience` times that.
///
/// # Panics
///
/// If nobody is expected.
#[must_use]
pub(super) fn config(expected: usize, patience: u32) -> Config {
    let expected = u32::try_from(expected).ok().and_then(NonZeroU32::new);
    let mut config = Config::new_lan(expected.expect("at least one node, and fewer than 2^32"));
    config.suspect_to_down_after *= patience;
    config
}
