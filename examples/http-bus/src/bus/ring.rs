//! The live members, in the order in which messages travel.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Bound;
use std::sync::Arc;

use super::message::Peer;

/// The other live members by name, with the addresses at which they take messages.
#[derive(Debug)]
pub(crate) struct Ring {
    own: Arc<str>,
    others: BTreeMap<Arc<str>, Place>,
}

#[derive(Debug)]
struct Place {
    life: u64,
    address: SocketAddr,
}

impl Ring {
    pub(crate) fn new(own: Arc<str>) -> Self {
        Ring { own, others: BTreeMap::new() }
    }

    /// Adds or updates a member, and returns how that changed the ring.
    pub(crate) fn insert(&mut self, peer: &Peer, address: SocketAddr) -> Inserted {
        let place = Place { life: peer.life, address };
        match self.others.insert(Arc::clone(&peer.name), place) {
            None => Inserted::New,
            Some(Place { life, .. }) if life != peer.life => {
                Inserted::Replaces(Peer { name: Arc::clone(&peer.name), life })
            }
            Some(before) if before.address != address => Inserted::Moved,
            Some(_) => Inserted::Known,
        }
    }

    /// Removes a member, and returns it.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Peer> {
        let (name, place) = self.others.remove_entry(name)?;
        Some(Peer { name, life: place.life })
    }

    /// Returns whether this life of a member is in the ring.
    pub(crate) fn has(&self, peer: &Peer) -> bool {
        self.others.get(&peer.name).is_some_and(|place| place.life == peer.life)
    }

    pub(crate) fn address(&self, peer: &Peer) -> Option<SocketAddr> {
        let place = self.others.get(&peer.name)?;
        (place.life == peer.life).then_some(place.address)
    }

    pub(crate) fn len(&self) -> usize {
        self.others.len()
    }

    /// Returns the members after this node by name, then those before it.
    pub(crate) fn following(&self) -> impl Iterator<Item = Peer> {
        let after = (Bound::Excluded(&*self.own), Bound::Unbounded);
        let before = (Bound::Unbounded, Bound::Excluded(&*self.own));
        let after = self.others.range::<str, _>(after);
        let all = after.chain(self.others.range::<str, _>(before));
        all.map(|(name, place)| Peer { name: Arc::clone(name), life: place.life })
    }
}

/// The result of [`Ring::insert`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// The member is new.
    New,
    /// The member replaces this earlier life.
    Replaces(Peer),
    /// The member has a new address.
    Moved,
    /// Nothing has changed.
    Known,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_begins_behind_this_node_and_ends_before_it() {
        let mut ring = Ring::new("m".into());
        let address = "10.0.0.1:80".parse().unwrap();
        for name in ["a", "b", "n", "z"] {
            assert_eq!(ring.insert(&Peer::new(name, 1), address), Inserted::New);
        }
        let names: Vec<_> = ring.following().map(|peer| peer.name.to_string()).collect();
        assert_eq!(names, ["n", "z", "a", "b"]);
        let before = Inserted::Replaces(Peer::new("n", 1));
        assert_eq!(ring.insert(&Peer::new("n", 2), address), before);
        assert!(ring.has(&Peer::new("n", 2)) && !ring.has(&Peer::new("n", 1)));
        assert_eq!(ring.remove("n"), Some(Peer::new("n", 2)));
        assert_eq!(ring.len(), 3);
    }
}
