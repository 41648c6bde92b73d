//! Name ownership on the native wire. A newcomer asks the holder of its name before it claims the
//! name. Two nodes that both claimed it, on two sides of a partition, decide who keeps it.
//!
//! On memberlist's wire each view keeps the address that it knows, as in Go.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::waiting::Waiting;
use super::{Membership, News};
use crate::address::canonical;
use crate::config::{Config, NameKeeper};
use crate::context::Context;
use crate::dissemination::{Gossip, Waiter};
use crate::member::{Incarnation, MemberRef, State};
use crate::members::Slot;
use crate::output::{Answer, Event, Failure, RequestId, Via};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::status::Status;
use crate::wire::{Claim, NameClaim};

/// How many questions, a probe interval apart, a holder must leave unanswered before its name is
/// free.
const QUESTIONS: u8 = 2;

/// Two nodes whose times differ by at most this many milliseconds have had a name equally long:
/// messages take a while, and nodes that a script started together have no first among them.
const TIE: u64 = 2000;

/// A question to the holder of this node's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) holder: SocketAddr,
    /// Ask over a stream and through relays, too: a datagram alone was not answered, or this is the
    /// first question.
    pub(crate) by_all_means: bool,
}

impl Membership {
    // Waiting.

    /// Handles the news, in the answer to a newcomer's join, that a member has its name.
    #[cold]
    pub(super) fn find_name_held(
        &mut self,
        cx: &mut Context,
        (holder, incarnation): (SocketAddr, Incarnation),
        news: &News<'_>,
    ) {
        if cx.config.breaks(Sabotage::StealsNames) {
            return;
        }
        // The node that answers the join may be the holder itself.
        let answered = news.via() == (Via::PushPull { from: canonical(holder) });
        self.wait_for_name(cx, (canonical(holder), incarnation), answered, news.via());
    }

    fn wait_for_name(
        &mut self,
        cx: &mut Context,
        (holder, incarnation): (SocketAddr, Incarnation),
        answered: bool,
        via: Via,
    ) {
        self.own.note_claimed(incarnation);
        let joins = Vec::new();
        let waiting =
            Waiting { holder, incarnation, asking: false, answered, unanswered: 0, joins };
        self.own.naming_mut().waiting = Some(waiting);
        self.members.set_withheld(true);
        if answered {
            self.report_name_taken(cx, holder, via);
        }
    }

    pub(super) fn report_name_taken(&mut self, cx: &mut Context, holder: SocketAddr, via: Via) {
        if self.own.note_namesake(cx.now(), holder, cx.config.probe_interval) {
            cx.emit(Event::NameTaken { address: holder, via });
        }
    }

    /// Holds back the answer to a join, because another node has this node's name, until it is
    /// known whether that node is there.
    pub(crate) fn hold_join(&mut self, cx: &mut Context, request: RequestId, contact: SocketAddr) {
        match &mut self.own.naming_mut().waiting {
            Some(waiting) if !waiting.answered => waiting.joins.push((request, contact)),
            _ => cx.answer(request, Err(Failure::NameTaken)),
        }
    }

    /// The next question to the holder of this node's name, unless one is in flight.
    pub(crate) fn next_question(&mut self) -> Option<Question> {
        let waiting = self.own.naming_mut().waiting.as_mut().filter(|waiting| !waiting.asking)?;
        // Asked for the first time, or not answered the last time.
        let by_all_means = !waiting.answered;
        (waiting.asking, waiting.answered) = (true, false);
        Some(Question { holder: waiting.holder, by_all_means })
    }

    /// Whether the holder of this node's name has not answered the latest question, or was not
    /// asked yet.
    pub(crate) fn doubts_holder(&self) -> bool {
        self.own.naming().waiting.as_ref().is_some_and(|waiting| !waiting.answered)
    }

    /// Notes that the holder of this node's name is there; `ends` if it answered the question
    /// itself, rather than by another route.
    #[cold]
    pub(crate) fn note_name_held(&mut self, cx: &mut Context, via: Via, ends: bool) {
        let Some(waiting) = &mut self.own.naming_mut().waiting else { return };
        waiting.asking &= !ends;
        (waiting.answered, waiting.unanswered) = (true, 0);
        let (holder, joins) = (waiting.holder, core::mem::take(&mut waiting.joins));
        for (request, _) in joins {
            cx.answer(request, Err(Failure::NameTaken));
        }
        self.report_name_taken(cx, holder, via);
    }

    /// Ends the time for an answer to a question.
    #[cold]
    pub(crate) fn end_question(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        let Some(waiting) = &mut self.own.naming_mut().waiting else { return };
        waiting.asking = false;
        if waiting.answered {
            return;
        }
        waiting.unanswered += 1;
        if waiting.unanswered >= QUESTIONS && !cx.config.breaks(Sabotage::GivesUpItsName) {
            self.take_name(cx, gossip);
        }
    }

    /// Takes the name if its holder was at this address: another member is there, or a node that
    /// does not claim the name either.
    #[cold]
    pub(crate) fn note_holder_gone(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        from: SocketAddr,
    ) {
        if self.own.naming().waiting.as_ref().is_some_and(|waiting| waiting.holder == from) {
            self.take_name(cx, gossip);
        }
    }

    /// Claims this node's name, because it is free.
    #[cold]
    pub(crate) fn take_name(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        let naming = self.own.naming_mut();
        let Some(waiting) = naming.waiting.take() else { return };
        naming.since = cx.now();
        self.own.namesake_is_gone();
        self.members.set_withheld(false);
        let own = self.members.entry(Slot::LOCAL).incarnation();
        let above = if own > waiting.incarnation { own } else { waiting.incarnation.next() };
        self.announce_self(cx, gossip, above, Waiter::Nobody);
        self.announce_held_meta(cx, gossip);
        let members = self.members.live();
        for (request, contact) in waiting.joins {
            cx.answer(request, Ok(Answer::Joined { contact, members }));
        }
    }

    /// Stops asking, because this node leaves. The name stays with its holder.
    pub(crate) fn stop_waiting(&mut self, cx: &mut Context) {
        if let Some(waiting) = &mut self.own.naming_mut().waiting {
            (waiting.asking, waiting.unanswered) = (false, 0);
            for (request, _) in core::mem::take(&mut waiting.joins) {
                cx.answer(request, Err(Failure::Stopped));
            }
        }
    }

    /// Handles news about this node's name while another node has it.
    #[cold]
    pub(super) fn receive_while_waiting(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        news: &News<'_>,
    ) {
        cx.drop_quietly(DropReason::AddressConflict);
        let (incarnation, claim) = (news.update.incarnation, news.update.claim);
        let Some(waiting) = &mut self.own.naming_mut().waiting else { return };
        let (is_news, outdated) =
            (incarnation > waiting.incarnation, incarnation < waiting.incarnation);
        match claim {
            Claim::Alive { address, .. } => {
                waiting.incarnation = waiting.incarnation.max(incarnation);
                // The holder may move, too.
                if is_news && !cx.config.is_own_address(address) {
                    waiting.holder = canonical(address);
                }
                self.own.note_claimed(incarnation);
            }
            Claim::Failed { .. } | Claim::Left
                if !outdated && !cx.config.breaks(Sabotage::GivesUpItsName) =>
            {
                self.take_name(cx, gossip);
            }
            Claim::Suspect { .. } | Claim::Failed { .. } | Claim::Left => {}
        }
    }

    /// Whether a node's answer shows that it has this node's name.
    pub(crate) fn is_holder(
        &self,
        config: &Config,
        says: Option<&MemberRef<'_>>,
        claim: NameClaim,
    ) -> bool {
        says.is_some_and(|it| it.name == config.name.as_str() && it.state != State::Left)
            && claim != NameClaim::Withheld
    }

    // The contest.

    /// How long this node has had its name, if it opens a contest with the node at this address.
    /// Only one of two nodes opens it, and the other answers, so that both go by the same two
    /// times.
    pub(crate) fn opens_contest(&self, cx: &Context, with: SocketAddr) -> Option<u64> {
        let opens = self.members.entry(Slot::LOCAL).address() < with;
        opens.then(|| self.contests(cx)).flatten()
    }

    /// How long this node has had the name that it claims, in milliseconds.
    pub(crate) fn contests(&self, cx: &Context) -> Option<u64> {
        let lives = self.status() == Status::Running && !self.waits_for_name();
        if !lives || cx.config.wire.is_memberlist() {
            return None;
        }
        let lies = cx.config.breaks(Sabotage::StealsNames);
        Some(if lies { u64::MAX } else { self.own.naming().lived(cx.now()) })
    }

    /// Decides who keeps a name that two nodes claim, from how long each has had it. The keeper
    /// goes above both incarnations; the other node falls silent until the keeper is gone.
    #[cold]
    pub(crate) fn decide_contest(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        (address, incarnation): (SocketAddr, Incarnation),
        (own, other): (u64, u64),
    ) {
        let address = canonical(address);
        let local = self.members.entry(Slot::LOCAL);
        let keeps = if own.abs_diff(other) <= TIE {
            local.address() > address
        } else {
            (own > other) == (cx.config.name_conflict == NameKeeper::Older)
        };
        let above = local.incarnation().max(incarnation).next();
        let via = Via::PushPull { from: address };
        if keeps || cx.config.breaks(Sabotage::StealsNames) {
            self.report_name_taken(cx, address, via);
            self.announce_self(cx, gossip, above, Waiter::Nobody);
        } else {
            self.wait_for_name(cx, (address, above), true, via);
        }
    }

    /// Reports a node that uses this node's name without claiming it.
    #[cold]
    pub(super) fn note_asker(&mut self, cx: &mut Context, says: &MemberRef<'_>, via: Via) {
        let known = self.members.find(says.name);
        if known == Some(Slot::LOCAL) && !cx.config.is_own_address(says.address) {
            self.report_name_taken(cx, canonical(says.address), via);
        }
    }
}
