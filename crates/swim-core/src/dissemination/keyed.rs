//! Queued broadcasts that have a key.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::member::Name;
use crate::wire::Broadcast;

/// Origin, its life, and key. Sequences of different lives cannot be compared.
type KeyedId = (Name, u32, Box<[u8]>);

/// Queued broadcasts that have a key: (place, sequence) by (origin, life, key).
#[derive(Debug, Default)]
pub(super) struct Keyed {
    waiting: BTreeMap<KeyedId, (u32, u32)>,
    by_place: BTreeMap<u32, KeyedId>,
}

impl Keyed {
    /// Place and sequence of the queued broadcast with this origin, life and key.
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

    /// Notes that the message at this place left the queue.
    pub(super) fn remove(&mut self, place: u32) {
        if let Some(id) = self.by_place.remove(&place) {
            self.waiting.remove(&id);
        }
    }

    /// Asserts that both indexes agree, and that a broadcast waits at each place.
    pub(super) fn check(&self, waits: impl Fn(u32) -> bool) {
        assert_eq!(self.waiting.len(), self.by_place.len(), "keyed: as many ids as places");
        for (id, (place, _)) in &self.waiting {
            assert_eq!(self.by_place.get(place), Some(id), "keyed: the id at {place}");
            assert!(waits(*place), "keyed: a broadcast waits at {place}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed() -> Keyed {
        let (mut keyed, origin) = (Keyed::default(), Name::new("a").unwrap());
        for (place, key) in [(3, b"k"), (5, b"l")] {
            let broadcast = Broadcast {
                origin: "a",
                life: 1,
                sequence: place,
                key,
                payload: b"payload",
                known: crate::member::Incarnation(0),
            };
            keyed.insert(origin.clone(), &broadcast, place);
        }
        keyed.check(|place| [3, 5].contains(&place));
        keyed
    }

    #[test]
    #[should_panic(expected = "keyed: as many ids as places")]
    fn a_place_without_an_id_is_noticed() {
        let mut keyed = keyed();
        keyed.waiting.pop_first();
        keyed.check(|_| true);
    }

    #[test]
    #[should_panic(expected = "keyed: the id at 3")]
    fn ids_that_changed_places_are_noticed() {
        let mut keyed = keyed();
        let (first, second) = (keyed.by_place[&3].clone(), keyed.by_place[&5].clone());
        keyed.by_place = BTreeMap::from([(3, second), (5, first)]);
        keyed.check(|_| true);
    }

    #[test]
    #[should_panic(expected = "keyed: a broadcast waits at 5")]
    fn a_place_at_which_no_broadcast_waits_is_noticed() {
        keyed().check(|place| place == 3);
    }
}
