//! The keys and values of a node.

use std::collections::BTreeMap;
use std::ops::Bound;

/// The approximate memory of an entry, without the bytes of its key and value.
const ENTRY_OVERHEAD: usize = 128;

/// The keys and values of this node, limited in bytes: new entries evict the oldest ones.
#[derive(Debug)]
pub(crate) struct Store {
    entries: BTreeMap<String, Entry>,
    /// The keys, in the order in which they were set.
    by_age: BTreeMap<u64, String>,
    bytes: usize,
    bytes_max: usize,
    last_age: u64,
    pub(crate) evicted: u64,
}

#[derive(Debug)]
struct Entry {
    value: String,
    age: u64,
}

impl Store {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Store {
            entries: BTreeMap::new(),
            by_age: BTreeMap::new(),
            bytes: 0,
            bytes_max,
            last_age: 0,
            evicted: 0,
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.remove(key);
        self.last_age += 1;
        let age = self.last_age;
        self.entries.insert(key.to_owned(), Entry { value: value.to_owned(), age });
        self.by_age.insert(age, key.to_owned());
        self.bytes += size(key, value);
        while self.bytes > self.bytes_max
            && let Some((_, oldest)) = self.by_age.first_key_value()
        {
            let oldest = oldest.clone();
            self.remove(&oldest);
            self.evicted += 1;
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|entry| &*entry.value)
    }

    /// Removes a key. Returns whether it was there.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let Some(Entry { value, age }) = self.entries.remove(key) else { return false };
        self.by_age.remove(&age);
        self.bytes -= size(key, &value);
        true
    }

    /// Removes a key that was handed over, if it still has this value.
    pub(crate) fn remove_if(&mut self, key: &str, value: &str) -> bool {
        self.get(key) == Some(value) && self.remove(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Returns the keys after this one with their values, in order.
    pub(crate) fn after(&self, key: &str) -> impl Iterator<Item = (&str, &str)> {
        let after = (Bound::Excluded(key), Bound::Unbounded);
        self.entries.range::<str, _>(after).map(|(key, entry)| (&**key, &*entry.value))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

fn size(key: &str, value: &str) -> usize {
    // The key is stored twice.
    2 * key.len() + value.len() + ENTRY_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_value_that_was_set_last() {
        let mut store = Store::new(1 << 20);
        store.set("k", "1");
        store.set("k", "2");
        assert_eq!((store.get("k"), store.len()), (Some("2"), 1));
        assert!(!store.remove_if("k", "1") && store.remove_if("k", "2"));
        assert!(!store.remove("k"));
        assert_eq!((store.bytes, store.by_age.len()), (0, 0));
    }

    #[test]
    fn the_oldest_make_way() {
        let mut store = Store::new(3 * size("a", "1"));
        for key in ["a", "b", "c", "a", "d"] {
            store.set(key, "1");
        }
        assert_eq!(store.keys().collect::<Vec<_>>(), ["a", "c", "d"]);
        store.set("big", &"x".repeat(10_000));
        assert_eq!((store.len(), store.bytes, store.evicted), (0, 0, 5));
    }
}
