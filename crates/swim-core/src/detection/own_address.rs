//! Whether this node is reached at its announced address. Its own packets arrive with any announced
//! address, and accusations reach it in the answers. So it would refute for ever, and nobody would
//! know why it keeps failing.
//!
//! Any ping, and any stream that is no join, shows that the address is right, because peers send
//! them there. If none comes after a join or an accusation, peers are asked to ping this node
//! there. A relay without an answer sends a nack to the source of the request. The nack shows that
//! this node is not merely cut off, or losing datagrams.

use core::net::SocketAddr;

use crate::context::Context;
use crate::members::{Members, Picked, Slot};
use crate::time::Instant;

/// How often peers are asked, once per probe interval: a peer may not know a newcomer yet, and
/// datagrams get lost.
pub(super) const ROUNDS: u8 = 3;

/// State of the announced address.
#[derive(Debug, Default)]
pub(super) enum OwnAddress {
    /// Nothing speaks against it.
    #[default]
    Trusted,
    /// Something does, and nothing has come there since.
    Doubted(Doubt),
    /// The application was notified that it is unreachable. Nothing has come there since.
    Unreachable,
}

/// A doubt that is being settled.
#[derive(Debug)]
pub(super) struct Doubt {
    /// Of the present round. The first asks no peer, to see whether a ping comes anyway.
    pub(super) sequence: u32,
    pub(super) began: Instant,
    /// Relays asked in it that have not answered.
    pub(super) relays: Picked,
    pub(super) rounds: u8,
    /// How many requests were sent in all rounds, and how many nacks came back.
    pub(super) asked: u8,
    pub(super) nacks: u8,
}

impl OwnAddress {
    /// Takes a nack from a relay that was asked; returns whether it is from one.
    #[cold]
    pub(super) fn take_nack(
        &mut self,
        cx: &Context,
        members: &Members,
        from: SocketAddr,
        number: u32,
    ) -> bool {
        let OwnAddress::Doubted(doubt) = self else {
            return false;
        };
        let here = |slot: &&Slot| members.entry(**slot).is_at(from);
        let Some(&relay) = doubt.relays.slots().iter().find(here) else {
            return false;
        };
        if doubt.sequence != number {
            return false;
        }
        doubt.relays.remove(relay);
        // A relay that does not know this node sends its nack at once, without a ping.
        doubt.nacks += u8::from(cx.now() - doubt.began >= cx.config.probe_timeout / 2);
        true
    }

    /// Removes a member that leaves the table.
    pub(super) fn forget(&mut self, slot: Slot) {
        if let OwnAddress::Doubted(doubt) = self {
            doubt.relays.remove(slot);
        }
    }

    /// Sequence number of the question in flight.
    pub(super) fn sequence(&self) -> Option<u32> {
        match self {
            OwnAddress::Doubted(doubt) => Some(doubt.sequence),
            OwnAddress::Trusted | OwnAddress::Unreachable => None,
        }
    }

    /// A doubt with this sequence number, for tests of the invariants.
    #[cfg(test)]
    pub(super) fn doubted(sequence: u32) -> Self {
        let (began, relays) = (Instant::ORIGIN, Picked::default());
        let (rounds, asked, nacks) = (0, 0, 0);
        OwnAddress::Doubted(Doubt { sequence, began, relays, rounds, asked, nacks })
    }

    /// Asserts that at most as many answered as were asked, and that relays are members.
    pub(super) fn check(&self, members: &Members) {
        if let OwnAddress::Doubted(Doubt { relays, rounds, asked, nacks, .. }) = self {
            assert!(nacks <= asked, "{nacks} nacks of {asked} about the own address");
            assert!(*rounds <= ROUNDS, "the own address was asked about {rounds} times");
            let holds = |&slot: &Slot| members.holds(slot);
            assert!(relays.slots().iter().all(holds), "a relay that is forgotten");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn check(asked: u8, nacks: u8, rounds: u8) {
        let (sequence, began, relays) = (1, Instant::ORIGIN, Picked::default());
        let doubt = Doubt { sequence, began, relays, rounds, asked, nacks };
        OwnAddress::Doubted(doubt).check(&Members::new(&mut Random::new([1; 32])));
    }

    #[test]
    #[should_panic(expected = "4 nacks of 3 about the own address")]
    fn more_nacks_than_were_asked_for_are_noticed() {
        check(3, 3, ROUNDS);
        check(3, 4, ROUNDS);
    }

    #[test]
    #[should_panic(expected = "the own address was asked about 4 times")]
    fn a_question_too_many_is_noticed() {
        check(3, 3, ROUNDS + 1);
    }
}
