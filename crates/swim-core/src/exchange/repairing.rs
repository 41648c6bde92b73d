//! Finding what was missed: a probed member tells the digest of what it sees.

use core::net::SocketAddr;

use super::Exchange;
use crate::context::Context;
use crate::dissemination::Gossip;
use crate::members::Members;

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
}
