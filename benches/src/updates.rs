//! Updates and packets of updates.

use bytes::BytesMut;
use swim_core::wire::{self, Claim, Message, Update};
use swim_core::{Incarnation, Versions};

use crate::names::{INCARNATION, LABEL, address};

/// Returns an alive of a member, as it announced itself at its start.
#[must_use]
pub fn alive(number: usize, name: &str) -> Update<'_> {
    alive_of(Versions::DEFAULT, number, name)
}

/// Returns an alive of a member that announces these versions.
#[must_use]
pub fn alive_of(versions: Versions, number: usize, name: &str) -> Update<'_> {
    let claim = Claim::Alive { address: address(number), meta: &[], versions };
    Update { name, incarnation: INCARNATION, claim }
}

/// Returns a leave.
#[must_use]
pub fn left(name: &str, incarnation: Incarnation) -> Update<'_> {
    Update { name, incarnation, claim: Claim::Left }
}

/// Returns a packet with only this message.
#[must_use]
pub fn packet_of(message: &Message<'_>) -> Vec<u8> {
    packet(core::iter::once(message))
}

/// Returns a packet with these messages.
pub fn packet<'a, 'm: 'a>(messages: impl Iterator<Item = &'a Message<'m>>) -> Vec<u8> {
    let mut packet = BytesMut::new();
    wire::begin_packet(LABEL, &mut packet);
    for message in messages {
        message.encode(&mut packet);
    }
    packet.to_vec()
}

/// Returns how many copies of an update fit into a packet of `size` bytes, after the header.
#[must_use]
pub fn per_packet(update: &Update<'_>, size: usize) -> usize {
    (size - wire::header_len(LABEL)) / update.encoded_len()
}
