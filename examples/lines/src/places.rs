//! A limit on connections, in total and per address.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Limits the connections of a server. Each address gets at most a share of them, so that one host
/// cannot keep all other hosts out.
#[derive(Clone, Debug)]
pub struct Places {
    max: usize,
    per_address_max: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

impl Places {
    /// Allows `max` connections, of them `per_address_max` from each address.
    #[must_use]
    pub fn new(max: usize, per_address_max: usize) -> Self {
        Places { max, per_address_max, taken: Arc::default() }
    }

    /// Takes a place for a connection from this address.
    ///
    /// # Errors
    ///
    /// [`NoPlace`] names the limit that is reached.
    pub fn take(&self, from: IpAddr) -> Result<Place, NoPlace> {
        let mut taken = lock(&self.taken);
        let of_address = taken.by_address.get(&from).copied().unwrap_or(0);
        if taken.count >= self.max {
            return Err(NoPlace::All { max: self.max });
        }
        if of_address >= self.per_address_max {
            return Err(NoPlace::OfAddress { max: self.per_address_max });
        }
        taken.count += 1;
        taken.by_address.insert(from, of_address + 1);
        Ok(Place { taken: Arc::clone(&self.taken), from })
    }

    /// Returns the number of places taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        lock(&self.taken).count
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection's place. Dropping it frees the place, also when the connection's task panics.
#[derive(Debug)]
pub struct Place {
    taken: Arc<Mutex<Taken>>,
    from: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.count -= 1;
        if let Some(of_address) = taken.by_address.get_mut(&self.from) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&self.from);
            }
        }
    }
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// All places are taken.
    All {
        /// The limit.
        max: usize,
    },
    /// The address has taken its share.
    OfAddress {
        /// The limit.
        max: usize,
    },
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoPlace::All { max } => write!(f, "{max} connections, which is the limit"),
            NoPlace::OfAddress { max } => {
                write!(f, "{max} connections from one address, which is the limit")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn an_address_has_a_share_and_a_place_that_is_dropped_is_free() {
        let places = Places::new(3, 2);
        let first = places.take(address(1)).unwrap();
        let _second = places.take(address(1)).unwrap();
        assert_eq!(places.take(address(1)).unwrap_err(), NoPlace::OfAddress { max: 2 });
        let _third = places.take(address(2)).unwrap();
        assert_eq!(places.take(address(3)).unwrap_err(), NoPlace::All { max: 3 });
        drop(first);
        assert_eq!(places.taken(), 2);
        let again = places.take(address(1));
        assert!(again.is_ok());
        drop(again);
    }

    #[test]
    fn an_address_without_a_connection_is_forgotten() {
        let places = Places::new(9, 9);
        for last in 0..9 {
            drop(places.take(address(last)).unwrap());
        }
        assert!(lock(&places.taken).by_address.is_empty());
    }
}
