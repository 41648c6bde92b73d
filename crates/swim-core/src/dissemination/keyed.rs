//! Which broadcasts with a key wait in the queue.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::member::Name;
use crate::wire::Broadcast;

/// Origin, its life, and key. Sequences of different lives say nothing about each other.
type KeyedId = (Name, u32, Box<[u8]>);

/// The broadcasts with a key that wait in the queue: (place, sequence) by (origin, life, key).
#[derive(Debug, Default)]
pub(super) struct Keyed {
    waiting: BTreeMap<KeyedId, (u32, u32)>,
    by_place: BTreeMap<u32, KeyedId>,
}

impl Keyed {
    /// The place and sequence of the broadcast of this origin, life and key that waits.
    pub(super) fn find(&self, origin: &Name, broadcast: &Broadcast<'_>) -> Option<(u32, u32)> {
        if broadcast.key.is_empty() {
            return None;
        }
        self.waiting.get(&(origin.clone(), broadcast.life, broadcast.key.into())).copied()
    }

    pub(super) fn insert(&mut self, origin: Name, broadcast: &Broadcast<'_>, place: u32) {
        let Broadcast { life, key, sequence, .. } = *broadcast;
        let id = (origin, life, Box::from(key));
        self.by_place.insert(place, id.clone());
        self.waiting.insert(id, (place, sequence));
    }

    /// The message at this place left the queue.
    pub(super) fn remove(&mut self, place: u32) {
        if let Some(id) = self.by_place.remove(&place) {
            self.waiting.remove(&id);
        }
    }
}
