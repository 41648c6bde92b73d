//! This node's name, if another node has it or claims it: questions to that node, and contests with
//! it.

use core::net::SocketAddr;

use super::Node;
use crate::exchange::{Arrived, Purpose};
use crate::membership::Question;
use crate::output::{RequestId, Via};
use crate::wire::{Half, NameClaim};

/// Whether a part of an exchange is about the owner of this node's name.
#[inline]
pub(super) fn is_about_a_name(purpose: Purpose, claim: NameClaim) -> bool {
    match purpose {
        Purpose::Holder | Purpose::Contest { .. } => true,
        Purpose::Incoming => matches!(claim, NameClaim::Contested { .. }),
        _ => false,
    }
}

impl Node {
    /// Holds back the answer to a join, because another node has this node's name, and asks that
    /// node.
    #[cold]
    pub(super) fn wait_with_join(&mut self, request: RequestId, contact: SocketAddr) {
        self.membership.hold_join(&mut self.cx, request, contact);
        self.ask_again_for_name();
    }

    /// Asks the node that has this node's name whether it is there, unless a question is in flight.
    #[cold]
    pub(super) fn ask_for_name(&mut self) {
        let Node { cx, membership, detector, exchange, .. } = self;
        let Some(Question { holder, by_all_means }) = membership.next_question() else { return };
        let members = membership.members();
        detector.ask_holder(cx, members, holder);
        if by_all_means {
            detector.ask_holder_through_others(cx, members, holder);
            exchange.ask_holder(cx, members, holder);
        }
    }

    /// Asks at once if the last question was not answered; otherwise the next probe period asks.
    #[cold]
    pub(super) fn ask_again_for_name(&mut self) {
        if self.membership.doubts_holder() {
            self.ask_for_name();
        }
    }

    /// Opens a contest for the name with a namesake that is there, if that is up to this node.
    #[cold]
    pub(super) fn contest_name(&mut self, with: SocketAddr) {
        let Node { cx, membership, exchange, .. } = self;
        if let Some(lived) = membership.opens_contest(cx, with) {
            exchange.contest(cx, membership.members(), (with, lived));
        }
    }

    /// Handles a part of an exchange about the owner of this node's name.
    #[cold]
    pub(super) fn receive_on_name(&mut self, arrived: &Arrived, claim: NameClaim, half: Half<'_>) {
        let &Arrived { stream: id, peer, purpose, .. } = arrived;
        let Node { cx, membership, gossip, exchange, .. } = self;
        let says = half.members().next().and_then(Result::ok);
        let is_holder = membership.is_holder(&cx.config, says.as_ref(), claim);
        let announced = says.map(|it| (it.address, it.incarnation));
        match (purpose, claim) {
            (Purpose::Holder, _) => {
                exchange.complete(cx, id);
                if is_holder {
                    membership.note_name_held(cx, Via::PushPull { from: peer }, false);
                } else if says.is_some() {
                    // Another member is there, or a node that does not claim the name either.
                    membership.note_holder_gone(cx, gossip, peer);
                }
            }
            (Purpose::Contest { lived: own }, NameClaim::Contested { lived }) => {
                exchange.complete(cx, id);
                if let Some(other) = announced.filter(|_| is_holder)
                    && membership.contests(cx).is_some()
                {
                    membership.decide_contest(cx, gossip, other, (own, lived));
                }
            }
            (Purpose::Incoming, NameClaim::Contested { lived }) => {
                // Only from the namesake's own host: another node could claim to be it.
                let other = announced.filter(|&(address, _)| {
                    is_holder && address.ip() == peer.ip() && !cx.config.is_own_address(address)
                });
                let own = membership.contests(cx).filter(|_| other.is_some());
                let framed = exchange.contested(cx, membership.members(), own);
                exchange.answer(cx, id, framed);
                if let (Some(own), Some(other)) = (own, other) {
                    membership.decide_contest(cx, gossip, other, (own, lived));
                }
            }
            _ => exchange.complete(cx, id),
        }
    }
}
