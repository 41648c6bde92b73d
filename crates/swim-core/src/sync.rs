//! Push/pull: exchanging everything with one other node, to join and against what gossip missed.

use core::net::SocketAddr;

use bytes::{Bytes, BytesMut};

use crate::entry::Entry;
use crate::error::CommandError;
use crate::gossip::Tier;
use crate::hooks::Merge;
use crate::inbox::Side;
use crate::member::{MemberRef, Name, State};
use crate::node::{Node, Status};
use crate::output::{Answer, Event, Failure, RequestId, Via};
use crate::pages::Slot;
use crate::stats::{DropReason, MessageKind};
use crate::stream::Purpose;
use crate::suspicion::Suspicion;
use crate::time::Instant;
use crate::timer::Timer;
use crate::wire::{self, Claim, Half, Scope, Update, Wire, memberlist};

/// Up to this many members, push/pull keeps its configured interval (memberlist's threshold).
const UNSCALED_MAX: usize = 32;

/// How often at least each update of a flood is sent.
const FLOOD_TRANSMISSIONS: usize = 2;

impl Node {
    // Joining.

    pub(crate) fn start_join(&mut self, address: SocketAddr) -> Result<RequestId, CommandError> {
        if self.status == Status::Leaving {
            return Err(CommandError::NotRunning);
        }
        let request = self.begin_request()?;
        if self.status == Status::Left {
            self.rejoin();
        }
        if self.is_own_address(address) {
            self.answer(request, Err(Failure::OwnAddress));
            return Ok(request);
        }
        let state = self.encoded_state(Scope::Join);
        let state = self.sealed(Side::Dialler, None, state);
        self.open_stream(address, Purpose::Join { request }, state);
        Ok(request)
    }

    pub(crate) fn join_succeeded(&mut self, request: RequestId, contact: SocketAddr) {
        self.introduce_self();
        let members = self.members_live();
        self.answer(request, Ok(Answer::Joined { contact, members }));
    }

    // The exchange.

    /// Exchanges views with one random member, and sets the time for the next exchange. The members
    /// are told only where the digests of the two views differ: in a cluster that agrees, the cost
    /// does not depend on its size.
    pub(crate) fn start_push_pull(&mut self) {
        if self.status != Status::Running {
            return;
        }
        let interval = self.config.push_pull_interval * scale(self.members_live());
        self.timers.set(Timer::PushPull, self.now() + interval);
        let alive = |entry: &Entry| entry.state() == State::Alive;
        let picked = self.members.pick(&mut self.random, 1, None, alive);
        if let [peer] = picked.as_slice() {
            let to = self.members.entry(*peer).address();
            match self.config.wire {
                Wire::Swim => {
                    let opening = self.encoded_state(Scope::Compare);
                    let opening = self.sealed(Side::Dialler, None, opening);
                    self.open_stream(to, Purpose::Compare, opening);
                }
                // Its nodes tell no digest.
                Wire::Memberlist => self.push_pull_with(to),
            }
        }
    }

    /// The other node sees something else, and told everything that it sees, which was merged. What
    /// this node knows beyond that goes back.
    pub(crate) fn push_back(&mut self, to: SocketAddr, their_view: u64) {
        if their_view == self.members.view_digest() || self.status != Status::Running {
            return;
        }
        let state = self.encoded_state(Scope::Partial);
        let state = self.sealed(Side::Dialler, None, state);
        self.open_stream(to, Purpose::PushPull, state);
    }

    /// A probed member told what it sees. Where that differs from what this node sees although no
    /// gossip is under way here, something was missed: exchanges everything, at once at first, and
    /// then, should the difference stay (because one of the two refuses a member, say), more and
    /// more rarely.
    pub(crate) fn compare_views(&mut self, peer: SocketAddr, view: u32) {
        if view == 0 || self.status != Status::Running || self.config.push_pull_interval.is_zero() {
            return;
        }
        if view == self.members.short_view_digest() {
            self.repair_patience = self.config.probe_interval;
            return self.end_flood();
        }
        let now = self.now();
        if self.gossip_is_under_way() || now < self.next_repair {
            return;
        }
        self.next_repair = now + self.repair_patience;
        self.repair_patience = (self.repair_patience * 2).min(self.config.push_pull_interval);
        self.stats.repairs += 1;
        self.push_pull_with(peer);
    }

    /// Whether gossip may yet tell others what this node sees. In a flood the first few
    /// transmissions tell nearly everybody; chance needs all the others for the rest, and an
    /// exchange does the same in one round trip.
    fn gossip_is_under_way(&self) -> bool {
        let first_few = |sent| sent < FLOOD_TRANSMISSIONS;
        self.updates.sent_least().is_some_and(|sent| first_few(sent) || !self.is_flooded())
    }

    /// A probed member sees what this node sees. In a flood that is reason enough to keep the rest
    /// of its transmissions: whoever does not see it yet finds out by its next probe.
    fn end_flood(&mut self) {
        if self.is_flooded() {
            for finished in self.updates.take_alive(FLOOD_TRANSMISSIONS) {
                self.settle(finished);
            }
        }
    }

    /// Whether more news waits than a gossip tick sends, as after many members joined at once.
    fn is_flooded(&self) -> bool {
        self.updates.bytes() > self.config.packet_size_max * self.config.gossip_nodes
    }

    pub(crate) fn push_pull_with(&mut self, to: SocketAddr) {
        let state = self.encoded_state(Scope::Full);
        let state = self.sealed(Side::Dialler, None, state);
        self.open_stream(to, Purpose::PushPull, state);
    }

    /// Tells a suspect that it is one, and asks what it has to say, over a stream, where neither is
    /// lost. Gossip reaches everybody nearly always; where datagrams are lost that is not enough,
    /// neither for the suspicion to reach the suspect nor for its refutation to reach all.
    fn last_call(&mut self, suspect: Slot) {
        self.count_sent(MessageKind::PushPull);
        let members = [self.members.entry(Slot::LOCAL), self.members.entry(suspect)];
        let to = members[1].address();
        let members = members.into_iter().map(Entry::announcement);
        let bytes = self.framed(|wire, out| match wire {
            Wire::Swim => wire::encode_push_pull(Scope::Partial, 0, members, &[], out),
            Wire::Memberlist => memberlist::encode_push_pull(false, members, &[], out),
        });
        let bytes = self.sealed(Side::Dialler, None, bytes);
        self.open_stream(to, Purpose::PushPull, bytes);
    }

    pub(crate) fn keep_last_calls(&mut self, now: Instant) {
        while let Some(suspect) = self.suspicions.take_last_call(now) {
            if self.config.last_call && self.may_call(suspect) {
                self.last_call(suspect);
                self.repeat_lone_suspicion(suspect);
            }
        }
    }

    /// On memberlist's wire the answer is a whole table: there only those ask whose own probes
    /// failed.
    fn may_call(&self, suspect: Slot) -> bool {
        let accused = |suspicion: &Suspicion| suspicion.accusers.contains(&self.config.name);
        self.config.wire == Wire::Swim || self.suspicions.get(suspect).is_some_and(accused)
    }

    /// Says once more what this node said alone so far. Where it loses datagrams itself nobody may
    /// have heard it, neither the suspect nor those to whom it would come as a failure in the end.
    fn repeat_lone_suspicion(&mut self, suspect: Slot) {
        let own = self.config.name.clone();
        let said_alone = |suspicion: &Suspicion| suspicion.accusers == [own.clone()];
        if !self.suspicions.get(suspect).is_some_and(said_alone) {
            return;
        }
        let entry = self.members.entry(suspect);
        let (name, incarnation) = (Name::trusted(entry.name()), entry.incarnation());
        let claim = Claim::Suspect { accuser: own.as_str() };
        let update = Update { name: name.as_str(), incarnation, claim };
        self.queue_update(suspect, &update, Tier::Normal, None);
    }

    /// Takes in what a dialler knows, and returns the answer.
    ///
    /// On memberlist's wire it says what this node believed before, as there: so nobody gets back
    /// what it sent. Only where the dialler accuses this node it says that this node is alive after
    /// all.
    pub(crate) fn merge_and_answer(
        &mut self,
        from: SocketAddr,
        scope: Scope,
        their_view: u64,
        half: Half<'_>,
    ) -> BytesMut {
        if self.config.wire == Wire::Swim {
            self.merge(from, scope, half);
            return self.encoded_answer(scope, their_view);
        }
        let incarnation = self.local().incarnation;
        let before = self.encoded_state(scope);
        self.merge(from, scope, half);
        if self.local().incarnation == incarnation { before } else { self.table(scope) }
    }

    /// The answer to a push/pull: as much as was asked for.
    fn encoded_answer(&mut self, scope: Scope, their_view: u64) -> BytesMut {
        match scope {
            Scope::Compare if their_view != self.members.view_digest() => {
                self.encoded_state(Scope::Full)
            }
            Scope::Join | Scope::Full | Scope::Compare => self.encoded_state(scope),
            Scope::Partial => {
                self.count_sent(MessageKind::PushPull);
                let local = core::iter::once(self.members.entry(Slot::LOCAL).announcement());
                self.framed(|_, out| wire::encode_push_pull(scope, 0, local, &[], out))
            }
        }
    }

    /// Everything that this node knows, itself first, with its application state. To compare views,
    /// only itself and the digest of the rest; to tell the rest later, all but its state.
    fn encoded_state(&mut self, scope: Scope) -> BytesMut {
        self.count_sent(MessageKind::PushPull);
        self.table(scope)
    }

    fn table(&mut self, scope: Scope) -> BytesMut {
        let state = if scope == Scope::Partial { Bytes::new() } else { self.local_state(scope) };
        let view = if scope == Scope::Partial { 0 } else { self.members.view_digest() };
        let count = if scope == Scope::Compare { 1 } else { usize::MAX };
        let members = self.members.iter().map(Entry::announcement).take(count);
        self.framed(|wire, out| match wire {
            Wire::Swim => wire::encode_push_pull(scope, view, members, &state, out),
            Wire::Memberlist => {
                memberlist::encode_push_pull(scope == Scope::Join, members, &state, out);
            }
        })
    }

    fn local_state(&mut self, scope: Scope) -> Bytes {
        let from_hook = self.hooks.local_state(scope == Scope::Join);
        let state = from_hook.unwrap_or_else(|| self.user_state.clone());
        if state.len() <= self.config.user_state_size_max { state } else { Bytes::new() }
    }

    /// Takes in everything that another node knows.
    pub(crate) fn merge(&mut self, from: SocketAddr, scope: Scope, half: Half<'_>) {
        self.merging_alone = self.members.peers() == 0;
        self.merge_half(from, scope, half);
        self.merging_alone = false;
    }

    /// Asks the application whether to take in what another node sent.
    pub(crate) fn accepts_merge(&mut self, from: SocketAddr, join: bool, half: Half<'_>) -> bool {
        let accepted = self.hooks.accept_merge(&Merge { from, join, half });
        if !accepted {
            self.complain(from, DropReason::MergeRefused, true);
        }
        accepted
    }

    fn merge_half(&mut self, from: SocketAddr, scope: Scope, half: Half<'_>) {
        let user_state = match half.user_state(self.config.user_state_size_max) {
            Ok(state) => state,
            Err(reason) => return self.complain(from, reason, true),
        };
        let own = self.config.name.clone();
        let mut sender = match self.config.wire {
            // The sender stands first in its own table.
            Wire::Swim => None,
            // It stands anywhere. Memberlist takes the receiver for the accuser.
            Wire::Memberlist => Some(own.as_str()),
        };
        for member in half.members() {
            match member {
                Ok(member) => {
                    let sender = *sender.get_or_insert(member.name);
                    self.merge_member(&member, sender, Via::PushPull { from });
                }
                Err(reason) => self.complain(from, reason, true),
            }
        }
        if scope != Scope::Partial {
            self.stats.push_pulls += 1;
        }
        if !user_state.is_empty() {
            let state = Bytes::from(user_state);
            let join = scope == Scope::Join;
            self.emit(Event::UserState { from, join, state });
        }
    }

    /// Takes in what another node believes of one member. That it holds a member for failed counts
    /// as a suspicion only: so the member has the time to refute what it may never have heard.
    fn merge_member(&mut self, member: &MemberRef<'_>, sender: &str, via: Via) {
        let claim = match member.state {
            State::Alive => {
                let MemberRef { address, meta, versions, .. } = *member;
                Claim::Alive { address, meta, versions }
            }
            State::Suspect | State::Failed => Claim::Suspect { accuser: sender },
            State::Left => Claim::Left,
        };
        let update = Update { name: member.name, incarnation: member.incarnation, claim };
        self.receive_update(&update, via);
    }
}

/// How much rarer push/pull gets in a large cluster: `ceil(log2(n)) - 4` above 32 members, so that
/// the load of each exchange, which grows with the cluster, does not add up.
pub(crate) fn scale(members: usize) -> u32 {
    if members <= UNSCALED_MAX {
        return 1;
    }
    members.next_power_of_two().trailing_zeros() - UNSCALED_MAX.trailing_zeros() + 1
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::scale;

    #[test]
    fn push_pull_gets_rarer_with_each_doubling_above_32() {
        let scales: Vec<u32> =
            [1, 32, 33, 64, 65, 128, 129, 256, 10_000].into_iter().map(scale).collect();
        assert_eq!(scales, [1, 1, 2, 2, 3, 3, 4, 4, 10]);
    }
}
