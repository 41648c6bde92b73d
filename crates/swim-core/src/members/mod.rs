//! The member table: members by name, the probe ring, random peers, and when members are forgotten.
//! It knows no protocol, and only [`Membership`] changes it.
//!
//! [`Membership`]: crate::membership::Membership

mod check;
mod entry;
mod gone;
mod hosts;
mod pages;
mod picked;
#[cfg(test)]
mod tests;

pub(crate) use entry::{Announcement, Entry, Standing};
pub(crate) use pages::Slot;
pub(crate) use picked::Picked;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

use crate::config::FAN_OUT_MAX;
use crate::deadlines::Deadlines;
use crate::member::{Incarnation, State};
use crate::random::Random;
use crate::time::Instant;

use gone::Gone;
use hosts::Hosts;
use pages::{PAGE, Pages, narrow};

/// How many members a gossip tick passes over at most because they may not be told news.
const PASSED_OVER_MAX: usize = 2 * FAN_OUT_MAX;

/// The member table.
///
/// Live members other than the node itself are in the probe ring. One round of probes is a
/// Fisher-Yates shuffle, one step per probe: the next member is drawn from those not yet probed in
/// this round. So every round has a fresh uniform order and probes each member once, and no tick
/// shuffles the whole ring.
#[derive(Debug)]
pub(crate) struct Members {
    pages: Pages,
    index: HashTable<Slot>,
    hash_keys: (u64, u64),
    /// IP addresses of those in the ring.
    hosts: Hosts,
    ring: Vec<Slot>,
    /// How many of `ring` have been probed in this round; they come first.
    probed: usize,
    /// How far gossip has come round the ring, and round the failed members.
    gossiped: usize,
    gossiped_failed: usize,
    /// The share of gossip that failed members have not had yet.
    owed_to_failed: usize,
    /// See [`Members::view_digest`].
    digest: u64,
    /// The highest incarnation of any member so far.
    highest: Incarnation,
    /// Members whose incarnation an accusation has raised, with that of their own announcement. No
    /// alive member is among them.
    raised: BTreeMap<Slot, Incarnation>,
    /// Listed members that failed or left, by when they did.
    gone_since: Deadlines<Slot>,
    /// Gone members known from hearsay.
    hearsay: Gone,
    /// Gone members that this node heard from, none of them made up.
    known: Gone,
    /// Another node has the name of the node itself.
    withheld: bool,
}

impl Members {
    /// Creates an empty table; the first member added must be the node itself.
    pub(crate) fn new(random: &mut Random) -> Self {
        Members {
            pages: Pages::default(),
            index: HashTable::new(),
            hash_keys: (random.next_u64(), random.next_u64()),
            hosts: Hosts::default(),
            ring: Vec::new(),
            probed: 0,
            gossiped: 0,
            gossiped_failed: 0,
            owed_to_failed: 0,
            digest: 0,
            highest: Incarnation(0),
            raised: BTreeMap::new(),
            gone_since: Deadlines::default(),
            hearsay: Gone::default(),
            known: Gone::default(),
            withheld: false,
        }
    }

    /// Adds an alive member that is not in the table.
    pub(crate) fn add(&mut self, now: Instant, name: &str, new: &Announcement<'_>) -> Slot {
        debug_assert!(self.find(name).is_none());
        let entry = Entry::new(now, name, new);
        let hash = self.hash(name.as_bytes());
        let slot = self.pages.store(entry);
        let (pages, keys) = (&self.pages, self.hash_keys);
        self.index
            .insert_unique(hash, slot, |&other| hash_name(keys, pages.entry(other).name_bytes()));
        if slot != Slot::LOCAL {
            self.enter_ring(slot, hash);
        }
        self.digest = self.digest.wrapping_add(self.entry(slot).digest());
        self.highest = self.highest.max(new.incarnation);
        slot
    }

    /// Takes over a member's announcement; its state is not touched.
    pub(crate) fn announce(&mut self, slot: Slot, new: &Announcement<'_>) {
        if !self.entry(slot).is_at(new.address) {
            self.move_host(slot, new.address.ip());
            self.set_answered(slot, false);
        }
        self.change(slot, |entry| {
            entry.announce(new);
            entry.incarnation = new.incarnation.0;
        });
        self.highest = self.highest.max(new.incarnation);
        // Checked with every refutation.
        if !self.raised.is_empty() {
            self.raised.remove(&slot);
        }
    }

    /// Notes that this node heard from the member itself, at its address.
    #[inline]
    pub(crate) fn note_answer(&mut self, slot: Slot) {
        if !self.entry(slot).has_answered() {
            self.set_answered(slot, true);
        }
    }

    /// Sets whether a member failed and came back, and has answered nothing since.
    pub(crate) fn set_returned(&mut self, slot: Slot, returned: bool) {
        self.entry_mut(slot).set_returned(returned);
    }

    #[cold]
    fn set_answered(&mut self, slot: Slot, answered: bool) {
        // Lists of gone members depend on it.
        let gone = slot != Slot::LOCAL && !self.entry(slot).state.is_live();
        if gone {
            self.leave_lists(slot);
        }
        self.entry_mut(slot).set_answered(answered);
        if gone {
            self.enter_lists(slot);
        }
    }

    /// Whether another node has the name of the node itself. If so, the node's own entry is no news
    /// for peers.
    #[inline]
    pub(crate) fn is_withheld(&self) -> bool {
        self.withheld
    }

    pub(crate) fn set_withheld(&mut self, withheld: bool) {
        self.withheld = withheld;
    }

    /// Sets the incarnation of an accused member, or of the node itself.
    pub(crate) fn set_incarnation(&mut self, slot: Slot, incarnation: Incarnation) {
        let before = self.entry(slot).incarnation();
        if slot != Slot::LOCAL && incarnation != before {
            self.raised.entry(slot).or_insert(before);
        }
        self.change(slot, |entry| entry.incarnation = incarnation.0);
        self.highest = self.highest.max(incarnation);
    }

    /// Changes an entry, and the digest with it.
    fn change(&mut self, slot: Slot, change: impl FnOnce(&mut Entry)) {
        let entry = self.pages.entry_mut(slot);
        let before = entry.digest();
        change(entry);
        let after = entry.digest();
        self.digest = self.digest.wrapping_sub(before).wrapping_add(after);
    }

    /// Moves a member to another state and so to another list.
    pub(crate) fn set_state(&mut self, now: Instant, slot: Slot, state: State) {
        let before = self.entry(slot).state;
        if before == state {
            return;
        }
        if slot != Slot::LOCAL && !(before.is_live() && state.is_live()) {
            self.leave_lists(slot);
        }
        self.change(slot, |entry| {
            entry.state = state;
            entry.since = now;
            entry.set_lost(false);
        });
        if slot != Slot::LOCAL && !(before.is_live() && state.is_live()) {
            self.enter_lists(slot);
        }
    }

    /// Unlists a failed or departed member. Its name, address and incarnation are kept, to reject
    /// old news that would bring it back, and to look for it if it failed. Its announcement is kept
    /// to tell it of that life, should it have forgotten it.
    pub(crate) fn lose(&mut self, slot: Slot) {
        assert!(!self.entry(slot).state.is_live(), "only the gone get lost");
        self.leave_lists(slot);
        self.entry_mut(slot).set_lost(true);
        self.enter_lists(slot);
    }

    /// Removes a failed, departed or lost member from the table, with all that was known of it.
    pub(crate) fn forget(&mut self, slot: Slot) {
        assert!(!self.entry(slot).state.is_live(), "only the gone are forgotten");
        self.leave_lists(slot);
        let hash = self.hash(self.entry(slot).name_bytes());
        if let Ok(found) = self.index.find_entry(hash, |&other| other == slot) {
            found.remove();
        }
        self.raised.remove(&slot);
        self.pages.clear(slot);
        if is_sparse(self.index.len(), self.index.capacity()) {
            let (pages, keys, room) = (&self.pages, self.hash_keys, 2 * self.index.len());
            self.index.shrink_to(room, |&other| hash_name(keys, pages.entry(other).name_bytes()));
        }
    }

    /// The next member of the probe ring; `None` if there is none to probe.
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

    /// Begins a new round of probes.
    pub(crate) fn begin_probe_round(&mut self) {
        self.probed = 0;
    }

    /// Picks up to `count` different live peers other than `except`, in random order, for which
    /// `allowed` holds. Draws a bounded number of times, so it may return fewer although there are
    /// more.
    pub(crate) fn pick(
        &self,
        random: &mut Random,
        count: usize,
        except: Option<Slot>,
        allowed: impl Fn(&Entry) -> bool,
    ) -> Picked {
        let mut picked = Picked::default();
        let (candidates, count) = (self.ring.len(), count.min(FAN_OUT_MAX));
        if candidates == 0 || count == 0 {
            return picked;
        }
        // Few candidates: visit all of them in random order. Many: draw, and draw again on a
        // repetition, as memberlist does.
        if candidates <= 3 * FAN_OUT_MAX {
            let mut order = [0u8; 3 * FAN_OUT_MAX];
            for (place, index) in order.iter_mut().zip(0..) {
                *place = index;
            }
            for step in 0..candidates {
                let drawn = step + random.below(narrow(candidates - step)) as usize;
                order.swap(step, drawn);
                self.consider(usize::from(order[step]), except, &allowed, &mut picked);
                if picked.slots().len() == count {
                    break;
                }
            }
        } else {
            for _ in 0..3 * FAN_OUT_MAX {
                let drawn = random.below(narrow(candidates)) as usize;
                self.consider(drawn, except, &allowed, &mut picked);
                if picked.slots().len() == count {
                    break;
                }
            }
        }
        picked
    }

    /// Picks up to `count` live or recently failed members to gossip to, for which `takes` holds.
    /// It goes round, so that no member has a second turn before each had one. In a small cluster,
    /// where an update is sent as often as there are members, that reaches all of them. It looks at
    /// a bounded number, so it may return fewer although there are more.
    ///
    /// Failed members come in between, each as often as a live one, and together in at most one of
    /// three picks (one of two if a single member is live). They hardly pass anything on: in a row,
    /// or in the majority, they would use up the transmissions of an update. Those that failed
    /// before this node heard from them get none.
    pub(crate) fn next_for_gossip(
        &mut self,
        count: usize,
        mut takes: impl FnMut(Slot, &Entry) -> bool,
    ) -> Picked {
        let mut picked = Picked::default();
        let (live, failed) = (self.ring.len(), self.known.failed.len());
        let weight = failed.min((live / 2).max(1));
        let (mut live_left, mut failed_left) = (live, failed);
        let count = count.min(FAN_OUT_MAX);
        let mut looks = (live + failed).min(count + PASSED_OVER_MAX);
        while picked.slots().len() < count && looks > 0 {
            looks -= 1;
            self.owed_to_failed += weight;
            let owed = self.owed_to_failed >= live + weight;
            if owed {
                self.owed_to_failed = (self.owed_to_failed - (live + weight)).min(live);
            }
            let next = if live_left == 0 || (owed && failed_left > 0) {
                failed_left -= 1;
                next_of(&self.known.failed, &mut self.gossiped_failed)
            } else {
                live_left -= 1;
                next_of(&self.ring, &mut self.gossiped)
            };
            if takes(next, self.pages.entry(next)) {
                picked.push(next);
            }
        }
        picked
    }

    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<Slot> {
        self.index
            .find(self.hash(name.as_bytes()), |&slot| {
                self.entry(slot).name_bytes() == name.as_bytes()
            })
            .copied()
    }

    #[inline]
    pub(crate) fn entry(&self, slot: Slot) -> &Entry {
        self.pages.entry(slot)
    }

    fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        self.pages.entry_mut(slot)
    }

    /// All listed members, the node itself first, then in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> + Clone + '_ {
        self.pages.iter().filter(|entry| !entry.is_lost())
    }

    /// Whether a live member, other than the node itself, is at this IP address.
    pub(crate) fn any_at(&self, ip: IpAddr) -> bool {
        self.hosts.has(self.hash_keys, ip)
    }

    /// How many members are listed, the node itself and gone ones included.
    pub(crate) fn len(&self) -> usize {
        self.index.len() - self.lost_len()
    }

    /// A keyed hash of a name, different in each node.
    pub(crate) fn name_key(&self, name: &str) -> u64 {
        self.hash(name.as_bytes())
    }

    /// The incarnation at which a member announced what is known of it. Accusations may be about a
    /// higher one.
    pub(crate) fn announced(&self, slot: Slot) -> Incarnation {
        let raised = self.raised.get(&slot).copied();
        raised.unwrap_or_else(|| self.entry(slot).incarnation())
    }

    /// The highest incarnation of any member that was ever in the table.
    #[inline]
    pub(crate) fn highest(&self) -> Incarnation {
        self.highest
    }

    /// Digest of the live members and their announcements: two nodes with the same view have the
    /// same digest, and never 0.
    pub(crate) fn view_digest(&self) -> u64 {
        self.digest.max(1)
    }

    /// The same in 4 bytes, for acks.
    #[inline]
    pub(crate) fn short_view_digest(&self) -> u32 {
        u32::try_from(self.digest >> 32).expect("half of 64 bits").max(1)
    }

    /// How many are alive or suspect, the node itself included.
    #[inline]
    pub(crate) fn live(&self) -> usize {
        self.peers() + usize::from(self.entry(Slot::LOCAL).state() == State::Alive)
    }

    /// How many peers are alive or suspect.
    #[inline]
    pub(crate) fn peers(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is any member to gossip to.
    pub(crate) fn has_audience(&self) -> bool {
        !self.ring.is_empty() || !self.known.failed.is_empty()
    }

    fn consider(
        &self,
        place: usize,
        except: Option<Slot>,
        allowed: &impl Fn(&Entry) -> bool,
        picked: &mut Picked,
    ) {
        let slot = self.ring[place];
        if Some(slot) != except && !picked.slots().contains(&slot) && allowed(self.entry(slot)) {
            picked.push(slot);
        }
    }

    fn enter_lists(&mut self, slot: Slot) {
        let (state, since) = (self.entry(slot).state, self.entry(slot).since);
        if state.is_live() {
            let hash = self.hash(self.entry(slot).name_bytes());
            return self.enter_ring(slot, hash);
        }
        let (list, by_time) = self.lists_of_gone(slot);
        by_time.insert(since, slot);
        if state == State::Failed {
            let place = narrow(list.len());
            list.push(slot);
            self.pages.set_place(slot, place);
        }
    }

    fn leave_lists(&mut self, slot: Slot) {
        let (state, since) = (self.entry(slot).state, self.entry(slot).since);
        if state.is_live() {
            return self.leave_ring(slot);
        }
        let place = self.pages.place(slot);
        let (list, by_time) = self.lists_of_gone(slot);
        by_time.remove(since, slot);
        if state == State::Failed {
            list.swap_remove(place);
            give_back(list);
            if let Some(&moved) = list.get(place) {
                self.pages.set_place(moved, narrow(place));
            }
        }
    }

    /// Adds a member at a random place among those not yet probed in this round. Gossip follows the
    /// ring, and members that entered together must not be in the same order everywhere. The random
    /// place comes from the keyed hash of the name.
    fn enter_ring(&mut self, slot: Slot, hash: u64) {
        let last = self.ring.len();
        self.pages.set_place(slot, narrow(last));
        self.ring.push(slot);
        let chance = hash >> 32;
        let unprobed = last + 1 - self.probed.min(last);
        let drawn = (chance * u64::from(narrow(unprobed))) >> 32;
        self.swap_in_ring(last, last - usize::try_from(drawn).expect("drawn below a count"));
        self.hosts.add(self.hash_keys, self.entry(slot).address().ip());
    }

    fn leave_ring(&mut self, slot: Slot) {
        let mut place = self.pages.place(slot);
        if place < self.probed {
            // Keeps probed members in front: the last of them takes the free place.
            self.probed -= 1;
            self.swap_in_ring(place, self.probed);
            place = self.probed;
        }
        self.swap_in_ring(place, self.ring.len() - 1);
        self.ring.pop();
        give_back(&mut self.ring);
        self.hosts.remove(self.hash_keys, self.entry(slot).address().ip());
    }

    /// Notes that a member is about to be at another IP address.
    fn move_host(&mut self, slot: Slot, to: IpAddr) {
        let entry = self.entry(slot);
        if slot != Slot::LOCAL && entry.state().is_live() {
            let from = entry.address().ip();
            self.hosts.remove(self.hash_keys, from);
            self.hosts.add(self.hash_keys, to.to_canonical());
        }
    }

    fn swap_in_ring(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let (to_b, to_a) = (self.ring[a], self.ring[b]);
        self.ring[a] = to_a;
        self.ring[b] = to_b;
        self.pages.set_place(to_a, narrow(a));
        self.pages.set_place(to_b, narrow(b));
    }

    fn hash(&self, name: &[u8]) -> u64 {
        hash_name(self.hash_keys, name)
    }
}

/// Whether so few places are in use that most memory should be given back. The limit is far from
/// the next growth, so that a table that goes up and down is not copied all the time.
fn is_sparse(len: usize, capacity: usize) -> bool {
    capacity > 4 * len + PAGE
}

fn give_back(list: &mut Vec<Slot>) {
    if is_sparse(list.len(), list.capacity()) {
        list.shrink_to(2 * list.len());
    }
}

fn hash_name((key0, key1): (u64, u64), name: &[u8]) -> u64 {
    SipHasher13::new_with_keys(key0, key1).hash(name)
}

/// The next entry on the way round a list that is not empty.
fn next_of(list: &[Slot], at: &mut usize) -> Slot {
    if *at >= list.len() {
        *at = 0;
    }
    *at += 1;
    list[*at - 1]
}
