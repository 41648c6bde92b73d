//! News about members: what a claim changes here, what is passed on, and what the application
//! hears.

use super::evidence::is_followed;
use super::hidden::Showing;
use super::{Membership, News};
use crate::address::canonical;
use crate::config::Config;
use crate::context::Context;
use crate::detection::Detector;
use crate::dissemination::{Gossip, Tier, Waiter};
use crate::member::{Belief, Incarnation, State, Verdict, Versions, supersedes};
use crate::members::{Announcement, Entry, Slot};
use crate::output::{Event, Via};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::wire::{Claim, Format, Update};

/// Whether a member's own word counts at the highest incarnation, at which nothing can refute.
///
/// Accusations by peers are ignored there, so the only one is this node's own failed probe. The
/// member's own word clears it, and announces changes. A peer's word does not: peers that have not
/// probed the member yet would clear it for ever.
#[inline]
fn speaks_at_max(entry: &Entry, update: &Update<'_>, new: &Announcement<'_>, via: Via) -> bool {
    // Checked first, because this runs for every known update: hardly any is at the highest
    // incarnation.
    if [update.incarnation, entry.incarnation()] != [Incarnation::MAX; 2] {
        return false;
    }
    let itself = match via {
        Via::Packet { from } | Via::PushPull { from } => from == canonical(new.address),
        Via::Own => false,
    };
    let news =
        entry.state() != State::Alive || !entry.announces(new.address, new.meta, new.versions);
    entry.state() != State::Left && itself && news
}

impl Membership {
    /// Weighs one piece of news about any member, this node included.
    pub(crate) fn receive_update(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        news: &News<'_>,
    ) {
        let update = news.update;
        let known = self.members.find(update.name);
        let accuses = !matches!(update.claim, Claim::Alive { .. });
        if accuses && !self.may_follow(cx, known, news) {
            cx.drop_quietly(DropReason::IncarnationExhausted);
            if known == Some(Slot::LOCAL) {
                self.receive_own_jump(cx, gossip, news);
            }
            return;
        }
        match known {
            Some(Slot::LOCAL) => {
                self.receive_own_update(cx, gossip, detector, news);
                self.announce_held_meta(cx, gossip);
            }
            known => match update.claim {
                Claim::Alive { address, meta, versions } => {
                    let incarnation = update.incarnation;
                    let new = Announcement { incarnation, address, meta, versions };
                    self.receive_alive(cx, gossip, detector, known, news, &new);
                }
                Claim::Suspect { accuser } => {
                    self.receive_suspect(cx, gossip, known, news, accuser);
                }
                Claim::Failed { accuser } => self.receive_failed(cx, gossip, known, news, accuser),
                Claim::Left => self.receive_left(cx, gossip, known, news),
            },
        }
    }

    /// Whether an accusation or leave message may raise the known incarnation of a member.
    ///
    /// - A leave message from the member's own address may have any incarnation: the member may
    ///   have restarted unheard.
    /// - At the highest incarnation nothing else is followed, because nobody could refute it.
    /// - An accusation of a live member may raise its incarnation only a little, so that
    ///   accusations cannot use up the incarnations. The member's own alive may jump, as its clock
    ///   does.
    /// - An earlier life of this node, unknown to it, may have been far higher. While unsettled,
    ///   this node believes that in answers to its own exchanges, which is how it joins. Other
    ///   peers that hold that life against it send along what it announced.
    /// - Later this node counts from what other nodes announced in its name: peers that believed it
    ///   hold that against this node.
    fn may_follow(&self, cx: &Context, known: Option<Slot>, news: &News<'_>) -> bool {
        let update = news.update;
        let Some(entry) = known.map(|slot| self.members.entry(slot)) else {
            return update.incarnation < Incarnation::MAX;
        };
        if news.via() == Via::Own {
            return true;
        }
        if update.claim == Claim::Left && news.via() == (Via::Packet { from: entry.address() }) {
            return true;
        }
        if update.incarnation == Incarnation::MAX {
            return false;
        }
        let of_itself = known == Some(Slot::LOCAL);
        let announced = if of_itself { self.own.claimed() } else { entry.incarnation() };
        is_followed(entry.incarnation().max(announced), update.incarnation)
            || !entry.state().is_live()
            || (of_itself && news.origin.is_answer && !self.own.is_settled(cx.now()))
            || cx.config.breaks(Sabotage::FollowsEveryJump)
    }

    fn receive_alive(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        known: Option<Slot>,
        news: &News<'_>,
        new: &Announcement<'_>,
    ) {
        let update = news.update;
        let Some(slot) = known else {
            return self.admit(cx, gossip, news, new);
        };
        let entry = self.members.entry(slot);
        let known = entry.belief();
        let elsewhere = known.state.is_live() && !entry.is_at(new.address);
        let claim = Belief::new(State::Alive, update.incarnation);
        if !elsewhere
            && supersedes(claim, known) == Verdict::Ignore
            && !speaks_at_max(entry, update, new, news.via())
            && !breaks_precedence(&cx.config, claim, known)
        {
            let is_far = !is_followed(update.incarnation, known.incarnation);
            if known.state == State::Left {
                let there = (update.incarnation, canonical(new.address));
                self.tell_departed(cx, detector, slot, there);
            } else if !known.state.is_live() || (known.state == State::Suspect && is_far) {
                self.tell_accused(cx, slot, (update.incarnation, canonical(new.address)));
            } else if update.incarnation == known.incarnation
                && !entry.carries(new.meta, new.versions)
            {
                // It restarted at the same incarnation, and only it knows its present announcement.
                // A node that knows the older one sends it that, and the member outbids it.
                let address = entry.address();
                self.tell_about_limited(cx, slot, address);
            }
            return cx.drop_quietly(DropReason::Stale);
        }
        let changes = !known.state.is_live() || elsewhere || !entry.carries(new.meta, new.versions);
        if changes && !is_acceptable(cx, update.name, new, news.via()) {
            return;
        }
        if elsewhere {
            return self.receive_alive_elsewhere(cx, gossip, detector, slot, news, new);
        }
        // A member that comes back needs a place in the list like a newcomer.
        if self.members.entry(slot).is_lost() && self.members.len() >= cx.config.members_max {
            return cx.drop_quietly(DropReason::MembersFull);
        }
        let showing = self.accept_alive(cx, gossip, slot, news, new);
        if showing == (Showing::Hidden { begins: true }) {
            self.ask_hidden(cx, detector, slot);
        }
    }

    /// Takes over the announcement of a known member, which is alive now. Returns how the
    /// application sees it.
    pub(super) fn accept_alive(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        slot: Slot,
        news: &News<'_>,
        new: &Announcement<'_>,
    ) -> Showing {
        let via = news.via();
        let before = self.members.entry(slot).state();
        let showing = self.showing(cx, slot, new.address);
        let suspected = self.suspicions.end(slot);
        self.members.announce(slot, new);
        self.members.set_state(cx.now(), slot, State::Alive);
        let tier = if before == State::Alive { Tier::Normal } else { Tier::Urgent };
        self.pass_on(cx, gossip, slot, news, tier);

        cx.stats.suspicions_refuted += u64::from(suspected.is_some());
        if let Showing::Hidden { .. } = showing {
            return showing;
        }
        let member = self.members.entry(slot).view().to_member();
        let event = match (before, suspected) {
            (State::Failed | State::Left, _) => {
                Event::Joined { member, previous: Some(before), via }
            }
            _ if showing == Showing::Again => {
                Event::Joined { member, previous: Some(State::Failed), via }
            }
            (State::Suspect, Some(suspicion)) => {
                let suspected_for = cx.now() - suspicion.started();
                Event::Refuted { member, suspected_for, via }
            }
            _ => Event::Updated { member, via },
        };
        cx.emit(event);
        showing
    }

    /// Admits a member that is not in the table, if there is room and it is acceptable.
    fn admit(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        news: &News<'_>,
        new: &Announcement<'_>,
    ) {
        let (name, via) = (news.update.name, news.via());
        if !is_acceptable(cx, name, new, via) {
            return;
        }
        if self.members.len() >= cx.config.members_max {
            return cx.drop_quietly(DropReason::MembersFull);
        }
        let slot = self.members.add(cx.now(), name, new);
        self.own.note_peer(cx.now());
        if is_to_be_met(&cx.config, news, new) {
            gossip.introduce_to(slot);
        }
        self.pass_on(cx, gossip, slot, news, Tier::Normal);
        let member = self.members.entry(slot).view().to_member();
        cx.emit(Event::Joined { member, previous: None, via });
    }

    /// Queues news about a member for gossip, unless all possible receivers know it.
    pub(super) fn pass_on(
        &self,
        cx: &mut Context,
        gossip: &mut Gossip,
        subject: Slot,
        news: &News<'_>,
        tier: Tier,
    ) {
        if !news.origin.is_common {
            gossip.queue_update(cx, &self.members, subject, news.update, tier, Waiter::Nobody);
        }
    }
}

/// Whether sabotage lets an old claim count.
#[inline]
fn breaks_precedence(config: &Config, claim: Belief, known: Belief) -> bool {
    let (alive, equal) = (known.state == State::Alive, claim.incarnation == known.incarnation);
    (config.breaks(Sabotage::BelievesOldNews) && alive && !equal)
        || (config.breaks(Sabotage::Resurrects) && known.state == State::Failed && equal)
}

/// Whether this node introduces itself to a member that it just learned of: from the answer to an
/// exchange, and not from the member itself. On the native wire, acks show that one of the two does
/// not know the other.
#[inline]
fn is_to_be_met(config: &Config, news: &News<'_>, new: &Announcement<'_>) -> bool {
    config.wire.is_memberlist()
        && news.origin.is_answer
        && news.via() != (Via::PushPull { from: canonical(new.address) })
        && !config.breaks(Sabotage::IntroducesItselfToNobody)
}

/// Whether an announcement, from any source, is within the limits and admitted by the application.
fn is_acceptable(cx: &mut Context, name: &str, new: &Announcement<'_>, via: Via) -> bool {
    let reason = if new.meta.len() > cx.config.meta_size_max {
        DropReason::MetaTooLarge
    } else if canonical(new.address).ip().is_unspecified() || new.address.port() == 0 {
        DropReason::BadAddress
    } else if !cx.config.allows(canonical(new.address).ip()) {
        DropReason::NotAllowed
    } else if !understands(&cx.config, new.versions) {
        DropReason::Versions
    } else if !cx.hooks.admit(&new.as_member(name)) {
        DropReason::NotAdmitted
    } else {
        return true;
    };
    match via {
        Via::Packet { from } => cx.report_drop(from, reason, false),
        Via::PushPull { from } => cx.report_drop(from, reason, true),
        Via::Own => cx.drop_quietly(reason),
    }
    false
}

fn understands(config: &Config, versions: Versions) -> bool {
    let own = config.versions;
    match config.wire.format() {
        Format::Swim => versions.is_valid() && versions.overlap(own),
        // memberlist does not leave out a member. It refuses whole exchanges while any member uses
        // a version that another one does not understand.
        Format::Memberlist(_) => {
            versions.is_valid() && versions.protocol.min > 0 && versions.understand_each_other(own)
        }
    }
}
