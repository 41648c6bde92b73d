//! IP addresses of live members. Every stream asks whether it comes from a known one, and a walk
//! through the table would cost more the larger it is.

use core::net::IpAddr;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use siphasher::sip::SipHasher13;

/// How many live members are at each IP address.
///
/// It takes 5 bytes per address, because it keeps 24 bits of a keyed hash instead of the address.
/// With 100,000 addresses, a stranger resembles one with a chance of 1 in 170, and cannot choose
/// to.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    counts: HashTable<Host>,
}

/// The hash of an address in the upper 24 bits, and the number of members there in the lower 8. At
/// [`MANY`] the number is no longer counted, and the address stays.
#[derive(Clone, Copy, Debug)]
struct Host(u32);

const MANY: u32 = 0xff;

impl Host {
    fn key(self) -> u32 {
        self.0 & !MANY
    }

    fn members(self) -> u32 {
        self.0 & MANY
    }

    /// The table uses the highest and the lowest bits of a hash.
    fn hash(&self) -> u64 {
        spread(self.key())
    }
}

impl Hosts {
    pub(super) fn add(&mut self, hash_keys: (u64, u64), ip: IpAddr) {
        let key = key(hash_keys, ip);
        let host = self.counts.entry(spread(key), |host| host.key() == key, Host::hash);
        let mut host = host.or_insert(Host(key));
        if host.get().members() < MANY {
            host.get_mut().0 += 1;
        }
    }

    pub(super) fn remove(&mut self, hash_keys: (u64, u64), ip: IpAddr) {
        let key = key(hash_keys, ip);
        let host = self.counts.entry(spread(key), |host| host.key() == key, Host::hash);
        let Entry::Occupied(mut host) = host else {
            return debug_assert!(false, "only an added host is removed");
        };
        match host.get().members() {
            MANY => {}
            1 => _ = host.remove(),
            _ => host.get_mut().0 -= 1,
        }
        if super::is_sparse(self.counts.len(), self.counts.capacity()) {
            self.counts.shrink_to(2 * self.counts.len(), Host::hash);
        }
    }

    pub(super) fn has(&self, hash_keys: (u64, u64), ip: IpAddr) -> bool {
        let key = key(hash_keys, ip);
        self.counts.find(spread(key), |host| host.key() == key).is_some()
    }
}

fn key((key0, key1): (u64, u64), ip: IpAddr) -> u32 {
    let hasher = SipHasher13::new_with_keys(key0, key1);
    // One call takes half as long as a write and a finish.
    let hash = match ip {
        IpAddr::V4(v4) => hasher.hash(&v4.octets()),
        IpAddr::V6(v6) => hasher.hash(&v6.octets()),
    };
    u32::try_from(hash >> 32).expect("half of 64 bits") & !MANY
}

fn spread(key: u32) -> u64 {
    u64::from(key) << 32 | u64::from(key >> 8)
}
