//! The configuration of foca nodes.

use core::num::NonZeroU32;

use foca::Config;

/// Returns foca's configuration for a local network.
///
/// Like our LAN profile, foca derives it from memberlist's: a probe per second, 500 ms for a direct
/// answer, 3 indirect probes, gossip to 3 members every 200 ms, packets of 1,400 bytes. A node
/// announces itself to 1 member every 30 s, and to 2 that are down every 65 s. An update is sent
/// 4 x log10(N + 1) times. A suspect has 4 s x log10(N), or `patience` times that.
///
/// # Panics
///
/// If `expected` is zero.
#[must_use]
pub(super) fn config(expected: usize, patience: u32) -> Config {
    let expected = u32::try_from(expected).ok().and_then(NonZeroU32::new);
    let mut config = Config::new_lan(expected.expect("at least one node, and fewer than 2^32"));
    config.suspect_to_down_after *= patience;
    config
}
