//! Introductions: this node announces itself to members that it learned of in an exchange that it
//! asked for. Only on memberlist's wire, where no ack shows that two views differ.
//!
//! From the seed's answer a newcomer knows all members that joined before it at the same seed. They
//! learn of the newcomer by gossip, which misses some: each member sends each update 4 to 16 times,
//! and a member that is missed waits for a push/pull. So the newcomer announces itself to them, one
//! packet each.

use alloc::collections::VecDeque;

use super::Gossip;
use crate::context::Context;
use crate::members::{Members, Slot};
use crate::wire::{Message, Update};

/// Up to this cluster size, a node introduces itself to all members.
const INTRODUCTIONS_MAX: usize = 256;

/// In a larger cluster, it does so to this many that it learned of last: most likely they are
/// newcomers that other members do not know either. There each member sends an update at least 12
/// times, which misses hardly any member. A thousand introductions would cost a joiner more than
/// the seed's answer.
const INTRODUCTIONS_IN_LARGE: usize = 32;

/// Introductions per gossip tick: a burst that a socket's buffer holds, answers included.
const INTRODUCTIONS_PER_TICK: usize = 64;

/// Members that this node introduces itself to.
#[derive(Debug, Default)]
pub(super) struct Introductions {
    /// Members waiting for their turn.
    waiting: VecDeque<Slot>,
    /// Members that were asked whether they are there, and have to answer first.
    asked: VecDeque<Slot>,
}

impl Introductions {
    /// Whether a member waits for its turn.
    #[inline]
    pub(super) fn are_due(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Removes a member.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.waiting.retain(|&it| it != slot);
        self.asked.retain(|&it| it != slot);
    }

    /// Asserts that all are in the table, and within the limit.
    pub(super) fn check(&self, members: &Members) {
        for list in [&self.waiting, &self.asked] {
            let (count, max) = (list.len(), INTRODUCTIONS_MAX);
            assert!(count <= max, "{count} introductions, {max} are the most");
            for &slot in list {
                assert!(members.holds(slot), "an introduction to {slot:?}, who is forgotten");
            }
        }
    }
}

impl Gossip {
    /// Plans an introduction to a member that this node learned of in an exchange that it asked
    /// for.
    pub(crate) fn introduce_to(&mut self, member: Slot) {
        push(&mut self.introductions.waiting, member);
    }

    /// The `nth` introduction of a gossip tick, counted from 0.
    #[inline]
    pub(crate) fn next_introduction(&mut self, nth: usize, members: &Members) -> Option<Slot> {
        let waiting = &mut self.introductions.waiting;
        if nth == INTRODUCTIONS_PER_TICK {
            return None;
        }
        if members.live() > INTRODUCTIONS_MAX && waiting.len() > INTRODUCTIONS_IN_LARGE {
            waiting.drain(..waiting.len() - INTRODUCTIONS_IN_LARGE);
        }
        let next = waiting.pop_front()?;
        give_back(waiting);
        Some(next)
    }

    /// Delays an introduction until the member answers that it is there.
    pub(crate) fn introduction_waits_for_answer(&mut self, member: Slot) {
        push(&mut self.introductions.asked, member);
    }

    /// Whether to introduce this node to a member that was asked and answered.
    pub(crate) fn take_asked(&mut self, member: Slot) -> bool {
        let asked = &mut self.introductions.asked;
        let found = asked.iter().position(|&it| it == member);
        let is_one = found.and_then(|place| asked.remove(place)).is_some();
        give_back(asked);
        is_one
    }

    /// Sends a member this node's announcement and what is queued.
    pub(crate) fn introduce(
        &mut self,
        cx: &mut Context,
        members: &Members,
        to: Slot,
        own: Update<'_>,
    ) {
        let own = Message::Update(own);
        // Otherwise it goes along with what is queued.
        let first = (!self.waits(Slot::LOCAL)).then_some(&own);
        self.tell_after(cx, members, to, first);
    }
}

/// Gives back the memory of a list that became empty.
fn give_back(list: &mut VecDeque<Slot>) {
    if list.is_empty() {
        *list = VecDeque::new();
    }
}

/// Adds a member; the one that waits longest makes room.
fn push(list: &mut VecDeque<Slot>, member: Slot) {
    if list.len() == INTRODUCTIONS_MAX {
        list.pop_front();
    }
    list.push_back(member);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    #[should_panic(expected = "257 introductions, 256 are the most")]
    fn more_introductions_than_may_be_are_noticed() {
        let mut introductions = Introductions::default();
        introductions.waiting.resize(INTRODUCTIONS_MAX + 1, Slot::LOCAL);
        introductions.check(&Members::new(&mut Random::new([1; 32])));
    }

    #[test]
    #[should_panic(expected = "an introduction to Slot(0), who is forgotten")]
    fn an_introduction_to_nobody_is_noticed() {
        let mut introductions = Introductions::default();
        introductions.waiting.push_back(Slot::LOCAL);
        introductions.check(&Members::new(&mut Random::new([1; 32])));
    }
}
