//! Finds out whether this node is reached at its announced address: it waits for a ping, and asks
//! peers for one.

use super::own_address::{Doubt, OwnAddress, ROUNDS};
use super::probing::pick_helpers;
use super::{Detector, Pending, speaks};
use crate::context::Context;
use crate::members::{Members, Picked, Slot};
use crate::output::{Event, PacketKind};
use crate::sabotage::Sabotage;
use crate::stats::MessageKind;
use crate::wire::{IndirectPing, Message, memberlist};

/// How many peers are asked at once.
const RELAYS: usize = 3;

impl Detector {
    /// Notes that something came to this node's announced address.
    #[inline]
    pub(crate) fn note_reached(&mut self) {
        if !matches!(self.own_address, OwnAddress::Trusted) {
            self.trust_own_address();
        }
    }

    #[cold]
    fn trust_own_address(&mut self) {
        if let Some(sequence) = self.own_address.sequence() {
            self.pings.drop_question(sequence);
        }
        self.own_address = OwnAddress::Trusted;
    }

    /// Doubts this node's announced address after a join or an accusation, until something comes
    /// there.
    #[cold]
    pub(crate) fn doubt_own_address(&mut self, cx: &Context) {
        if matches!(self.own_address, OwnAddress::Trusted)
            && !cx.config.breaks(Sabotage::AnnouncesBlindly)
        {
            let sequence = self.wait_for_ping(cx);
            let (began, relays) = (cx.now(), Picked::default());
            let (rounds, asked, nacks) = (0, 0, 0);
            self.own_address =
                OwnAddress::Doubted(Doubt { sequence, began, relays, rounds, asked, nacks });
        }
    }

    /// Asks peers for a ping, because none came in time, or reports that none can reach this node.
    #[cold]
    pub(crate) fn ask_about_own_address(&mut self, cx: &mut Context, members: &Members) {
        let OwnAddress::Doubted(mut doubt) = core::mem::take(&mut self.own_address) else {
            return;
        };
        if doubt.rounds == ROUNDS {
            // With fewer nacks this node may just hear badly, at any address.
            if doubt.nacks >= ROUNDS && 2 * doubt.nacks > doubt.asked {
                let address = members.entry(Slot::LOCAL).address();
                self.own_address = OwnAddress::Unreachable;
                cx.emit(Event::AddressUnreachable { address });
            }
            return;
        }
        doubt.rounds += 1;
        (doubt.sequence, doubt.began) = (self.wait_for_ping(cx), cx.now());
        let picked = pick_helpers(cx, members, Slot::LOCAL, RELAYS);
        doubt.relays = picked;
        for &relay in picked.slots() {
            // Old Go programs send no nacks, and so show nothing.
            if speaks(&cx.config, members, relay, memberlist::NACK_VERSION) {
                ask_relay(cx, members, relay, doubt.sequence);
                doubt.asked += 1;
            } else {
                doubt.relays.remove(relay);
            }
        }
        self.own_address = OwnAddress::Doubted(doubt);
    }

    /// Waits one probe interval for anything that comes to this node's announced address.
    fn wait_for_ping(&mut self, cx: &Context) -> u32 {
        let sequence = self.pings.sequence(&cx.config);
        let deadline = cx.now() + cx.config.probe_interval;
        self.pings.wait(sequence, cx.config.address, deadline, Pending::OwnAddress);
        sequence
    }
}

/// Asks a peer to ping this node's announced address. The answer goes to the source of the request,
/// because it would not arrive at the announced address.
fn ask_relay(cx: &mut Context, members: &Members, relay: Slot, sequence: u32) {
    let (own, entry) = (members.entry(Slot::LOCAL), members.entry(relay));
    let request = Message::IndirectPing(IndirectPing {
        sequence,
        target: own.name(),
        address: own.announced_address(),
        source: own.name(),
        reply_to: None,
        wants_nack: true,
    });
    let mut draft = cx.channel.datagram();
    draft.append(&request);
    let payload = draft.into_datagram(entry.speaks(memberlist::CHECKSUM_VERSION));
    cx.count_sent(MessageKind::IndirectPing);
    cx.send(entry.address(), payload, PacketKind::Probe);
}
