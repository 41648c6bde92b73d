//! Which members are believed to be in the cluster, and why: the member table, the rules by which
//! news changes it, suspicions, name conflicts, and this node's own place in it.
//!
//! [`Membership::receive_update`] weighs news from every source. Changes are passed on by
//! [gossip](crate::dissemination). Pings by the [detector](crate::detection) find out which member
//! is at an address.

mod accusing;
mod candidates;
mod check;
mod conflict;
mod departing;
mod evidence;
mod hidden;
mod leaving;
mod merging;
mod naming;
mod news;
mod own;
mod refuting;
mod searching;
mod since;
mod suspicion;
mod suspicions;
mod telling;
mod updates;
mod waiting;

use core::net::SocketAddr;

use crate::config::Config;
use crate::context::Context;
use crate::error::CommandError;
use crate::member::{Name, State};
use crate::members::{Announcement, Entry, Members, Picked, Slot};
use crate::random::Random;
use crate::status::Status;
use crate::time::Instant;
use crate::wire::{Claim, Update};

use candidates::Candidates;
use evidence::Evidence;
use hidden::Hidden;
use leaving::Leave;
pub(crate) use merging::Table;
pub(crate) use naming::Question;
pub(crate) use news::{News, Origin};
use own::Own;
use searching::Search;
use suspicions::Suspicions;

/// A node's view of the members, itself included.
#[derive(Debug)]
pub(crate) struct Membership {
    members: Members,
    suspicions: Suspicions,
    candidates: Candidates,
    evidence: Evidence,
    search: Search,
    hidden: Hidden,
    own: Own,
}

impl Membership {
    /// Creates a membership of this node alone.
    pub(crate) fn new(now: Instant, config: &Config, random: &mut Random) -> Self {
        let mut members = Members::new(random);
        let own = Announcement {
            incarnation: config.incarnation,
            address: config.address,
            meta: &config.meta,
            versions: config.versions,
        };
        let local = members.add(now, config.name.as_str(), &own);
        debug_assert_eq!(local, Slot::LOCAL);
        let search = Search::new(members.name_key(config.name.as_str()));
        Membership {
            members,
            suspicions: Suspicions::default(),
            candidates: Candidates::default(),
            evidence: Evidence::default(),
            search,
            hidden: Hidden::default(),
            own: Own::new(config.incarnation, now),
        }
    }

    /// The member table, read-only.
    #[inline]
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    /// Whether this node takes part in the cluster.
    #[inline]
    pub(crate) fn status(&self) -> Status {
        self.own.status()
    }

    /// Whether another node has this node's name, so that this node claims nothing.
    #[inline]
    pub(crate) fn waits_for_name(&self) -> bool {
        self.members.is_withheld()
    }

    /// Checks that the application may send: receivers identify it by this node's name.
    pub(crate) fn may_speak(&self) -> Result<(), CommandError> {
        if self.status() != Status::Running {
            return Err(CommandError::NotRunning);
        }
        if self.waits_for_name() { Err(CommandError::NameTaken) } else { Ok(()) }
    }

    /// The live member that a command names.
    pub(crate) fn live_peer(&self, name: &str) -> Result<Slot, CommandError> {
        self.may_speak()?;
        match self.members.find(name) {
            Some(Slot::LOCAL) => Err(CommandError::OwnName),
            Some(slot) if self.members.entry(slot).state().is_live() => Ok(slot),
            _ => Err(CommandError::UnknownMember),
        }
    }

    /// Notes that a member answered this node from its own address.
    #[inline]
    pub(crate) fn note_answer(&mut self, cx: &mut Context, slot: Slot) {
        if !self.members.entry(slot).is_proven() {
            self.take_proof(cx, slot);
        }
    }

    #[cold]
    fn take_proof(&mut self, cx: &mut Context, slot: Slot) {
        self.members.note_answer(slot);
        self.show_again(cx, slot);
    }

    /// Notes that a member answered on a connection to this address.
    pub(crate) fn note_answer_from(&mut self, cx: &mut Context, slot: Slot, address: SocketAddr) {
        if self.members.entry(slot).is_at(address) {
            self.note_answer(cx, slot);
        }
    }

    /// The member to probe next, if any.
    pub(crate) fn next_to_probe(&mut self, random: &mut Random) -> Option<Slot> {
        self.members.next_to_probe(random)
    }

    /// Begins a new round of probes before the last one is over.
    pub(crate) fn begin_probe_round(&mut self) {
        self.members.begin_probe_round();
    }

    /// The next members to gossip to for which `takes` holds.
    pub(crate) fn next_for_gossip(
        &mut self,
        count: usize,
        takes: impl FnMut(Slot, &Entry) -> bool,
    ) -> Picked {
        self.members.next_for_gossip(count, takes)
    }

    /// When the first suspicion times out.
    #[inline]
    pub(crate) fn next_suspicion(&self) -> Instant {
        self.suspicions.next_deadline()
    }

    /// When the first last call is due.
    #[inline]
    pub(crate) fn next_last_call(&self) -> Instant {
        self.suspicions.next_call()
    }

    /// When the first candidate is decided on.
    #[inline]
    pub(crate) fn next_candidacy(&self) -> Instant {
        self.candidates.next_deadline()
    }

    /// When the leave in progress needs attention next.
    #[inline]
    pub(crate) fn leave_due(&self) -> Instant {
        self.own.leave().map_or(Instant::NEVER, Leave::due)
    }

    /// The accusation of a member, as sent to that member so that it can refute: in the name of its
    /// first accuser, or else of this node.
    pub(crate) fn accusation<'a>(&'a self, own: &'a Name, slot: Slot) -> Option<Update<'a>> {
        let accuser = self.suspicions.get(slot).map_or(own, |suspicion| suspicion.first_accuser());
        self.accusation_by(accuser.as_str(), slot)
    }

    /// The same in the name of the given accuser.
    fn accusation_by<'a>(&'a self, accuser: &'a str, slot: Slot) -> Option<Update<'a>> {
        let entry = self.members.entry(slot);
        let claim = match entry.state() {
            State::Alive => return None,
            State::Suspect => Claim::Suspect { accuser },
            State::Failed => Claim::Failed { accuser },
            State::Left => Claim::Left,
        };
        Some(Update { name: entry.name(), incarnation: entry.incarnation(), claim })
    }
}
