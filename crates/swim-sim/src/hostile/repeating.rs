//! Recorded datagrams, sent again, unchanged or changed.

use bytes::{Bytes, BytesMut};
use swim_core::wire::Wire;

use super::attacker::{Attacker, Deed, Forged, known_config};
use super::tape::Taped;
use super::trick::Trick;
use crate::host::Host;

impl Attacker {
    /// Sends recorded datagrams to their receivers, to other members, or back to their senders.
    pub(super) fn repeat(&mut self, trick: Trick, hosts: &[Host]) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for _ in 0..self.burst() {
            let Some(taped) = self.tape.datagram(&mut self.dice) else { break };
            let Taped { from, sender, receiver, payload } = taped;
            let (usual, to) = match trick {
                Trick::Repeat => (from, receiver),
                Trick::Redirect => (from, self.victim(hosts)),
                // As if it were the answer.
                _ => (hosts[receiver as usize].address, sender),
            };
            let from = self.source(usual, hosts);
            deeds.push(Deed::Datagram(Forged { from, to, payload }));
        }
        deeds
    }

    /// Sends recorded datagrams with changes.
    pub(super) fn change(&mut self, trick: Trick, hosts: &[Host]) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for _ in 0..self.burst() {
            let Some(taped) = self.tape.datagram(&mut self.dice) else { break };
            let Taped { from, receiver, payload, .. } = taped;
            let payload = match trick {
                Trick::Cut => payload.slice(..self.dice.below(payload.len().max(1))),
                Trick::Flip => self.flip(&payload, &hosts[receiver as usize]),
                _ => {
                    let Some(other) = self.tape.datagram(&mut self.dice) else { break };
                    self.mix(&payload, &other.payload)
                }
            };
            deeds.push(Deed::Datagram(Forged { from, to: receiver, payload }));
        }
        deeds
    }

    /// Flips a bit: anywhere, at the beginning, at the end, or in the version byte of a seal on
    /// memberlist's wire, which is not authenticated.
    fn flip(&mut self, payload: &[u8], to: &Host) -> Bytes {
        let config = known_config(to);
        let mut changed = BytesMut::from(payload);
        let last = payload.len().saturating_sub(1);
        let place = match self.dice.below(4) {
            0 => self.dice.below(last + 1),
            1 => self.dice.below(6),
            2 => last.saturating_sub(self.dice.below(16)),
            _ if config.wire == Wire::Memberlist => {
                swim_core::wire::memberlist::label_header_len(&config.label)
            }
            _ => 1,
        };
        let bit = if self.dice.one_in(2) { 0 } else { self.dice.below(8) };
        if let Some(byte) = changed.get_mut(place) {
            *byte ^= 1 << bit;
        }
        changed.freeze()
    }

    /// Joins the beginning of one with the end of the other, cut at the same place.
    pub(super) fn mix(&mut self, one: &[u8], other: &[u8]) -> Bytes {
        let place = self.dice.below(one.len().max(1));
        let end = other.get(place..).unwrap_or_default();
        [&one[..place], end].concat().into()
    }
}
