//! Conflicts: one name at two addresses. A member moved, a stranger took its name, or two live
//! nodes were given the same one.
//!
//! An alive update that announces a live member at another address makes a *candidate*. The known
//! address is asked first. If it stays silent, the member has moved, and the candidate takes its
//! place. If it answers, it keeps the name here, and the candidate is asked too. If both answer,
//! each is sent the other's announcement. On the native wire the two then decide between
//! themselves, and the loser falls silent (`naming`).

use core::net::SocketAddr;
use core::time::Duration;

use super::candidates::Candidate;
use super::{Membership, News, Origin};
use crate::address::canonical;
use crate::context::Context;
use crate::detection::Detector;
use crate::dissemination::{Gossip, may_hear};
use crate::member::Name;
use crate::members::{Announcement, Slot};
use crate::output::{Event, Via};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::time::Instant;
use crate::wire::{Claim, Message, Update, Wire};

/// How long a refused candidate is not asked again, unless it announces itself anew. Nothing on
/// memberlist's wire settles who owns the name, and each push/pull brings the other address up
/// again.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// Probe intervals that the known address has to answer, on the native wire. Nodes there claim a
/// held name only after asking the holder themselves.
const PATIENCE: u32 = 2;

impl Membership {
    /// Weighs an alive update that gives a live member another address.
    pub(super) fn receive_alive_elsewhere(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        slot: Slot,
        news: &News<'_>,
        new: &Announcement<'_>,
    ) {
        cx.drop_quietly(DropReason::AddressConflict);
        let entry = self.members.entry(slot);
        let known = (entry.incarnation(), entry.address());
        let address = canonical(new.address);
        if news.origin.asks && cx.config.wire == Wire::Swim {
            // The newcomer learns from the answer that the name is held, and asks the holder.
            return;
        }
        if (new.incarnation, address) <= known {
            // It is outranked, and may not know that another node has its name.
            return self.tell_about_limited(cx, slot, address);
        }
        if !self.candidates.would_hear(slot, (new.incarnation, address)) {
            return;
        }
        let deadline = cx.now() + self.patience_with_known(cx);
        self.candidates.insert(slot, Candidate::new(new, news.via(), deadline));
        // Passed on unverified, so that all observers ask at the same time and not one after the
        // other.
        gossip.pass_on_move(cx, &self.members, slot, news.update);
        self.ask_known(cx, detector, slot);
    }

    /// How long the known address has to answer.
    fn patience_with_known(&self, cx: &Context) -> Duration {
        if cx.config.wire.is_memberlist() {
            return cx.config.suspicion_timeouts(self.members.live()).min;
        }
        cx.config.probe_interval * PATIENCE
    }

    /// Asks the known address, unless a check of it is in flight.
    fn ask_known(&mut self, cx: &mut Context, detector: &mut Detector, slot: Slot) {
        let known_address = self.members.entry(slot).address();
        if self.ask_whether_there(cx, detector, slot, known_address) {
            self.candidates.note_known_asked(slot);
        }
    }

    /// Asks the node at `to` whether it bears this member's name; returns whether it asked.
    ///
    /// An address where the member never answered may belong to anybody. It is asked only as often
    /// as any address known from hearsay, so that made-up members that move to and fro draw no
    /// extra traffic there.
    fn ask_whether_there(
        &self,
        cx: &mut Context,
        detector: &mut Detector,
        slot: Slot,
        to: SocketAddr,
    ) -> bool {
        let is_known = self.has_answered_at(cx, slot, to);
        let asks = (is_known || detector.may_ask(cx, to))
            && detector.send_check(cx, &self.members, slot, to);
        if asks && !is_known {
            detector.note_asked(cx, to);
        }
        asks
    }

    /// Whether this member answered this node at this address, or need not.
    fn has_answered_at(&self, cx: &Context, slot: Slot, address: SocketAddr) -> bool {
        let entry = self.members.entry(slot);
        (entry.is_at(address) && may_hear(&cx.config, entry))
            || cx.config.breaks(Sabotage::ChecksEveryMove)
    }

    /// Handles an answer from `from` to a question about a candidate.
    pub(crate) fn check_answered(
        &mut self,
        cx: &mut Context,
        detector: &mut Detector,
        slot: Slot,
        from: SocketAddr,
    ) {
        let known_address = self.members.entry(slot).address();
        self.note_answer_from(cx, slot, from);
        detector.note_asked_answered(from);
        let Some(candidate) = self.candidates.get(slot) else {
            return;
        };
        if from == known_address {
            let address = candidate.address();
            if self.candidates.note_known_answered(slot) {
                self.ask_whether_there(cx, detector, slot, address);
            }
        } else if from == candidate.address()
            && candidate.known_answered()
            && !candidate.is_refused()
        {
            let (address, via) = (candidate.address(), candidate.via());
            self.report_conflict(cx, slot, known_address, address, via);
            self.tell_about(cx, slot, address);
            self.tell_of_candidate(cx, slot, known_address);
            self.candidates.refuse(slot, cx.now() + REFUSED_FOR);
        }
    }

    /// Sends a member the announcement of the candidate for its name.
    fn tell_of_candidate(&self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        let Some(candidate) = self.candidates.get(slot) else { return };
        let Announcement { incarnation, address, meta, versions } = candidate.announcement();
        let claim = Claim::Alive { address, meta, versions };
        let update = Update { name: self.members.entry(slot).name(), incarnation, claim };
        cx.send_message(to, &Message::Update(update));
    }

    /// Asks again after an unanswered check, while there is time.
    pub(crate) fn check_unanswered(
        &mut self,
        cx: &mut Context,
        detector: &mut Detector,
        slot: Slot,
    ) {
        let Some(candidate) = self.candidates.get(slot).filter(|it| !it.is_refused()) else {
            return;
        };
        if candidate.known_answered() {
            let to = candidate.address();
            self.ask_whether_there(cx, detector, slot, to);
        } else {
            self.ask_known(cx, detector, slot);
        }
    }

    /// Decides on candidates whose deadline has passed.
    ///
    /// A candidate waits on if the known address was never asked: checks of another name may have
    /// kept that address busy, and then its silence proves nothing. It does not wait on if nobody
    /// there ever answered and the address was asked lately as often as allowed.
    pub(crate) fn end_candidacies(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        now: Instant,
    ) {
        while let Some((slot, candidate)) = self.candidates.take_due(now) {
            if candidate.is_refused() {
                // Both are asked again if it announces itself again.
            } else if candidate.known_answered() {
                // The known address answers and the candidate does not: the candidate is old or
                // made up.
                self.tell_about_limited(cx, slot, candidate.address());
            } else if !candidate.known_asked() && self.may_check_known(cx, detector, slot) {
                let deadline = now + self.patience_with_known(cx);
                self.candidates.insert(slot, candidate.until(deadline));
                self.ask_known(cx, detector, slot);
            } else {
                self.adopt(cx, gossip, slot, &candidate, false);
            }
        }
    }

    /// Whether the known address of a member may be asked.
    fn may_check_known(&self, cx: &Context, detector: &Detector, slot: Slot) -> bool {
        let known = self.members.entry(slot).address();
        self.has_answered_at(cx, slot, known) || detector.may_ask(cx, known)
    }

    /// Gives the name of a member that is gone to the candidate that waits for it.
    pub(super) fn release_name(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        origin: Origin,
    ) {
        if let Some(candidate) = self.candidates.remove(slot) {
            self.adopt(cx, gossip, slot, &candidate, origin.is_common);
        }
    }

    /// Replaces the known address with the candidate's, if that still outranks it.
    fn adopt(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        candidate: &Candidate,
        is_common: bool,
    ) {
        let entry = self.members.entry(slot);
        if candidate.rank() <= (entry.incarnation(), entry.address()) {
            return;
        }
        let name = Name::trusted(entry.name());
        let new = candidate.announcement();
        let Announcement { incarnation, address, meta, versions } = new;
        let claim = Claim::Alive { address, meta, versions };
        let update = Update { name: name.as_str(), incarnation, claim };
        let origin = Origin { via: candidate.via(), is_common, ..Origin::OWN };
        self.accept_alive(cx, gossip, slot, &News::new(&update, origin), &new);
    }

    fn report_conflict(
        &self,
        cx: &mut Context,
        slot: Slot,
        winner: SocketAddr,
        loser: SocketAddr,
        via: Via,
    ) {
        let name = Name::trusted(self.members.entry(slot).name());
        cx.emit(Event::NameConflict { name, winner, loser, via });
    }
}
