//! Members that failed or left: which of them are looked for, and which make room for others.

use alloc::vec::Vec;

use super::pages::narrow;
use super::{Members, Slot};
use crate::deadlines::Deadlines;
use crate::random::Random;
use crate::time::Instant;

/// Members that failed or left.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Failed and still listed.
    pub(super) failed: Vec<Slot>,
    /// Failed and no longer listed, but worth looking for.
    pub(super) lost: Vec<Slot>,
    /// All that are no longer listed, departed ones too, by when they failed or left.
    pub(super) lost_since: Deadlines<Slot>,
}

impl Gone {
    /// Whether none of them is worth looking for.
    #[inline]
    fn missed_by_nobody(&self) -> bool {
        self.failed.is_empty() && self.lost.is_empty()
    }
}

impl Members {
    /// Whether any member is remembered that failed or left.
    #[inline]
    pub(crate) fn anybody_gone(&self) -> bool {
        let lost = [&self.hearsay, &self.known].iter().any(|gone| !gone.lost_since.is_empty());
        lost || !self.gone_since.is_empty()
    }

    /// The listed member that has been gone longest, and since when.
    #[inline]
    pub(crate) fn longest_gone(&self) -> Option<(Instant, Slot)> {
        self.gone_since.first()
    }

    /// The lost member that has been gone longest, and since when.
    #[inline]
    pub(crate) fn longest_lost(&self) -> Option<(Instant, Slot)> {
        match (self.hearsay.lost_since.first(), self.known.lost_since.first()) {
            (Some(hearsay), Some(known)) => Some(hearsay.min(known)),
            (hearsay, known) => hearsay.or(known),
        }
    }

    /// The lost member that makes room for another. Members known from hearsay go first: otherwise
    /// made-up members that "left" would push out failed ones that are looked for.
    pub(crate) fn least_missed(&self) -> Option<Slot> {
        let first = self.hearsay.lost_since.first().or_else(|| self.known.lost_since.first());
        first.map(|(_, slot)| slot)
    }

    /// Whether any failed member is worth looking for, of those heard from directly or of those
    /// known from hearsay.
    #[inline]
    pub(crate) fn misses(&self, heard_from: bool) -> bool {
        !self.gone(heard_from).missed_by_nobody()
    }

    /// Picks a random one of them; its chance is one in the returned number. Listed and lost ones,
    /// if there are both, have an equal chance as groups, so that many machines that are gone for
    /// good do not keep a node from recent failures.
    pub(crate) fn pick_failed(&self, random: &mut Random, heard_from: bool) -> Option<(Slot, u32)> {
        let gone = self.gone(heard_from);
        let (list, lists) = match (gone.failed.is_empty(), gone.lost.is_empty()) {
            (true, true) => return None,
            (true, false) => (&gone.lost, 1),
            (false, true) => (&gone.failed, 1),
            (false, false) if random.below(2) == 0 => (&gone.failed, 2),
            (false, false) => (&gone.lost, 2),
        };
        let count = narrow(list.len());
        Some((list[random.below(count) as usize], count * lists))
    }

    fn gone(&self, heard_from: bool) -> &Gone {
        if heard_from { &self.known } else { &self.hearsay }
    }

    /// How many members are lost.
    pub(crate) fn lost_len(&self) -> usize {
        self.hearsay.lost_since.len() + self.known.lost_since.len()
    }

    /// The lists of a gone member: one of failed members, if it failed, and one by time.
    pub(super) fn lists_of_gone(&mut self, slot: Slot) -> (&mut Vec<Slot>, &mut Deadlines<Slot>) {
        let entry = self.pages.entry(slot);
        let is_lost = entry.is_lost();
        let gone = if entry.has_answered() { &mut self.known } else { &mut self.hearsay };
        if is_lost {
            (&mut gone.lost, &mut gone.lost_since)
        } else {
            (&mut gone.failed, &mut self.gone_since)
        }
    }
}
