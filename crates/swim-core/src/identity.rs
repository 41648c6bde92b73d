//! What this node says of itself, and how it answers what others say of it: refutation, metadata,
//! leaving and coming back.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use crate::address::canonical;
use crate::broadcasts::Keyed;
use crate::entry::Announcement;
use crate::error::CommandError;
use crate::gossip::{Tier, transmissions};
use crate::member::{Incarnation, Name, State, Versions};
use crate::node::{Node, Status, at_most};
use crate::output::{Answer, Event, HealthReason, RequestId, Via};
use crate::pages::Slot;
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::timer::Timer;
use crate::wire::{Claim, Message, Update};

impl Node {
    /// Weighs news about this node itself.
    pub(crate) fn receive_own_update(&mut self, update: &Update<'_>, via: Via) {
        let own = self.members.entry(Slot::LOCAL).incarnation();
        if self.status != Status::Running {
            return self.repeat_goodbye(update);
        }
        if update.incarnation < own {
            return self.receive_own_stale(update, via);
        }
        let accuser = match update.claim {
            Claim::Alive { address, meta, versions } => {
                return self.receive_own_alive(update.incarnation, address, meta, versions, via);
            }
            Claim::Suspect { accuser } | Claim::Failed { accuser } => Name::trusted(accuser),
            Claim::Left => self.config.name.clone(),
        };
        let claim = match update.claim {
            Claim::Suspect { .. } => State::Suspect,
            Claim::Failed { .. } => State::Failed,
            Claim::Left | Claim::Alive { .. } => State::Left,
        };
        if self.is_about_namesake(claim == State::Suspect) {
            return self.drop_quietly(DropReason::AddressConflict);
        }
        if claim == State::Failed && self.config.breaks(Sabotage::BelievesItsDeath) {
            return self.members.set_state(self.now(), Slot::LOCAL, State::Failed);
        }
        let refuted_with = update.incarnation.next();
        self.announce_self(refuted_with, None);
        self.stats.accusations_refuted += 1;
        // An incarnation that this node never announced was that of an earlier life, which ended:
        // no sign that this node is slow.
        if update.incarnation == own && claim != State::Left {
            self.change_health(1, HealthReason::Accused);
        }
        let incarnation = update.incarnation;
        self.answer_accuser(accuser.as_str(), via);
        self.emit(Event::Accused { accuser, claim, incarnation, refuted_with, via });
    }

    /// An accusation of this node at the highest incarnation, where it cannot be refuted by a
    /// higher one. A member that goes by its own probes says so in a packet of its own, and
    /// believes this node when it says itself that it is alive. If it was an earlier life that was
    /// so high, this one has to be, too.
    pub(crate) fn receive_own_exhausted(&mut self, update: &Update<'_>, via: Via) {
        let accuser = match update.claim {
            Claim::Suspect { accuser } | Claim::Failed { accuser } => accuser,
            Claim::Left | Claim::Alive { .. } => return,
        };
        let suspected = matches!(update.claim, Claim::Suspect { .. });
        if self.status != Status::Running
            || !self.is_accuser(accuser, via)
            || self.is_about_namesake(suspected)
        {
            return;
        }
        if self.local().incarnation < Incarnation::MAX {
            self.announce_self(Incarnation::MAX, None);
        }
        self.answer_accuser(accuser, via);
    }

    /// Whether an accusation is about the other node of this name: while that one has the name, the
    /// suspect is the other. Once that one is gone the name is free.
    fn is_about_namesake(&mut self, suspected: bool) -> bool {
        if !self.outranked {
            return false;
        }
        if !suspected {
            (self.outranked, self.name_taken_by) = (false, None);
        }
        suspected
    }

    /// This node is leaving or has left, but somebody believes otherwise of an incarnation that it
    /// did not know it had: the goodbye has to outrank that too.
    fn repeat_goodbye(&mut self, update: &Update<'_>) {
        let own = self.members.entry(Slot::LOCAL).incarnation();
        self.drop_quietly(DropReason::Stale);
        if update.incarnation <= own {
            return;
        }
        self.members.set_incarnation(Slot::LOCAL, update.incarnation);
        if self.status == Status::Leaving {
            self.say_goodbye(self.leaving);
        }
    }

    /// Appends the goodbye to the packet that is being written.
    pub(crate) fn append_goodbye(&mut self) {
        let name = self.config.name.clone();
        let incarnation = self.members.entry(Slot::LOCAL).incarnation();
        let update = Update { name: name.as_str(), incarnation, claim: Claim::Left };
        self.append_if_it_fits(&Message::Update(update));
    }

    fn say_goodbye(&mut self, request: Option<RequestId>) {
        let name = self.config.name.clone();
        let incarnation = self.members.entry(Slot::LOCAL).incarnation();
        let update = Update { name: name.as_str(), incarnation, claim: Claim::Left };
        self.queue_update(Slot::LOCAL, &update, Tier::Urgent, request);
    }

    /// Old news about this node itself.
    fn receive_own_stale(&mut self, update: &Update<'_>, via: Via) {
        match update.claim {
            // Where it comes in a push/pull it may well be where this node lived before. Somebody
            // who tells it by packet has seen that both addresses answer.
            Claim::Alive { address, .. }
                if !self.is_own_address(address) && matches!(via, Via::Packet { .. }) =>
            {
                self.note_namesake(update.incarnation, address, via);
            }
            Claim::Suspect { accuser } | Claim::Failed { accuser } => {
                self.drop_quietly(DropReason::Stale);
                self.answer_accuser(accuser, via);
            }
            Claim::Alive { .. } | Claim::Left => self.drop_quietly(DropReason::Stale),
        }
    }

    /// Another node with this name. To outbid it would start a race that nobody wins. If it
    /// outranks this one it is asked first whether it is there: what is told of it may be old, or
    /// made up.
    fn note_namesake(&mut self, incarnation: Incarnation, address: SocketAddr, via: Via) {
        let address = canonical(address);
        let own = (self.local().incarnation, self.local().address);
        if (incarnation, address) <= own {
            self.outranked = false;
        } else if !self.outranked {
            self.ask_namesake(address);
        }
        if self.name_taken_by.replace(address) != Some(address) {
            self.emit(Event::NameTaken { address, via });
        }
        self.drop_quietly(DropReason::AddressConflict);
    }

    /// Asks who outranks this node whether it is there, and tells it that there are two of them: it
    /// wins wherever it was known first, and would never hear of it.
    fn ask_namesake(&mut self, address: SocketAddr) {
        if self.evidence.may_tell(self.now(), address, self.config.probe_interval) {
            self.send_check(Slot::LOCAL, address);
            self.tell_about(Slot::LOCAL, address);
        }
    }

    /// The namesake that outranks this node is there: this node announces nothing any more.
    pub(crate) fn namesake_answered(&mut self) {
        self.outranked = true;
    }

    /// Somebody passes on an alive about this node.
    fn receive_own_alive(
        &mut self,
        incarnation: Incarnation,
        address: SocketAddr,
        meta: &[u8],
        versions: Versions,
        via: Via,
    ) {
        if !self.is_own_address(address) {
            return self.note_namesake(incarnation, address, via);
        }
        let local = self.members.entry(Slot::LOCAL);
        if incarnation == local.incarnation() && local.announces(address, meta, versions) {
            return self.drop_quietly(DropReason::Stale);
        }
        // What an earlier life of this node announced: what it announces now has to outrank it.
        self.announce_self(incarnation.next(), None);
    }

    /// Takes a new incarnation and spreads what this node announces.
    fn announce_self(&mut self, incarnation: Incarnation, request: Option<RequestId>) {
        self.members.set_incarnation(Slot::LOCAL, incarnation);
        let name = self.config.name.clone();
        let local = self.members.entry(Slot::LOCAL);
        let meta = Bytes::copy_from_slice(local.meta());
        let claim = Claim::Alive {
            address: local.announced_address(),
            meta: &meta,
            versions: local.versions(),
        };
        let update = Update { name: name.as_str(), incarnation, claim };
        self.spread(&update, request);
    }

    /// Has joined: tells others itself, too. Whom it joined at tells only as many as an update is
    /// told, and in a small cluster that leaves somebody out now and then.
    pub(crate) fn introduce_self(&mut self) {
        let local = self.members.entry(Slot::LOCAL);
        if self.status == Status::Running && local.queued().is_none() {
            self.announce_self(local.incarnation(), None);
        }
    }

    /// Queues news about this node itself. Where nobody is there to hear it, it is done at once:
    /// who joins later learns it in the join.
    fn spread(&mut self, update: &Update<'_>, request: Option<RequestId>) {
        if self.members.has_audience() {
            self.queue_update(Slot::LOCAL, update, Tier::Urgent, request);
        } else if let Some(request) = request {
            self.answer(request, Ok(Answer::Spread));
        }
    }

    pub(crate) fn start_set_meta(&mut self, meta: &[u8]) -> Result<RequestId, CommandError> {
        if self.status != Status::Running {
            return Err(CommandError::NotRunning);
        }
        if self.outranked {
            return Err(CommandError::NameTaken);
        }
        at_most(meta.len(), self.config.meta_size_max)?;
        let request = self.begin_request()?;
        let local = self.members.entry(Slot::LOCAL);
        let keeps = self.config.breaks(Sabotage::KeepsItsIncarnation);
        let incarnation = if keeps { local.incarnation() } else { local.incarnation().next() };
        let (address, versions) = (local.announced_address(), local.versions());
        let new = Announcement { incarnation, address, meta, versions };
        self.members.announce(Slot::LOCAL, &new);
        self.announce_self(incarnation, Some(request));
        Ok(request)
    }

    pub(crate) fn start_leave(&mut self) -> Result<RequestId, CommandError> {
        if self.status != Status::Running {
            return Err(CommandError::NotRunning);
        }
        let request = self.begin_request()?;
        self.status = Status::Leaving;
        self.leaving = Some(request);
        self.cancel_probe();
        self.timers.stop(Timer::PushPull);
        self.members.set_state(self.now(), Slot::LOCAL, State::Left);
        if self.members.peers() == 0 {
            self.finish_leave();
            return Ok(request);
        }
        // Should the goodbye never be sent often enough, for want of somebody to tell.
        let limit = transmissions(self.config.retransmit_mult, self.members_live());
        let patience = self.config.gossip_interval * (limit + 1) + self.spreading_time();
        self.timers.set(Timer::Leave, self.now() + patience);
        self.say_goodbye(Some(request));
        self.gossip();
        Ok(request)
    }

    /// The goodbye was sent as often as it should. The others need a few rounds to tell each other;
    /// this node stays that long, so that it can still be asked.
    pub(crate) fn let_goodbye_spread(&mut self) {
        if self.status == Status::Leaving {
            let spread = self.now() + self.spreading_time();
            self.timers.set(Timer::Leave, spread);
        }
    }

    /// How long gossip takes to reach everybody, nearly always: each round multiplies those who
    /// know by about `gossip_nodes`, and as many rounds again reach the last ones.
    fn spreading_time(&self) -> Duration {
        let rounds = transmissions(1, self.members_live()) * 4;
        self.config.gossip_interval * rounds
    }

    pub(crate) fn finish_leave(&mut self) {
        self.status = Status::Left;
        self.timers.stop_all();
        // A goodbye that is still queued has the same request, which is answered once.
        self.stop_gossip_about(Slot::LOCAL);
        if let Some(request) = self.leaving.take() {
            self.answer(request, Ok(Answer::Left));
        }
        self.stop_joins();
        self.stop_pings();
        self.stop_streams();
        self.keyed = Keyed::default();
        for mut queue in [core::mem::take(&mut self.updates), core::mem::take(&mut self.broadcasts)]
        {
            for finished in queue.drain() {
                self.settle_stopped(finished);
            }
        }
    }

    /// Comes back after having left.
    pub(crate) fn rejoin(&mut self) {
        self.status = Status::Running;
        self.members.set_state(self.now(), Slot::LOCAL, State::Alive);
        let incarnation = self.members.entry(Slot::LOCAL).incarnation().next();
        self.announce_self(incarnation, None);
        self.start_timers();
    }
}
