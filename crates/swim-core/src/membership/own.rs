//! This node's own place in the cluster: its announcement, metadata, leaving and rejoining.

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

/// How long after meeting its first peer a node follows claims about an earlier life, at any
/// incarnation. Peers send such claims when it announces itself, and again in probes and
/// push/pulls.
const SETTLING: Duration = Duration::from_secs(60);

/// This node's status, and other nodes with its name.
#[derive(Debug)]
pub(super) struct Own {
    status: Status,
    since: Since,
    /// The address that last announced this node's own name.
    name_taken_by: Option<SocketAddr>,
    /// The highest incarnation at which another node announced it.
    claimed: Incarnation,
    /// When that was last reported to the application.
    name_taken_at: Option<Instant>,
    /// Whether this node has its name.
    naming: Naming,
    /// Metadata that was set while another node has the name.
    held_meta: Option<Bytes>,
    /// The leave in progress.
    leaving: Option<Leave>,
    /// When this life met its first peer.
    met: Option<Instant>,
}

impl Own {
    /// Starts with this incarnation.
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

    #[inline]
    pub(super) fn leave(&self) -> Option<&Leave> {
        self.leaving.as_ref()
    }

    pub(super) fn leave_mut(&mut self) -> Option<&mut Leave> {
        self.leaving.as_mut()
    }

    pub(super) fn begin_leave(&mut self, leave: Leave) {
        (self.status, self.leaving) = (Status::Leaving, Some(leave));
    }

    /// Ends the leave: this node has left, and announces nothing further.
    pub(super) fn end_leave(&mut self) -> Option<Leave> {
        (self.status, self.held_meta) = (Status::Left, None);
        self.leaving.take()
    }

    /// Asserts that a leave is in progress exactly while this node leaves.
    pub(super) fn check(&self) {
        let (status, leaving) = (self.status, self.status == Status::Leaving);
        assert_eq!(self.leaving.is_some(), leaving, "a leave waits while {status:?}");
    }

    /// Commands that wait for their answer.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.leaving.iter().map(Leave::request).chain(self.naming.requests())
    }

    pub(super) fn naming(&self) -> &Naming {
        &self.naming
    }

    pub(super) fn naming_mut(&mut self) -> &mut Naming {
        &mut self.naming
    }

    /// Notes that this life knows a peer.
    pub(super) fn note_peer(&mut self, now: Instant) {
        self.met.get_or_insert(now);
    }

    /// Whether this life never knew a peer.
    pub(super) fn is_newcomer(&self) -> bool {
        self.met.is_none()
    }

    /// Whether this life has known peers long enough to have heard their claims about an earlier
    /// one.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.met.is_some_and(|met| now - met > SETTLING)
    }

    /// Notes that another node announced this node's name at this incarnation. Peers may attribute
    /// it to this node, and accuse this node there.
    pub(super) fn note_claimed(&mut self, incarnation: Incarnation) {
        self.claimed = self.claimed.max(incarnation);
    }

    /// The highest incarnation at which another node announced this node's name.
    pub(super) fn claimed(&self) -> Incarnation {
        self.claimed
    }

    /// Notes that another node announces this node's name from this address. Returns whether to
    /// report that: at most once per `quiet`, even if the address keeps changing.
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

    /// Notes that the other node of this name is gone.
    pub(super) fn namesake_is_gone(&mut self) {
        self.name_taken_by = None;
    }
}

impl Membership {
    // This node's announcements.

    /// Takes a new incarnation and gossips this node's announcement.
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
        // Without an audience it is done at once: later members learn it when they join.
        if self.members.has_audience() {
            gossip.queue_update(cx, &self.members, Slot::LOCAL, &update, Tier::Urgent, waiter);
        } else if let Waiter::Command(request) = waiter {
            cx.answer(request, Ok(Answer::Spread));
        }
    }

    /// Gossips this node's announcement after it joined. Its contact gossips it only as often as
    /// any update, which misses a member of a small cluster now and then.
    pub(crate) fn introduce_self(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        if self.own.status == Status::Running && !gossip.waits(Slot::LOCAL) {
            let incarnation = self.members.entry(Slot::LOCAL).incarnation();
            self.announce_self(cx, gossip, incarnation, Waiter::Nobody);
        }
    }

    /// Changes this node's metadata. While another node has this node's name, nobody hears of the
    /// change: it is held back, and a later change replaces it.
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
            // The name may never become free, so the command does not wait for that.
            self.own.held_meta = Some(meta.clone());
            cx.answer(request, Err(Failure::NameTaken));
        } else {
            self.announce_meta(cx, gossip, meta, Waiter::Command(request));
        }
        Ok(request)
    }

    /// Announces the metadata held back, if this node has its name again.
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

    /// Rejoins after a leave.
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
