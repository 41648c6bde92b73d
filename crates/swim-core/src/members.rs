//! The member table: who is known, found by name; the probe ring; random peers; who is to be
//! forgotten when.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::hash::Hasher;
use core::net::SocketAddr;
use core::time::Duration;

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

use crate::address::CompactAddress;
use crate::config::FAN_OUT_MAX;
use crate::member::{Belief, Incarnation, MemberRef, State, VersionRange, Versions};
use crate::random::Random;
use crate::time::Instant;

/// The place of a member in the table. Reused once the member is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

impl Slot {
    /// The node itself is always the first in its own table.
    pub(crate) const LOCAL: Slot = Slot(0);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Entries are stored in pages of this many, so that growth never copies the table and never has
/// twice the memory asked for.
const PAGE: usize = 128;

/// No place: in no list, or not queued.
const NOWHERE: u32 = u32::MAX;

/// What is stored per member, besides its 4 bytes in the ring and its place in the name index.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Name, then metadata: one allocation instead of two.
    text: Box<[u8]>,
    since: Instant,
    incarnation: u32,
    /// Where it stands in `ring` (live) or `failed` (failed).
    place: u32,
    /// Where its update stands in the gossip queue.
    queued: u32,
    versions: [u8; 6],
    address: CompactAddress,
    name_len: u8,
    state: State,
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        core::str::from_utf8(&self.text[..usize::from(self.name_len)])
            .expect("names are stored from text")
    }

    fn name_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.name_len)]
    }

    pub(crate) fn meta(&self) -> &[u8] {
        &self.text[usize::from(self.name_len)..]
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.into()
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        Incarnation(self.incarnation)
    }

    pub(crate) fn belief(&self) -> Belief {
        Belief::new(self.state, self.incarnation())
    }

    pub(crate) fn versions(&self) -> Versions {
        let [pmin, pmax, pcur, amin, amax, acur] = self.versions;
        Versions {
            protocol: VersionRange {
                min: pmin,
                max: pmax,
                current: pcur,
            },
            application: VersionRange {
                min: amin,
                max: amax,
                current: acur,
            },
        }
    }

    pub(crate) fn queued(&self) -> Option<u32> {
        (self.queued != NOWHERE).then_some(self.queued)
    }

    pub(crate) fn set_queued(&mut self, queued: Option<u32>) {
        self.queued = queued.unwrap_or(NOWHERE);
    }

    /// Whether an alive message with this content would change anything but the incarnation.
    pub(crate) fn announces(&self, address: SocketAddr, meta: &[u8], versions: Versions) -> bool {
        self.address() == address && self.meta() == meta && self.versions() == versions
    }

    pub(crate) fn view(&self) -> MemberRef<'_> {
        MemberRef {
            name: self.name(),
            address: self.address(),
            state: self.state,
            incarnation: self.incarnation(),
            meta: self.meta(),
            versions: self.versions(),
        }
    }
}

/// What an alive message announces of a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announcement<'a> {
    pub(crate) incarnation: Incarnation,
    pub(crate) address: SocketAddr,
    pub(crate) meta: &'a [u8],
    pub(crate) versions: Versions,
}

/// The member table.
///
/// Live members other than the node itself stand in the probe ring. One round of probes is a
/// Fisher-Yates shuffle carried out one step per probe: the member probed next is drawn from those
/// not yet probed in this round. So every round is a fresh uniform order, each member is probed
/// once in it, and no tick has to shuffle the whole ring.
#[derive(Debug)]
pub(crate) struct Members {
    pages: Vec<Vec<Option<Entry>>>,
    free: Vec<Slot>,
    index: HashTable<Slot>,
    hash_keys: (u64, u64),
    ring: Vec<Slot>,
    /// How many of `ring` have been probed in this round; they stand in front.
    probed: usize,
    failed: Vec<Slot>,
    /// Failed and left members by the time at which they are forgotten.
    forget_at: BTreeSet<(Instant, Slot)>,
}

impl Members {
    /// A table that holds nobody yet; the first member added must be the node itself.
    pub(crate) fn new(random: &mut Random) -> Self {
        Members {
            pages: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hash_keys: (random.next_u64(), random.next_u64()),
            ring: Vec::new(),
            probed: 0,
            failed: Vec::new(),
            forget_at: BTreeSet::new(),
        }
    }

    /// Adds an alive member that is not in the table.
    pub(crate) fn add(&mut self, now: Instant, name: &str, new: &Announcement<'_>) -> Slot {
        debug_assert!(self.find(name).is_none());
        let entry = Entry {
            text: joined(name.as_bytes(), new.meta),
            since: now,
            incarnation: new.incarnation.0,
            place: NOWHERE,
            queued: NOWHERE,
            versions: version_bytes(new.versions),
            address: new.address.into(),
            name_len: u8::try_from(name.len()).expect("names have at most 255 bytes"),
            state: State::Alive,
        };
        let hash = self.hash(name.as_bytes());
        let slot = self.store(entry);
        let (pages, keys) = (&self.pages, self.hash_keys);
        self.index.insert_unique(hash, slot, |&other| {
            hash_name(keys, entry_in(pages, other).name_bytes())
        });
        if slot != Slot::LOCAL {
            self.enter_ring(slot);
        }
        slot
    }

    /// Takes over what a member announces; its state is not touched.
    pub(crate) fn announce(&mut self, slot: Slot, new: &Announcement<'_>) {
        let entry = self.entry_mut(slot);
        if entry.meta() != new.meta {
            let name_len = usize::from(entry.name_len);
            entry.text = joined(&entry.text[..name_len], new.meta);
        }
        entry.incarnation = new.incarnation.0;
        entry.versions = version_bytes(new.versions);
        entry.address = new.address.into();
    }

    pub(crate) fn set_incarnation(&mut self, slot: Slot, incarnation: Incarnation) {
        self.entry_mut(slot).incarnation = incarnation.0;
    }

    /// Moves a member to another state and so to another list. Failed and left members are
    /// forgotten `keep` later.
    pub(crate) fn set_state(&mut self, now: Instant, slot: Slot, state: State, keep: Duration) {
        let (before, since) = {
            let entry = self.entry(slot);
            (entry.state, entry.since)
        };
        if before == state {
            return;
        }
        let entry = self.entry_mut(slot);
        entry.state = state;
        entry.since = now;
        if slot == Slot::LOCAL {
            return;
        }
        match before {
            State::Alive | State::Suspect if state.is_live() => return,
            State::Alive | State::Suspect => self.leave_ring(slot),
            State::Failed => self.leave_failed(slot),
            State::Left => {}
        }
        if !before.is_live() {
            self.forget_at.remove(&(since + keep, slot));
        }
        match state {
            State::Alive | State::Suspect => self.enter_ring(slot),
            State::Failed => self.enter_failed(slot),
            State::Left => {}
        }
        if !state.is_live() {
            self.forget_at.insert((now + keep, slot));
        }
    }

    /// The next member to be forgotten, and when.
    pub(crate) fn next_to_forget(&self) -> Option<(Instant, Slot)> {
        self.forget_at.first().copied()
    }

    /// Removes a failed or left member from the table. `keep` as in [`Members::set_state`].
    pub(crate) fn forget(&mut self, slot: Slot, keep: Duration) {
        let (state, since) = (self.entry(slot).state, self.entry(slot).since);
        assert!(
            !state.is_live() && slot != Slot::LOCAL,
            "only the gone are forgotten"
        );
        if state == State::Failed {
            self.leave_failed(slot);
        }
        self.forget_at.remove(&(since + keep, slot));
        let hash = self.hash(self.entry(slot).name_bytes());
        if let Ok(found) = self.index.find_entry(hash, |&other| other == slot) {
            found.remove();
        }
        self.pages[slot.index() / PAGE][slot.index() % PAGE] = None;
        self.free.push(slot);
    }

    /// The next member of the probe ring; `None` when there is nobody to probe.
    pub(crate) fn next_to_probe(&mut self, random: &mut Random) -> Option<Slot> {
        let len = self.ring.len();
        if len == 0 {
            return None;
        }
        if self.probed >= len {
            self.probed = 0;
        }
        let drawn = self.probed + random.below(narrow(len - self.probed)) as usize;
        self.swap_in_ring(self.probed, drawn);
        self.probed += 1;
        Some(self.ring[self.probed - 1])
    }

    /// Up to `count` different live members other than the node itself and `except`, in random
    /// order, for which `allowed` holds. Draws a bounded number of times, so it may return fewer
    /// although there are more.
    pub(crate) fn pick(
        &self,
        random: &mut Random,
        count: usize,
        except: Option<Slot>,
        allowed: impl Fn(&Entry) -> bool,
    ) -> Picked {
        self.pick_from(random, count, self.ring.len(), |slot, entry| {
            Some(slot) != except && allowed(entry)
        })
    }

    /// Like [`Members::pick`], but from the live and the recently failed.
    pub(crate) fn pick_for_gossip(&self, random: &mut Random, count: usize) -> Picked {
        self.pick_from(
            random,
            count,
            self.ring.len() + self.failed.len(),
            |_, _| true,
        )
    }

    pub(crate) fn find(&self, name: &str) -> Option<Slot> {
        self.index
            .find(self.hash(name.as_bytes()), |&slot| {
                self.entry(slot).name_bytes() == name.as_bytes()
            })
            .copied()
    }

    pub(crate) fn entry(&self, slot: Slot) -> &Entry {
        entry_in(&self.pages, slot)
    }

    pub(crate) fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        self.pages[slot.index() / PAGE][slot.index() % PAGE]
            .as_mut()
            .expect("a slot in use names an entry")
    }

    /// Everybody in the table, the node itself first; the order is otherwise that of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> + '_ {
        self.pages.iter().flatten().flatten()
    }

    /// How many are in the table, the node itself and the gone included.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// How many others are alive or suspect.
    pub(crate) fn peers(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is anybody to gossip to.
    pub(crate) fn has_audience(&self) -> bool {
        !self.ring.is_empty() || !self.failed.is_empty()
    }

    fn pick_from(
        &self,
        random: &mut Random,
        count: usize,
        candidates: usize,
        allowed: impl Fn(Slot, &Entry) -> bool,
    ) -> Picked {
        let mut picked = Picked::default();
        let count = count.min(FAN_OUT_MAX);
        if candidates == 0 || count == 0 {
            return picked;
        }
        // Few candidates: go through all of them from a random place. Many: draw, and draw again
        // on a repetition, as memberlist does.
        if candidates <= 3 * FAN_OUT_MAX {
            let mut order = [0u8; 3 * FAN_OUT_MAX];
            for (place, index) in order.iter_mut().zip(0..) {
                *place = index;
            }
            for step in 0..candidates {
                let drawn = step + random.below(narrow(candidates - step)) as usize;
                order.swap(step, drawn);
                self.consider(usize::from(order[step]), &allowed, &mut picked);
                if picked.len == count {
                    break;
                }
            }
        } else {
            for _ in 0..3 * FAN_OUT_MAX {
                let drawn = random.below(narrow(candidates)) as usize;
                self.consider(drawn, &allowed, &mut picked);
                if picked.len == count {
                    break;
                }
            }
        }
        picked
    }

    fn consider(&self, place: usize, allowed: impl Fn(Slot, &Entry) -> bool, picked: &mut Picked) {
        let slot = match place.checked_sub(self.ring.len()) {
            None => self.ring[place],
            Some(place) => self.failed[place],
        };
        if !picked.as_slice().contains(&slot) && allowed(slot, self.entry(slot)) {
            picked.slots[picked.len] = slot;
            picked.len += 1;
        }
    }

    fn store(&mut self, entry: Entry) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.pages[slot.index() / PAGE][slot.index() % PAGE] = Some(entry);
            return slot;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let page = self.pages.len() - 1;
        self.pages[page].push(Some(entry));
        Slot(narrow(page * PAGE + self.pages[page].len() - 1))
    }

    fn enter_ring(&mut self, slot: Slot) {
        self.entry_mut(slot).place = narrow(self.ring.len());
        self.ring.push(slot);
    }

    fn leave_ring(&mut self, slot: Slot) {
        let mut place = self.entry(slot).place as usize;
        if place < self.probed {
            // Keep the probed ones in front: the last of them takes the free place.
            self.probed -= 1;
            self.swap_in_ring(place, self.probed);
            place = self.probed;
        }
        self.swap_in_ring(place, self.ring.len() - 1);
        self.ring.pop();
        self.entry_mut(slot).place = NOWHERE;
    }

    fn swap_in_ring(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        self.ring.swap(a, b);
        for place in [a, b] {
            let slot = self.ring[place];
            self.entry_mut(slot).place = narrow(place);
        }
    }

    fn enter_failed(&mut self, slot: Slot) {
        self.entry_mut(slot).place = narrow(self.failed.len());
        self.failed.push(slot);
    }

    fn leave_failed(&mut self, slot: Slot) {
        let place = self.entry(slot).place as usize;
        self.failed.swap_remove(place);
        if let Some(&moved) = self.failed.get(place) {
            self.entry_mut(moved).place = narrow(place);
        }
        self.entry_mut(slot).place = NOWHERE;
    }

    fn hash(&self, name: &[u8]) -> u64 {
        hash_name(self.hash_keys, name)
    }
}

/// A few members picked at random.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picked {
    slots: [Slot; FAN_OUT_MAX],
    len: usize,
}

impl Picked {
    pub(crate) fn as_slice(&self) -> &[Slot] {
        &self.slots[..self.len]
    }
}

impl Default for Picked {
    fn default() -> Self {
        Picked {
            slots: [Slot::LOCAL; FAN_OUT_MAX],
            len: 0,
        }
    }
}

fn entry_in(pages: &[Vec<Option<Entry>>], slot: Slot) -> &Entry {
    pages[slot.index() / PAGE][slot.index() % PAGE]
        .as_ref()
        .expect("a slot in use names an entry")
}

fn hash_name((key0, key1): (u64, u64), name: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(key0, key1);
    hasher.write(name);
    hasher.finish()
}

fn joined(name: &[u8], meta: &[u8]) -> Box<[u8]> {
    let mut text = Vec::with_capacity(name.len() + meta.len());
    text.extend_from_slice(name);
    text.extend_from_slice(meta);
    text.into_boxed_slice()
}

fn version_bytes(versions: Versions) -> [u8; 6] {
    let (p, a) = (versions.protocol, versions.application);
    [p.min, p.max, p.current, a.min, a.max, a.current]
}

/// Places and counts fit 32 bits, because `Config::members_max` is at most 2^24.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("the member table has at most 2^24 entries")
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;

    const KEEP: Duration = Duration::from_secs(30);

    fn announcement(meta: &[u8]) -> Announcement<'_> {
        Announcement {
            incarnation: Incarnation(1),
            address: SocketAddr::from(([10, 0, 0, 1], 7946)),
            meta,
            versions: Versions::DEFAULT,
        }
    }

    /// The node itself and `peers` others.
    fn table(peers: usize) -> (Members, Random, Vec<Slot>) {
        let mut random = Random::new([1; 32]);
        let mut members = Members::new(&mut random);
        members.add(Instant::ORIGIN, "self", &announcement(b""));
        let slots = (0..peers)
            .map(|number| members.add(Instant::ORIGIN, &format!("n{number}"), &announcement(b"m")))
            .collect();
        (members, random, slots)
    }

    fn round(members: &mut Members, random: &mut Random) -> Vec<Slot> {
        (0..members.peers())
            .filter_map(|_| members.next_to_probe(random))
            .collect()
    }

    fn check_places(members: &Members) {
        for (place, &slot) in members.ring.iter().enumerate() {
            assert!(members.entry(slot).state().is_live());
            assert_eq!(members.entry(slot).place as usize, place);
        }
        for (place, &slot) in members.failed.iter().enumerate() {
            assert_eq!(members.entry(slot).state(), State::Failed);
            assert_eq!(members.entry(slot).place as usize, place);
        }
        let gone = members
            .iter()
            .filter(|entry| !entry.state().is_live())
            .count();
        assert_eq!(gone, members.forget_at.len());
        assert_eq!(1 + members.peers() + gone, members.len());
    }

    #[test]
    fn each_member_is_probed_once_in_a_round_and_each_round_has_its_own_order() {
        let (mut members, mut random, slots) = table(20);
        let rounds: Vec<Vec<Slot>> = (0..3).map(|_| round(&mut members, &mut random)).collect();
        for one in &rounds {
            let mut sorted = one.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, slots);
        }
        assert_ne!(rounds[0], rounds[1]);
        assert_ne!(rounds[1], rounds[2]);
    }

    #[test]
    fn a_member_added_or_lost_in_a_round_disturbs_nobody_elses_turn() {
        let (mut members, mut random, slots) = table(10);
        let mut probed: Vec<Slot> = (0..5)
            .filter_map(|_| members.next_to_probe(&mut random))
            .collect();
        let (lost_early, lost_late) = (
            probed[0],
            *slots.iter().find(|s| !probed.contains(s)).unwrap(),
        );
        for slot in [lost_early, lost_late] {
            members.set_state(Instant::ORIGIN, slot, State::Failed, KEEP);
            check_places(&members);
        }
        let added = members.add(Instant::ORIGIN, "new", &announcement(b""));
        while members.probed < members.ring.len() {
            probed.push(members.next_to_probe(&mut random).unwrap());
        }
        let mut expected: Vec<Slot> = slots.iter().copied().filter(|&s| s != lost_late).collect();
        expected.push(added);
        probed.sort_unstable();
        assert_eq!(probed, expected);
    }

    #[test]
    fn every_change_of_state_keeps_the_lists_in_order() {
        let (mut members, mut random, slots) = table(30);
        let mut now = Instant::ORIGIN;
        for _ in 0..2000 {
            now += Duration::from_millis(10);
            let slot = slots[random.below(30) as usize];
            let state = State::ALL[random.below(4) as usize];
            members.set_state(now, slot, state, KEEP);
            members.next_to_probe(&mut random);
            check_places(&members);
        }
    }

    #[test]
    fn the_gone_are_forgotten_in_order_and_their_slots_used_again() {
        let (mut members, _, slots) = table(3);
        let later = Instant::ORIGIN + Duration::from_secs(1);
        members.set_state(later, slots[0], State::Left, KEEP);
        members.set_state(Instant::ORIGIN, slots[1], State::Failed, KEEP);
        assert_eq!(
            members.next_to_forget(),
            Some((Instant::ORIGIN + KEEP, slots[1]))
        );
        members.forget(slots[1], KEEP);
        assert_eq!(members.next_to_forget(), Some((later + KEEP, slots[0])));
        assert_eq!(members.find("n1"), None);
        assert_eq!(members.add(later, "n9", &announcement(b"")), slots[1]);
        check_places(&members);
    }

    #[test]
    fn a_member_that_comes_back_is_not_forgotten() {
        let (mut members, _, slots) = table(1);
        members.set_state(Instant::ORIGIN, slots[0], State::Failed, KEEP);
        members.set_state(Instant::ORIGIN + KEEP / 2, slots[0], State::Alive, KEEP);
        assert_eq!(members.next_to_forget(), None);
    }

    #[test]
    fn picked_peers_are_different_allowed_and_never_the_node_itself() {
        for peers in [0, 1, 3, 40, 60, 500] {
            let (members, mut random, slots) = table(peers);
            let except = slots.first().copied();
            for _ in 0..50 {
                let picked = members.pick(&mut random, 3, except, |_| true);
                let mut picked = picked.as_slice().to_vec();
                assert_eq!(picked.len(), 3.min(peers.saturating_sub(1)));
                picked.sort_unstable();
                picked.dedup();
                assert_eq!(picked.len(), 3.min(peers.saturating_sub(1)));
                assert!(
                    !picked.contains(&Slot::LOCAL) && !picked.iter().any(|&s| Some(s) == except)
                );
            }
        }
    }

    #[test]
    fn the_recently_failed_are_picked_for_gossip_and_those_who_left_are_not() {
        let (mut members, mut random, slots) = table(2);
        members.set_state(Instant::ORIGIN, slots[0], State::Failed, KEEP);
        members.set_state(Instant::ORIGIN, slots[1], State::Left, KEEP);
        let picked = members.pick_for_gossip(&mut random, 3);
        assert_eq!(picked.as_slice(), [slots[0]]);
        assert_eq!(members.pick(&mut random, 3, None, |_| true).as_slice(), []);
    }

    #[test]
    fn what_a_member_announces_is_stored_whole() {
        let (mut members, _, slots) = table(1);
        let meta = vec![7; 512];
        let new = Announcement {
            incarnation: Incarnation(9),
            address: "[2001:db8::1]:80".parse().unwrap(),
            meta: &meta,
            versions: Versions {
                application: VersionRange {
                    min: 1,
                    max: 3,
                    current: 2,
                },
                ..Versions::DEFAULT
            },
        };
        members.announce(slots[0], &new);
        let view = members.entry(slots[0]).view();
        assert_eq!(
            (view.name, view.meta, view.incarnation),
            ("n0", &meta[..], Incarnation(9))
        );
        assert_eq!((view.address, view.versions), (new.address, new.versions));
        assert!(
            members
                .entry(slots[0])
                .announces(new.address, &meta, new.versions)
        );
    }

    #[test]
    fn an_entry_takes_at_most_72_bytes() {
        assert!(
            size_of::<Option<Entry>>() <= 72,
            "{}",
            size_of::<Option<Entry>>()
        );
    }
}
