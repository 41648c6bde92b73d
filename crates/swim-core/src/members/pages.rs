//! Storage of the member table in pages, so that growth never copies the table or asks for twice
//! its memory, and so that memory is given back.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::entry::Entry;

/// A member's place in the table. Reused once the member is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

impl Slot {
    /// The node itself, always the first in its own table.
    pub(crate) const LOCAL: Slot = Slot(0);

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// The slot as a number.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// Entries per page.
pub(super) const PAGE: usize = 128;

/// All entries.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pages: Vec<Page>,
    /// Pages that have room. New members go to the first of them, so that the last ones become
    /// empty and their memory is given back.
    roomy: BTreeSet<u32>,
}

impl Pages {
    pub(super) fn store(&mut self, entry: Entry) -> Slot {
        let number = match self.roomy.first() {
            Some(&number) => number,
            None => {
                let number = narrow(self.pages.len());
                self.pages.push(Page::default());
                self.roomy.insert(number);
                number
            }
        };
        let page = &mut self.pages[number as usize];
        let place = page.store(entry);
        if page.used == u128::MAX {
            self.roomy.remove(&number);
        }
        Slot(narrow(number as usize * PAGE + place))
    }

    pub(super) fn clear(&mut self, slot: Slot) {
        let number = slot.index() / PAGE;
        self.pages[number].clear(slot.index() % PAGE);
        self.roomy.insert(narrow(number));
        while self.pages.last().is_some_and(|page| page.used == 0) {
            self.pages.pop();
            self.roomy.remove(&narrow(self.pages.len()));
        }
    }

    #[inline]
    pub(super) fn entry(&self, slot: Slot) -> &Entry {
        self.pages[slot.index() / PAGE].entries[slot.index() % PAGE]
            .as_ref()
            .expect("a slot in use names an entry")
    }

    pub(super) fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        self.pages[slot.index() / PAGE].entries[slot.index() % PAGE]
            .as_mut()
            .expect("a slot in use names an entry")
    }

    /// A member's place in the list for its state: the probe ring, the failed, or the lost.
    pub(super) fn place(&self, slot: Slot) -> usize {
        self.pages[slot.index() / PAGE].places[slot.index() % PAGE] as usize
    }

    pub(super) fn set_place(&mut self, slot: Slot, place: u32) {
        self.pages[slot.index() / PAGE].places[slot.index() % PAGE] = place;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> + Clone + '_ {
        self.pages.iter().flat_map(|page| page.entries.iter().flatten())
    }

    /// All entries, each with its slot.
    pub(super) fn slots(&self) -> impl Iterator<Item = (Slot, &Entry)> + '_ {
        (0..).zip(&self.pages).flat_map(|(number, page)| {
            let first = number * PAGE;
            let used = page.entries.iter().enumerate();
            used.filter_map(move |(place, entry)| {
                entry.as_ref().map(|entry| (Slot(narrow(first + place)), entry))
            })
        })
    }

    /// Whether this slot holds an entry.
    pub(super) fn holds(&self, slot: Slot) -> bool {
        let page = self.pages.get(slot.index() / PAGE);
        let entry = page.and_then(|page| page.entries.get(slot.index() % PAGE));
        entry.is_some_and(Option::is_some)
    }

    /// Asserts that the bookkeeping matches the pages.
    pub(super) fn check(&self) {
        for (number, page) in (0..).zip(&self.pages) {
            page.check(number);
            let roomy = page.used != u128::MAX;
            assert_eq!(self.roomy.contains(&number), roomy, "page {number}: known to have room");
        }
        let beyond = self.roomy.last().is_some_and(|&last| last as usize >= self.pages.len());
        assert!(!beyond, "a page that was given back is known to have room");
        assert!(self.pages.last().is_none_or(|page| page.used != 0), "the last page is empty");
    }
}

/// One page of the table.
#[derive(Debug, Default)]
struct Page {
    entries: Vec<Option<Entry>>,
    /// Each entry's place in its list. Apart from the entries, because every probe moves two
    /// members within the ring, and this much of a large table stays in the cache.
    places: Vec<u32>,
    /// Which of `entries` are in use.
    used: u128,
}

const _: () = assert!(PAGE == u128::BITS as usize);

impl Page {
    /// Stores an entry in the first free place.
    fn store(&mut self, entry: Entry) -> usize {
        let place = self.used.trailing_ones() as usize;
        if place < self.entries.len() {
            self.entries[place] = Some(entry);
        } else {
            self.entries.reserve_exact(PAGE - self.entries.len());
            self.places.reserve_exact(PAGE - self.places.len());
            self.entries.push(Some(entry));
            self.places.push(0);
        }
        self.used |= 1 << place;
        place
    }

    fn clear(&mut self, place: usize) {
        self.entries[place] = None;
        self.used &= !(1 << place);
        if self.used == 0 {
            *self = Page::default();
        }
    }

    fn check(&self, number: u32) {
        assert!(self.entries.len() <= PAGE, "page {number}: {} entries", self.entries.len());
        assert_eq!(self.entries.len(), self.places.len(), "page {number}: a place per entry");
        for place in 0..PAGE {
            let stored = self.entries.get(place).is_some_and(Option::is_some);
            assert_eq!(self.used & (1 << place) != 0, stored, "page {number}: {place} in use");
        }
    }
}

/// Places and counts fit 32 bits, because `Config::members_max` is at most 2^24.
pub(super) fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("the member table has at most 2^24 entries")
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;
    use crate::member::{Incarnation, Versions};
    use crate::members::Announcement;
    use crate::time::Instant;

    fn pages(entries: usize) -> Pages {
        let mut pages = Pages::default();
        for _ in 0..entries {
            let new = Announcement {
                incarnation: Incarnation(1),
                address: SocketAddr::from(([10, 0, 0, 1], 7946)),
                meta: b"",
                versions: Versions::DEFAULT,
            };
            pages.store(Entry::new(Instant::ORIGIN, "a", &new));
        }
        pages
    }

    #[test]
    fn pages_that_fill_and_empty_stay_in_order() {
        let mut pages = pages(2 * PAGE);
        pages.check();
        for slot in 0..2 * PAGE {
            pages.clear(Slot(narrow(slot)));
            pages.check();
            assert!(!pages.holds(Slot(narrow(slot))));
        }
        assert_eq!(pages.slots().count(), 0);
    }

    #[test]
    #[should_panic(expected = "page 0: known to have room")]
    fn a_page_that_is_not_known_to_have_room_is_noticed() {
        let mut pages = pages(1);
        pages.roomy.clear();
        pages.check();
    }

    #[test]
    #[should_panic(expected = "a page that was given back is known to have room")]
    fn room_in_no_page_is_noticed() {
        let mut pages = pages(1);
        pages.roomy.insert(1);
        pages.check();
    }

    #[test]
    #[should_panic(expected = "the last page is empty")]
    fn memory_that_is_not_given_back_is_noticed() {
        let mut pages = pages(1);
        pages.pages.push(Page::default());
        pages.roomy.insert(1);
        pages.check();
    }

    #[test]
    #[should_panic(expected = "page 0: 1 in use")]
    fn a_free_place_in_use_is_noticed() {
        let mut pages = pages(2);
        pages.pages[0].entries[1] = None;
        pages.check();
    }

    #[test]
    #[should_panic(expected = "page 0: a place per entry")]
    fn an_entry_without_a_place_is_noticed() {
        let mut pages = pages(2);
        pages.pages[0].places.pop();
        pages.check();
    }
}
