//! Introductions of this node to members that may not know it.

use super::Node;
use crate::dissemination::may_hear;
use crate::members::Slot;

impl Node {
    /// Introduces this node to the members whose turn it is: at once to those it heard from
    /// directly, to other members when they answer.
    pub(super) fn introduce_itself(&mut self) {
        for nth in 0.. {
            let Node { cx, membership, gossip, detector, .. } = self;
            let members = membership.members();
            let Some(member) = gossip.next_introduction(nth, members) else { return };
            let entry = members.entry(member);
            if !entry.state().is_live() {
                continue;
            }
            if may_hear(&cx.config, entry) {
                self.introduce_itself_to(member);
            } else {
                gossip.introduction_waits_for_answer(member);
                if detector.may_ask(cx, entry.address()) {
                    detector.ask(cx, members, member);
                }
            }
        }
    }

    /// Sends this node's announcement, and queued gossip, to a member that answered.
    pub(super) fn introduce_itself_to(&mut self, member: Slot) {
        let Node { cx, membership, gossip, .. } = self;
        let members = membership.members();
        match membership.introduction(&cx.config) {
            Some(own) if may_hear(&cx.config, members.entry(member)) => {
                gossip.introduce(cx, members, member, own);
            }
            _ => gossip.tell(cx, members, member),
        }
    }
}
