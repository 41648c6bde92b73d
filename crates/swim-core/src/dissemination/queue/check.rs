//! Invariants of a queue.

use alloc::collections::BTreeSet;

use super::{NONE, Queue, Tier};

impl Queue {
    /// Asserts that places, levels, links and the count of bytes match what is queued.
    pub(in super::super) fn check(&self, what: &str) {
        let free: BTreeSet<u32> = self.free.iter().copied().collect();
        assert_eq!(free.len(), self.free.len(), "{what}: a place is free once");
        for (place, queued) in (0..).zip(&self.slab) {
            assert_eq!(free.contains(&place), queued.is_none(), "{what}: place {place} is free");
        }
        let beyond = free.last().is_some_and(|&last| last as usize >= self.slab.len());
        assert!(!beyond, "{what}: a free place is beyond the end");
        let linked: usize =
            [Tier::Urgent, Tier::Normal].map(|tier| self.check_tier(what, tier)).iter().sum();
        assert_eq!(linked, self.len(), "{what}: each message is in one level");
        let bytes: usize = self.slab.iter().flatten().map(|queued| queued.bytes.len()).sum();
        assert_eq!(self.bytes, bytes, "{what}: bytes");
    }

    /// Checks a tier; returns how many messages it has.
    fn check_tier(&self, what: &str, tier: Tier) -> usize {
        let mut linked = 0;
        for (sent, level) in (0..).zip(&self.levels[tier as usize]) {
            let (mut place, mut newer) = (level.newest, NONE);
            while place != NONE {
                let queued = self.slab.get(place as usize).and_then(Option::as_ref);
                let queued =
                    queued.unwrap_or_else(|| panic!("{what}: {place} is linked, and free"));
                assert_eq!(
                    (queued.tier, queued.sent),
                    (tier, sent),
                    "{what}: the level of {place}"
                );
                assert_eq!(queued.newer, newer, "{what}: what is newer than {place}");
                linked += 1;
                assert!(linked <= self.len(), "{what}: the links of {tier:?} {sent} have no end");
                (newer, place) = (place, queued.older);
            }
            assert_eq!(level.oldest, newer, "{what}: the oldest of {tier:?} {sent}");
        }
        linked
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Level, Subject, Ticket, Waiter};
    use super::*;
    use crate::stats::MessageKind;

    /// Three messages, the newest first, and a free place.
    fn queue() -> Queue {
        let mut queue = Queue::default();
        for text in ["a", "b", "c", "d"] {
            let ticket = Ticket {
                subject: Subject::Nothing,
                kind: MessageKind::Alive,
                waiter: Waiter::Nobody,
            };
            queue.push(Bytes::from_static(text.as_bytes()), Tier::Normal, ticket);
        }
        queue.remove(3);
        queue.check("queue");
        queue
    }

    fn level(queue: &mut Queue) -> &mut Level {
        &mut queue.levels[Tier::Normal as usize][0]
    }

    #[test]
    #[should_panic(expected = "queue: a place is free once")]
    fn a_place_that_is_free_twice_is_noticed() {
        let mut queue = queue();
        queue.free.push(3);
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: place 3 is free")]
    fn a_place_that_is_lost_is_noticed() {
        let mut queue = queue();
        queue.free.pop();
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: a free place is beyond the end")]
    fn a_free_place_that_does_not_exist_is_noticed() {
        let mut queue = queue();
        queue.free.push(4);
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: each message is in one level")]
    fn a_message_that_is_never_sent_is_noticed() {
        let mut queue = queue();
        queue.unlink(1);
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: bytes")]
    fn a_wrong_count_of_bytes_is_noticed() {
        let mut queue = queue();
        queue.bytes += 1;
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: 3 is linked, and free")]
    fn a_link_to_a_free_place_is_noticed() {
        let mut queue = queue();
        queue.at_mut(0).older = 3;
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: the level of 1")]
    fn a_message_in_the_wrong_level_is_noticed() {
        let mut queue = queue();
        queue.at_mut(1).sent = 1;
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: what is newer than 1")]
    fn links_that_differ_by_direction_are_noticed() {
        let mut queue = queue();
        queue.at_mut(1).newer = NONE;
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: the oldest of Normal 0")]
    fn a_wrong_oldest_is_noticed() {
        let mut queue = queue();
        level(&mut queue).oldest = 1;
        queue.check("queue");
    }

    #[test]
    #[should_panic(expected = "queue: what is newer than 2")]
    fn links_in_a_circle_are_noticed() {
        let mut queue = queue();
        queue.at_mut(0).older = 2;
        queue.check("queue");
    }
}
