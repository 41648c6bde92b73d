//! Finding what was missed: a probed member tells the digest of what it sees. On memberlist's wire
//! it cannot; if no datagram gets through either, it is told what changed here.

use core::net::SocketAddr;

use super::Exchange;
use crate::context::Context;
use crate::dissemination::Gossip;
use crate::members::Members;
use crate::sabotage::Sabotage;
use crate::wire::Format;

/// So many members a table may have that is told with each probe, some 20 KB; longer ones are told
/// more rarely.
const TOLD_PER_PERIOD: usize = 256;

/// Up to so many members are told one by one of a change that no gossip may tell them.
const TOLD_OVER_STREAMS_MAX: usize = 16;

impl Exchange {
    /// A probed member told what it sees. Where that differs from what this node sees although no
    /// gossip is under way here, something was missed: exchanges everything, at once at first, and
    /// then, should the difference stay (because one of the two refuses a member, say), more and
    /// more rarely.
    pub(crate) fn compare_views(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        members: &Members,
        peer: SocketAddr,
        view: u32,
    ) {
        if view == 0 || cx.config.push_pull_interval.is_zero() {
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

    /// A probed member answered over a stream and by no datagram so far: gossip may not reach it,
    /// nor what it gossips this node.
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

    /// Exchanges everything with a member that no gossip may reach, if what this node sees has
    /// changed lately: nobody tells a digest here. After a change as many are told as gossip tells,
    /// and in a small cluster everybody; one after the other, and more rarely in a large one, whose
    /// tables are long.
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
