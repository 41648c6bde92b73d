//! Fields that are too short or too long: the member is dropped and counted, and other members in
//! the same input are taken.

use swim_core::wire::{Message, Scope, Update};
use swim_core::{DropReason, Incarnation, State};

use super::peer::{Peer, address, alive, half, name, packet};

/// The fields of an alive about member 1, with these lengths of address and versions.
fn announcement(address: u8, versions: u8) -> Vec<u8> {
    let name = name(1);
    let mut body = vec![0x0A, u8::try_from(name.len()).unwrap()];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(&[0x15, 1, 0, 0, 0]);
    // A plausible address, and the usual versions.
    for (key, length, pattern) in [(0x1A, address, [1; 6]), (0x2A, versions, [1, 1, 1, 0, 0, 0])] {
        body.extend_from_slice(&[key, length]);
        body.extend(pattern.iter().cycle().take(length.into()));
    }
    body
}

fn delimited(key: u8, body: &[u8]) -> Vec<u8> {
    let mut field = vec![key, u8::try_from(body.len()).unwrap()];
    field.extend_from_slice(body);
    field
}

/// Checks the bad member, and that a good one beside it is known.
fn expect(peer: &Peer, taken: bool, what: &str) {
    let known = |number| peer.node.member(&name(number)).map(|member| member.state);
    assert_eq!(known(1), taken.then_some(State::Alive), "{what}");
    assert_eq!(known(2), Some(State::Alive), "{what}");
    assert_eq!(peer.drops(DropReason::Malformed), u64::from(!taken), "{what}");
}

/// Each length of one field, while the other is right.
fn lengths() -> impl Iterator<Item = (u8, u8, bool)> {
    let addresses = (0..20).map(|length| (length, 6, length == 6 || length == 18));
    let versions = (0..20).map(|length| (6, length, length == 6 || length == 0));
    addresses.chain(versions)
}

#[test]
fn s37_a_short_address_or_version_array_in_a_datagram_costs_that_member_alone() {
    for (address_len, versions_len, good) in lengths() {
        let mut bytes = packet(b"", &[]);
        let header = bytes.len();
        bytes.extend_from_slice(&delimited(0x2A, &announcement(address_len, versions_len)));
        let name = name(2);
        let good_one = Update { name: &name, incarnation: Incarnation(1), claim: alive(2) };
        bytes.extend_from_slice(&packet(b"", &[Message::Update(good_one)])[header..]);
        let mut peer = Peer::new();
        peer.datagram(address(9), &bytes);
        expect(&peer, good, &format!("address of {address_len}, versions of {versions_len} bytes"));
    }
}

#[test]
fn s37_a_short_address_or_version_array_in_a_push_pull_costs_that_member_alone() {
    for (address_len, versions_len, good) in lengths() {
        let whole = half(Scope::Full, 2, 1, b"");
        let header = packet(b"", &[]).len();
        // The frame's length, then the key and the length of the push/pull, then its fields.
        let fields = &whole[header + 4 + 2..];
        let mut body = delimited(0x0A, &announcement(address_len, versions_len));
        body.extend_from_slice(fields);
        let frame = delimited(0x22, &body);
        let mut bytes = whole[..header].to_vec();
        bytes.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&frame);
        let mut peer = Peer::new();
        peer.receive(address(9), &bytes);
        expect(&peer, good, &format!("address of {address_len}, versions of {versions_len} bytes"));
    }
}
