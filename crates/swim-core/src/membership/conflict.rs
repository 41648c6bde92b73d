//! One name, two addresses: a member that moved, a stranger that took its name, or two live nodes
//! that were given the same one.
//!
//! An alive that announces a live member at another address is a *candidate*. The address that is
//! known is asked first. Silence means that the member moved, and the candidate takes its place. If
//! the known address answers, it keeps the name here, and the candidate is asked too; if both
//! answer, both are told of each other. On the native wire they decide between themselves then, and
//! the one that loses is silent (`naming`).

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

/// For so long a candidate is not asked again after both addresses have answered, unless it
/// announces itself anew: on memberlist's wire nothing settles whose the name is, and all members
/// hear of the other one with each push/pull.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// So many probe intervals the known address has for an answer, on the native wire. Nodes of it
/// claim a name that another one had after they have asked it themselves.
const PATIENCE: u32 = 2;

impl Membership {
    /// Weighs an alive about a live member that names another address than the known one.
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
            // It hears in the answer that there is another one, and asks that one.
            return;
        }
        if (new.incarnation, address) <= known {
            // It lost already. It may not know: somebody with our name is elsewhere.
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

    /// How long the known address has for an answer.
    fn patience_with_known(&self, cx: &Context) -> Duration {
        if cx.config.wire.is_memberlist() {
            return cx.config.suspicion_timeouts(self.members.live()).min;
        }
        cx.config.probe_interval * PATIENCE
    }

    /// Asks at the known address, unless another ping to there is under way.
    fn ask_known(&mut self, cx: &mut Context, detector: &mut Detector, slot: Slot) {
        let known_address = self.members.entry(slot).address();
        if self.ask_whether_there(cx, detector, slot, known_address) {
            self.candidates.note_known_asked(slot);
        }
    }

    /// Asks there whether the node bears this member's name; returns whether it does. Where the
    /// member never answered this node there may be anybody, so it asks no more often than it asks
    /// those of whom it only heard: made-up members that move to and fro draw no more there.
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

    /// A member that was asked because of a candidate answered from `from`.
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

    /// Tells a member of the candidate for its name.
    fn tell_of_candidate(&self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        let Some(candidate) = self.candidates.get(slot) else { return };
        let Announcement { incarnation, address, meta, versions } = candidate.announcement();
        let claim = Claim::Alive { address, meta, versions };
        let update = Update { name: self.members.entry(slot).name(), incarnation, claim };
        cx.send_message(to, &Message::Update(update));
    }

    /// A check was not answered: asks again while there is time.
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

    /// Decides on candidates whose time is over.
    ///
    /// A candidate waits on if the known address was not asked yet: another name may have been
    /// looked for there all the time, and silence says nothing then. Unless it was asked lately as
    /// often as it may be, and nobody is there who ever answered.
    pub(crate) fn end_candidacies(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        now: Instant,
    ) {
        while let Some((slot, candidate)) = self.candidates.take_due(now) {
            if candidate.is_refused() {
                // Should it announce itself again, both are asked again.
            } else if candidate.known_answered() {
                // The known address answers and the candidate does not: it is old or made up.
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

    /// A member is gone: whoever waited for its name gets it.
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

    /// The candidate takes the place of the address known so far, if it still outranks it.
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
