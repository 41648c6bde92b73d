//! The members of the measured cluster.
//!
//! They have names of 10 characters, IPv4 addresses, no metadata, the Unix time as incarnation, and
//! a label of 8 bytes.

use core::net::SocketAddr;

use swim_core::{Config, Incarnation, MemberRef, State, Versions};

/// The cluster's label.
pub const LABEL: &[u8] = b"label-08";

/// The incarnation of a node that was started in June 2026.
pub const INCARNATION: Incarnation = Incarnation(1_780_000_000);

/// Returns the name of a member. Number 0 is the measured node itself.
#[must_use]
pub fn name(number: usize) -> String {
    format!("n{number:09}")
}

/// Returns the address of a member.
#[must_use]
pub fn address(number: usize) -> SocketAddr {
    let [.., a, b, c] = number.to_be_bytes();
    SocketAddr::from(([10, a, b, c], 7946))
}

/// Returns an alive member.
#[must_use]
pub fn member(number: usize, name: &str) -> MemberRef<'_> {
    MemberRef {
        name,
        address: address(number),
        state: State::Alive,
        incarnation: INCARNATION,
        meta: &[],
        versions: Versions::DEFAULT,
    }
}

/// Returns the measured node's configuration: the LAN profile without periodic push/pull.
///
/// Push/pull is measured separately.
///
/// # Panics
///
/// Never: the names are valid.
#[must_use]
pub fn config() -> Config {
    let own_name = name(0).parse().expect("a name of 10 characters is valid");
    let mut config = Config::lan(own_name, address(0));
    config.label = LABEL.into();
    config.incarnation = INCARNATION;
    config.push_pull_interval = core::time::Duration::ZERO;
    config
}
