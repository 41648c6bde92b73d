//! This node's own place in the cluster: what it announces, metadata, leaving and coming back.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::Membership;
use super::leaving::Leave;
use super::since::Since;
use super::waiting::Naming;
use crate::context::Context;
use crate::dissemination::{Gossip, Tier, Waiter};
use crate::error::{CommandError, at_most};
use crate::member::{Incarnation, State};
use crate::members::{Announcement, Slot};
use crate::output::{Answer, Failure, RequestId};
use crate::sabotage::Sabotage;
use crate::status::Status;
use crate::time::Instant;
use crate::wire::{Claim, Update};

/// For so long after it met its first peer a node follows what is said of a life before this one,
/// however high its incarnation was. Peers tell it when it announces itself, and once more in their
/// probes and push/pulls.
const SETTLING: Duration = Duration::from_secs(60);

/// Whether this node takes part, and who else has its name.
#[derive(Debug)]
pub(super) struct Own {
    status: Status,
    since: Since,
    /// The address that last announced this node's own name.
    name_taken_by: Option<SocketAddr>,
    /// The highest incarnation at which somebody announced it elsewhere.
    claimed: Incarnation,
    /// When the application was told of it.
    name_taken_at: Option<Instant>,
    /// Whether this node has its name.
    naming: Naming,
    /// The metadata that was set while another node has it.
    held_meta: Option<Bytes>,
    /// The `leave` that waits for its answer.
    leaving: Option<Leave>,
    /// When this life met its first peer.
    met: Option<Instant>,
}

impl Own {
    /// A node that starts with this incarnation.
    pub(super) fn new(incarnation: Incarnation, now: Instant) -> Self {
        Own {
            since: Since::new(incarnation, now),
            status: Status::default(),
            name_taken_by: None,
            claimed: Incarnation::default(),
            name_taken_at: None,
            naming: Naming::new(now),
            held_meta: None,
            leaving: None,
            met: None,
        }
    }

    #[inline]
    pub(super) fn since(&self) -> &Since {
        &self.since
    }

    pub(super) fn since_mut(&mut self) -> &mut Since {
        &mut self.since
    }

    #[inline]
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// The leave that is under way.
    #[inline]
    pub(super) fn leave(&self) -> Option<&Leave> {
        self.leaving.as_ref()
    }

    pub(super) fn leave_mut(&mut self) -> Option<&mut Leave> {
        self.leaving.as_mut()
    }

    /// This node is leaving.
    pub(super) fn begin_leave(&mut self, leave: Leave) {
        (self.status, self.leaving) = (Status::Leaving, Some(leave));
    }

    /// This node has left, and announces nothing any more.
    pub(super) fn end_leave(&mut self) -> Option<Leave> {
        (self.status, self.held_meta) = (Status::Left, None);
        self.leaving.take()
    }

    /// Asserts that a leave is under way while this node leaves, and only then.
    pub(super) fn check(&self) {
        let (status, leaving) = (self.status, self.status == Status::Leaving);
        assert_eq!(self.leaving.is_some(), leaving, "a leave waits while {status:?}");
    }

    /// The commands that wait for their answer.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.leaving.iter().map(Leave::request).chain(self.naming.requests())
    }

    pub(super) fn naming(&self) -> &Naming {
        &self.naming
    }

    pub(super) fn naming_mut(&mut self) -> &mut Naming {
        &mut self.naming
    }

    /// This life knows a peer.
    pub(super) fn note_peer(&mut self, now: Instant) {
        self.met.get_or_insert(now);
    }

    /// Whether this life never knew a peer.
    pub(super) fn is_newcomer(&self) -> bool {
        self.met.is_none()
    }

    /// Whether this life has known peers for long enough to have heard what they hold against an
    /// earlier one.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.met.is_some_and(|met| now - met > SETTLING)
    }

    /// Somebody announced this node's name elsewhere, at this incarnation. Others may hold it for
    /// this node's, and against it.
    pub(super) fn note_claimed(&mut self, incarnation: Incarnation) {
        self.claimed = self.claimed.max(incarnation);
    }

    /// The highest incarnation at which somebody announced this node's name elsewhere.
    pub(super) fn claimed(&self) -> Incarnation {
        self.claimed
    }

    /// Another node announces this node's name from this address; returns whether that is news,
    /// at most once in `quiet`: one that changes its address all the time is no more of it.
    pub(super) fn note_namesake(
        &mut self,
        now: Instant,
        address: SocketAddr,
        quiet: Duration,
    ) -> bool {
        let told_lately = self.name_taken_at.is_some_and(|at| now - at < quiet);
        if self.name_taken_by == Some(address) || told_lately {
            return false;
        }
        (self.name_taken_by, self.name_taken_at) = (Some(address), Some(now));
        true
    }

    /// The other node of this name is gone.
    pub(super) fn namesake_is_gone(&mut self) {
        self.name_taken_by = None;
    }
}

impl Membership {
    // What this node announces.

    /// Takes a new incarnation and spreads what this node announces.
    pub(super) fn announce_self(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        incarnation: Incarnation,
        waiter: Waiter,
    ) {
        self.members.set_incarnation(Slot::LOCAL, incarnation);
        let local = self.members.entry(Slot::LOCAL);
        let (address, versions) = (local.announced_address(), local.versions());
        let claim = Claim::Alive { address, meta: local.meta(), versions };
        let update = Update { name: local.name(), incarnation, claim };
        // Where nobody is there to hear it, it is done at once: who joins later learns it in the
        // join.
        if self.members.has_audience() {
            gossip.queue_update(cx, &self.members, Slot::LOCAL, &update, Tier::Urgent, waiter);
        } else if let Waiter::Command(request) = waiter {
            cx.answer(request, Ok(Answer::Spread));
        }
    }

    /// Has joined: tells others itself, too. Whom it joined at tells only as many as an update is
    /// told, and in a small cluster that leaves somebody out now and then.
    pub(crate) fn introduce_self(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        if self.own.status == Status::Running && !gossip.waits(Slot::LOCAL) {
            let incarnation = self.members.entry(Slot::LOCAL).incarnation();
            self.announce_self(cx, gossip, incarnation, Waiter::Nobody);
        }
    }

    /// Changes this node's metadata. While another node has this node's name, that is heard by
    /// nobody: then it waits, and a later change replaces it.
    pub(crate) fn set_meta(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        meta: &Bytes,
    ) -> Result<RequestId, CommandError> {
        if self.own.status != Status::Running {
            return Err(CommandError::NotRunning);
        }
        at_most(meta.len(), cx.config.meta_size_max)?;
        let request = cx.begin_request()?;
        if self.waits_for_name() {
            // Nobody may ever give the name back: the command does not wait for that.
            self.own.held_meta = Some(meta.clone());
            cx.answer(request, Err(Failure::NameTaken));
        } else {
            self.announce_meta(cx, gossip, meta, Waiter::Command(request));
        }
        Ok(request)
    }

    /// Announces the metadata that waits, if this node has its name again.
    pub(super) fn announce_held_meta(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        if self.own.status == Status::Running
            && !self.waits_for_name()
            && let Some(meta) = self.own.held_meta.take()
        {
            self.announce_meta(cx, gossip, &meta, Waiter::Nobody);
        }
    }

    fn announce_meta(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        meta: &Bytes,
        waiter: Waiter,
    ) {
        let local = self.members.entry(Slot::LOCAL);
        let keeps = cx.config.breaks(Sabotage::KeepsItsIncarnation);
        let incarnation = if keeps { local.incarnation() } else { local.incarnation().next() };
        let (address, versions) = (local.announced_address(), local.versions());
        let new = Announcement { incarnation, address, meta, versions };
        self.members.announce(Slot::LOCAL, &new);
        self.announce_self(cx, gossip, incarnation, waiter);
    }

    /// Comes back after having left.
    pub(crate) fn rejoin(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        self.own.status = Status::Running;
        gossip.restart();
        self.members.set_state(cx.now(), Slot::LOCAL, State::Alive);
        if self.waits_for_name() {
            return;
        }
        self.own.naming.begin(cx.now());
        let incarnation = self.members.entry(Slot::LOCAL).incarnation().next();
        self.announce_self(cx, gossip, incarnation, Waiter::Nobody);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Own {
        Own::new(Incarnation(1), Instant::ORIGIN)
    }

    #[test]
    #[should_panic(expected = "a leave waits while Leaving")]
    fn a_leave_without_end_is_noticed() {
        Own { status: Status::Leaving, ..own() }.check();
    }
}
