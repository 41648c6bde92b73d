//! Repair of missed news. On the native wire a probed member's ack carries its view digest. On
//! memberlist's wire it cannot; a member that no datagram reaches gets the whole view after a
//! change.

use core::net::SocketAddr;

use super::Exchange;
use crate::context::Context;
use crate::dissemination::Gossip;
use crate::members::Members;
use crate::sabotage::Sabotage;
use crate::wire::Format;

/// The largest table that is sent with each probe, about 20 KB. Longer ones are sent more rarely.
const TOLD_PER_PERIOD: usize = 256;

/// How many peers have to have this node's view for it to count as settled.
const AGREEMENTS_MIN: u8 = 3;

/// The most members that get a change one by one, if gossip may not reach them.
const TOLD_OVER_STREAMS_MAX: usize = 16;

impl Exchange {
    /// Compares a probed member's view digest with this node's.
    ///
    /// If they differ although no gossip is under way here, something was missed, and the two nodes
    /// exchange everything. If the difference stays (because one of them refuses a member, for
    /// example), the repairs become more and more rare.
    pub(crate) fn compare_views(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        peer: SocketAddr,
        view: u32,
    ) {
        if view == 0 {
            return;
        }
        self.agreements = match view == members.short_view_digest() {
            true => self.agreements.saturating_add(1).min(AGREEMENTS_MIN),
            false => 0,
        };
        if cx.config.push_pull_interval.is_zero() {
            return;
        }
        if view == members.short_view_digest() {
            self.repair_patience = cx.config.probe_interval;
            return gossip.end_flood(cx);
        }
        let now = cx.now();
        if gossip.is_under_way(&cx.config) || now < self.next_repair {
            return;
        }
        self.next_repair = now + self.repair_patience;
        self.repair_patience = (self.repair_patience * 2).min(cx.config.push_pull_interval);
        cx.stats.repairs += 1;
        self.push_pull_with(cx, members, peer);
    }

    /// Whether the last peers that this node probed had its view: three, or all of fewer peers.
    pub(crate) fn agrees_with(&self, peers: usize) -> bool {
        usize::from(self.agreements) >= peers.min(usize::from(AGREEMENTS_MIN))
    }

    /// Compares views with a probed member that has answered over a stream but by no datagram.
    /// Gossip may not get through, in either direction.
    pub(crate) fn compare_over_stream(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        (peer, view): (SocketAddr, u32),
    ) {
        if cx.config.breaks(Sabotage::TrustsInGossip) {
            return;
        }
        match cx.config.wire.format() {
            Format::Swim => self.compare_views(cx, gossip, members, peer, view),
            Format::Memberlist(_) => self.tell_what_changed(cx, members, peer),
        }
    }

    /// Exchanges everything with a member that gossip may not reach, if this node's view changed
    /// lately. Used where acks carry no digest.
    ///
    /// After a change, as many members get it as gossip would reach, in a small cluster all of
    /// them. They get it one after the other, and more slowly in a large cluster, where tables are
    /// long.
    fn tell_what_changed(&mut self, cx: &mut Context, members: &Members, peer: SocketAddr) {
        let (now, view, live) = (cx.now(), members.view_digest(), members.live());
        if self.told_view != view {
            let everybody = members.peers().min(TOLD_OVER_STREAMS_MAX);
            let gossiped = usize::try_from(cx.config.transmissions(live)).expect("32 bits");
            (self.told_view, self.tellings_left) = (view, everybody.max(gossiped));
        }
        let is_off = cx.config.push_pull_interval.is_zero();
        if is_off || self.tellings_left == 0 || now < self.next_repair {
            return;
        }
        self.tellings_left -= 1;
        let periods = u32::try_from(live / TOLD_PER_PERIOD).unwrap_or(u32::MAX);
        self.next_repair = now + cx.config.probe_interval.saturating_mul(periods);
        cx.stats.repairs += 1;
        self.push_pull_with(cx, members, peer);
    }
}
