//! A few members at once.

use super::{FAN_OUT_MAX, Slot};

/// A few members that were picked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picked {
    slots: [Slot; FAN_OUT_MAX],
    len: usize,
}

impl Picked {
    pub(super) fn push(&mut self, slot: Slot) {
        self.slots[self.len] = slot;
        self.len += 1;
    }

    /// Adds further members, for which there must be room.
    pub(crate) fn extend(&mut self, others: &Picked) {
        others.slots().iter().for_each(|&slot| self.push(slot));
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Removes a member that leaves the table.
    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Some(place) = self.slots().iter().position(|&picked| picked == slot) {
            self.len -= 1;
            self.slots[place] = self.slots[self.len];
        }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots[..self.len]
    }
}

impl Default for Picked {
    fn default() -> Self {
        Picked { slots: [Slot::LOCAL; FAN_OUT_MAX], len: 0 }
    }
}
