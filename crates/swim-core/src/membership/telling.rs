//! Accusations reach the accused: what is held against a member is told to it, so that it can
//! refute, and an accusation about a stranger is passed on, so that somebody may know it.

use core::net::SocketAddr;

use super::{Membership, News, Origin};
use crate::context::Context;
use crate::dissemination::Gossip;
use crate::members::Slot;
use crate::output::Via;
use crate::stats::DropReason;
use crate::wire::{Claim, Message, Update, Wire};

impl Membership {
    /// Tells whoever announces itself at `to` what this node holds against it. Never by gossip, and
    /// rate-limited: an accused that lives refutes, and nobody else is bothered.
    pub(super) fn tell_accused(&mut self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        if !self.evidence.may_tell(cx.now(), to, cx.config.probe_interval) {
            return;
        }
        let own = cx.config.name.clone();
        if let Some(accusation) = self.accusation_by(own.as_str(), slot) {
            cx.send_message(to, &Message::Update(accusation));
        }
    }

    /// Answers an accuser directly that this node is alive: gossip may not reach it, if it and all
    /// it knows hold this node for gone, and where datagrams are lost it may have missed the
    /// refutation. Only an accuser that is known at that address gets an answer, as it is larger
    /// than the accusation; it is the one named, or the one that repeats the accusation with a
    /// ping.
    pub(super) fn answer_accuser(&mut self, cx: &mut Context, accuser: &str, origin: Origin) {
        if let Via::Packet { from } = origin.via
            && self.is_accuser(accuser, origin)
            && self.evidence.may_tell(cx.now(), from, cx.config.gossip_interval)
        {
            self.tell_about(cx, Slot::LOCAL, from);
        }
    }

    /// Whether an accusation came from the accuser's own address.
    pub(super) fn is_accuser(&self, accuser: &str, origin: Origin) -> bool {
        let accuser = origin.pinger.or_else(|| self.members.find(accuser));
        accuser.is_some_and(|slot| {
            origin.via == (Via::Packet { from: self.members.entry(slot).address() })
        })
    }

    /// Sends what is known of a member to one address, as an alive.
    pub(super) fn tell_about(&self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        let entry = self.members.entry(slot);
        let claim = Claim::Alive {
            address: entry.announced_address(),
            meta: entry.meta(),
            versions: entry.versions(),
        };
        let update = Update { name: entry.name(), incarnation: entry.incarnation(), claim };
        cx.send_message(to, &Message::Update(update));
    }

    /// Tells an address, rate-limited, what is known of a member.
    pub(super) fn tell_about_limited(&mut self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        if self.evidence.may_tell(cx.now(), to, cx.config.probe_interval) {
            self.tell_about(cx, slot, to);
        }
    }

    /// An accusation about a member that this node does not know. It is not believed, only passed
    /// on, once: somebody may know the accused, or be it.
    ///
    /// Not on memberlist's wire: its nodes believe an accusation of whomever they know, also of one
    /// that was restarted since and is alive.
    pub(super) fn pass_on_hearsay(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        news: &News<'_>,
    ) {
        cx.drop_quietly(DropReason::UnknownMember);
        if cx.config.wire == Wire::Memberlist {
            return;
        }
        // In a push/pull it is what the sender holds of everybody it ever lost: no news.
        if !matches!(news.via(), Via::Packet { .. }) {
            return;
        }
        let (name, incarnation) =
            (self.members.name_key(news.update.name), news.update.incarnation);
        let (now, quiet) = (cx.now(), cx.config.gossip_to_the_dead);
        if gossip.has_room(&cx.config) && self.evidence.may_pass_on(now, name, incarnation.0, quiet)
        {
            gossip.pass_on(cx, &self.members, news.update);
        }
    }
}
