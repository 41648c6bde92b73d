//! Addresses with more than one form.

use std::net::{Ipv4Addr, SocketAddr};

use swim_interop::{Namespace, Peer};

use crate::Check;
use crate::group::{Group, Marks};
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] =
    &[("an_address_of_16_bytes_is_passed_on_as_it_is", an_address_of_16_bytes_is_passed_on)];

/// Checks that an address of 16 bytes is passed on unchanged.
///
/// By default memberlist listens on all addresses, and announces an address of the machine in 16
/// bytes, even for IPv4. It compares addresses byte by byte, so the same address in 4 bytes would
/// look like a conflict.
fn an_address_of_16_bytes_is_passed_on(scene: &Scene) {
    let network = Namespace::new().unwrap_or_else(|missing| panic!("{missing}"));
    let address = |host: u8| Ipv4Addr::new(10, 9, 8, host);
    let addresses = [address(1), address(2), address(3), address(4)];
    network.add_addresses(&addresses).unwrap_or_else(|missing| panic!("{missing}"));
    let start = |side, number, ip: Ipv4Addr| {
        let mut settings = scene.settings(side, number);
        // A member that listens on all addresses needs a port that no other member has.
        let port = settings.bind.port() + u16::from(ip.is_unspecified());
        settings.bind = SocketAddr::new(ip.into(), port);
        settings.meta = b"before".to_vec();
        Peer::start_in(Some(&network), settings)
    };
    let everywhere = start(Side::Theirs, 1, Ipv4Addr::UNSPECIFIED);
    assert!(addresses.iter().any(|ip| everywhere.address().ip() == *ip), "{everywhere:?}");
    let mut group = Group(vec![everywhere]);
    // Each joins through the one before it, and learns of the rest from it.
    for (side, number, host) in [(Side::Ours, 1, 2), (Side::Theirs, 2, 3), (Side::Ours, 2, 4)] {
        let contact = group.0[group.0.len() - 1].address();
        let mut peer = start(side, number, address(host));
        peer.join(contact);
        group.0.push(peer);
    }
    group.agree();
    for name in group.names() {
        group.get(&name).set_meta(format!("{name} afterwards").as_bytes());
        group.agree();
    }
    for peer in &group.0 {
        let conflicts = peer.lines.all(0, |line| line.is("conflict"));
        assert!(conflicts.is_empty(), "{conflicts:?}");
    }
    group.assert_nobody_gone(&Marks::default());
    group.assert_silent();
}
