//! Members that are back, but shown as failed until they answer.
//!
//! A member that announces an unreachable address learns what is held against it, refutes, is
//! probed without an answer, fails, and so on. The protocol treats it like any other member, so
//! that all views and their digests agree. The application sees its first return, like that of any
//! member. It sees no later one before the member answers this node, at least through a relay.

use alloc::collections::BTreeMap;
use core::net::SocketAddr;

use super::Membership;
use crate::context::Context;
use crate::detection::Detector;
use crate::member::{Member, MemberRef, State};
use crate::members::Slot;
use crate::output::{Event, Via};
use crate::random::Random;
use crate::sabotage::Sabotage;

/// Limit on hidden members. Each holds metadata. If there are more, the cause is this node's
/// network and not their addresses, and further returns are shown as usual.
const HIDDEN_MAX: usize = 256;

/// How hidden members are shown: as they were when they failed, or not at all if no longer listed.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    shown: BTreeMap<Slot, Option<Member>>,
}

/// How a member is shown that becomes alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    /// According to its previous state.
    AsEver,
    /// It was hidden, and no longer is.
    Again,
    /// It is hidden; `begins` means that it was not before.
    Hidden { begins: bool },
}

impl Hidden {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    #[inline]
    pub(super) fn holds(&self, slot: Slot) -> bool {
        !self.shown.is_empty() && self.shown.contains_key(&slot)
    }

    /// Unlists a member if it is hidden; returns whether it is.
    pub(super) fn unlist(&mut self, slot: Slot) -> bool {
        self.shown.get_mut(&slot).map(|shown| *shown = None).is_some()
    }

    /// Stops hiding a member; returns how it was shown.
    pub(super) fn take(&mut self, slot: Slot) -> Option<Option<Member>> {
        self.shown.remove(&slot)
    }
}

impl Membership {
    // The application's view.

    /// All listed members, this node first, as the application sees them.
    pub(crate) fn listed(&self) -> impl Iterator<Item = MemberRef<'_>> + '_ {
        self.members.slots().filter_map(|(slot, _)| self.shown(slot))
    }

    /// A member as the application sees it, if it is listed.
    pub(crate) fn shown(&self, slot: Slot) -> Option<MemberRef<'_>> {
        let entry = self.members.entry(slot);
        match self.hidden.shown.get(&slot) {
            Some(shown) => shown.as_ref().map(Member::view),
            None => (!entry.is_lost()).then(|| entry.view()),
        }
    }

    /// How many members are shown as alive or suspect, this node included.
    #[inline]
    pub(crate) fn shown_live(&self) -> usize {
        let live = self.members.live();
        if self.hidden.is_empty() { live } else { live - self.live_hidden().count() }
    }

    fn live_hidden(&self) -> impl Iterator<Item = Slot> + '_ {
        let slots = self.hidden.shown.keys().copied();
        slots.filter(|&slot| self.members.entry(slot).state().is_live())
    }

    /// Whether the application hears nothing of this member.
    #[inline]
    pub(super) fn is_hidden(&self, slot: Slot) -> bool {
        self.hidden.holds(slot)
    }

    // From a return to the next answer.

    /// Decides how to show a member that becomes alive at this address, after being gone or
    /// suspect.
    #[inline]
    pub(super) fn showing(&mut self, cx: &Context, slot: Slot, address: SocketAddr) -> Showing {
        let failed = self.members.entry(slot).state() == State::Failed;
        if failed || self.hidden.holds(slot) {
            self.showing_of_return(cx, slot, address)
        } else {
            Showing::AsEver
        }
    }

    #[cold]
    fn showing_of_return(&mut self, cx: &Context, slot: Slot, address: SocketAddr) -> Showing {
        let entry = self.members.entry(slot);
        let (state, moves, was_hidden) =
            (entry.state(), !entry.is_at(address), self.hidden.holds(slot));
        let unproven = entry.has_returned() && !moves && state != State::Left;
        self.members.set_returned(slot, state == State::Failed || (entry.has_returned() && !moves));
        if unproven && was_hidden {
            return Showing::Hidden { begins: false };
        }
        if unproven
            && self.hidden.shown.len() < HIDDEN_MAX
            && !cx.config.breaks(Sabotage::ShowsEveryReturn)
        {
            let entry = self.members.entry(slot);
            let shown = (!entry.is_lost()).then(|| entry.view().to_member());
            self.hidden.shown.insert(slot, shown);
            return Showing::Hidden { begins: true };
        }
        match self.hidden.take(slot) {
            Some(_) => Showing::Again,
            None => Showing::AsEver,
        }
    }

    /// Shows a returned member again, because it has answered. A suspect or failed one is shown
    /// once it refutes that.
    pub(super) fn show_again(&mut self, cx: &mut Context, slot: Slot) {
        self.members.set_returned(slot, false);
        let entry = self.members.entry(slot);
        if entry.state() == State::Alive && self.hidden.take(slot).is_some() {
            let (member, previous) = (entry.view().to_member(), Some(State::Failed));
            cx.emit(Event::Joined { member, previous, via: Via::Own });
        }
    }

    /// The previous state to report for a member that left; `None` if the application hears
    /// nothing.
    pub(super) fn showing_of_departure(&mut self, slot: Slot, previous: State) -> Option<State> {
        match self.hidden.shown.get(&slot) {
            None => Some(previous),
            Some(Some(shown)) => {
                let previous = shown.state;
                self.hidden.take(slot);
                Some(previous)
            }
            // Not listed, so not listed as departed either.
            Some(None) => None,
        }
    }

    /// Asks a newly hidden member whether it is there. Most are, and are shown a round trip later.
    pub(super) fn ask_hidden(&self, cx: &mut Context, detector: &mut Detector, slot: Slot) {
        let to = self.members.entry(slot).address();
        if detector.may_ask(cx, to) {
            detector.ask(cx, &self.members, slot);
        }
    }

    /// Notes that a member answered a relay that this node asked.
    #[inline]
    pub(crate) fn note_relayed_answer(&mut self, cx: &mut Context, slot: Slot) {
        if self.members.entry(slot).has_returned() {
            self.show_again(cx, slot);
        }
    }

    /// Picks a hidden member to ask in the period that begins. All nodes together ask each about
    /// once per period, besides their probes.
    #[inline]
    pub(crate) fn pick_hidden(&self, random: &mut Random) -> Option<Slot> {
        if self.hidden.is_empty() { None } else { self.pick_one_hidden(random) }
    }

    #[cold]
    fn pick_one_hidden(&self, random: &mut Random) -> Option<Slot> {
        let narrow = |count: usize| u32::try_from(count).expect("members are less than 2^24");
        let (count, live) = (narrow(self.live_hidden().count()), narrow(self.members.peers()));
        if random.below(live.max(1)) >= count {
            return None;
        }
        self.live_hidden().nth(random.below(count) as usize)
    }

    /// Asserts that hidden members are in the table, have not answered, and are within the limit.
    pub(super) fn check_hidden(&self) {
        let (count, max) = (self.hidden.shown.len(), HIDDEN_MAX);
        assert!(count <= max, "{count} members are hidden, {max} are the most");
        for (&slot, shown) in &self.hidden.shown {
            assert!(self.members.holds(slot), "{slot:?} is hidden, who is forgotten");
            let entry = self.members.entry(slot);
            assert!(!entry.is_lost(), "{slot:?} is hidden, who is lost");
            let answered = entry.state() == State::Alive && !entry.has_returned();
            assert!(!answered, "{slot:?} is hidden, who has answered");
            let as_failed = shown.as_ref().is_none_or(|shown| shown.state == State::Failed);
            assert!(as_failed, "{slot:?} is hidden, and shown as {shown:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::config::Config;
    use crate::member::{Incarnation, Versions};
    use crate::members::Announcement;
    use crate::time::Instant;

    fn add(membership: &mut Membership, name: &str) -> Slot {
        let new = Announcement {
            incarnation: Incarnation(1),
            address: "10.0.0.2:7946".parse().unwrap(),
            meta: b"",
            versions: Versions::DEFAULT,
        };
        let slot = membership.members.add(Instant::ORIGIN, name, &new);
        membership.members.set_state(Instant::ORIGIN, slot, State::Failed);
        membership.members.set_returned(slot, true);
        let shown = membership.members.entry(slot).view().to_member();
        membership.hidden.shown.insert(slot, Some(shown));
        slot
    }

    /// A member that is back and shown as failed.
    fn hidden() -> (Membership, Slot) {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        let mut membership = Membership::new(Instant::ORIGIN, &config, &mut Random::new([1; 32]));
        let slot = add(&mut membership, "b");
        membership.members.set_state(Instant::ORIGIN, slot, State::Alive);
        membership.check(&config);
        assert_eq!(membership.shown(slot).map(|member| member.state), Some(State::Failed));
        assert_eq!(membership.shown_live(), 1);
        (membership, slot)
    }

    #[test]
    #[should_panic(expected = "Slot(1) is hidden, who has answered")]
    fn a_member_that_answered_and_is_hidden_is_noticed() {
        let (mut membership, slot) = hidden();
        membership.members.set_returned(slot, false);
        membership.check_hidden();
    }

    #[test]
    #[should_panic(expected = "Slot(1) is hidden, who is lost")]
    fn a_lost_member_that_is_shown_is_noticed() {
        let (mut membership, slot) = hidden();
        membership.members.set_state(Instant::ORIGIN, slot, State::Failed);
        membership.members.lose(slot);
        membership.check_hidden();
    }

    #[test]
    #[should_panic(expected = "257 members are hidden, 256 are the most")]
    fn more_hidden_than_may_be_are_noticed() {
        let (mut membership, _) = hidden();
        for number in 0..HIDDEN_MAX {
            add(&mut membership, &format!("n{number}"));
        }
        membership.check_hidden();
    }
}
