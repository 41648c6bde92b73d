//! Gossip queues: encoded messages that wait to be passed on, each a limited number of times.

mod check;

use alloc::vec::Vec;

use bytes::Bytes;

use crate::channel::Draft;
use crate::members::Slot;
use crate::output::RequestId;
use crate::stats::{MessageCounts, MessageKind};

/// Priority of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Leave messages, refutations, and news that clears a suspect: each second counts.
    Urgent,
    /// All other membership news.
    Normal,
}

/// A queued message, apart from its bytes.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// The subject by which a newer message replaces it.
    pub(super) subject: Subject,
    /// Its kind, for the counters.
    pub(super) kind: MessageKind,
    pub(super) waiter: Waiter,
}

/// Subject of a message: a newer message with the same subject replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// Nothing: it is never replaced.
    Nothing,
    /// A member.
    Member(Slot),
    /// An unverified move of a member.
    Move(Slot),
}

/// The party that waits until a message was sent its full number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiter {
    Nobody,
    /// A command, which is then answered.
    Command(RequestId),
    /// The leave in progress, which then goes on. Its message is sent at least `times_min` times.
    Leave {
        times_min: u32,
    },
}

/// How many messages that do not fit are passed over on one level before the next level is tried.
/// Bounds the work for one packet; updates of like size hardly ever reach it.
const MISFITS_MAX: u32 = 4;

const NONE: u32 = u32::MAX;

/// Room that an empty queue keeps, in messages. The memory of a flood is given back.
const ROOM_KEPT: usize = 64;

#[derive(Debug)]
struct Queued {
    bytes: Bytes,
    ticket: Ticket,
    tier: Tier,
    sent: u32,
    newer: u32,
    older: u32,
}

/// The messages of one tier that were sent equally often, linked from newest to oldest.
#[derive(Clone, Copy, Debug)]
struct Level {
    newest: u32,
    oldest: u32,
}

const EMPTY: Level = Level { newest: NONE, oldest: NONE };

/// A transmit-limited queue (SWIM, section 4.1; memberlist's `TransmitLimitedQueue`).
///
/// Order: urgent before normal, then the least sent, then the newest. A message that was sent as
/// often as the limit is finished. All operations take constant time, except for passing over empty
/// levels, of which there are at most `mult * 8`.
#[derive(Debug, Default)]
pub(super) struct Queue {
    slab: Vec<Option<Queued>>,
    free: Vec<u32>,
    levels: [Vec<Level>; 2],
    bytes: usize,
}

/// A message that left the queue and is not sent again.
#[derive(Debug)]
pub(super) struct Finished {
    /// Its place in the queue.
    pub(super) place: u32,
    pub(super) ticket: Ticket,
}

impl Queue {
    /// Queues a message; returns its place. The caller ensures that there is room.
    pub(super) fn push(&mut self, bytes: Bytes, tier: Tier, ticket: Ticket) -> u32 {
        self.bytes += bytes.len();
        let queued = Queued { bytes, ticket, tier, sent: 0, newer: NONE, older: NONE };
        let place = match self.free.pop() {
            Some(place) => {
                self.slab[place as usize] = Some(queued);
                place
            }
            None => {
                self.slab.push(Some(queued));
                u32::try_from(self.slab.len() - 1).expect("queues are limited far below 2^32")
            }
        };
        self.link(place);
        place
    }

    /// Takes out all messages.
    pub(super) fn drain(self) -> Vec<Finished> {
        let queued = self.slab.into_iter().flatten();
        queued.map(|queued| Finished { place: NONE, ticket: queued.ticket }).collect()
    }

    /// Takes out a message.
    pub(super) fn remove(&mut self, place: u32) -> Finished {
        self.unlink(place);
        let queued = self.slab[place as usize].take().expect("a place in use holds a message");
        self.free.push(place);
        self.bytes -= queued.bytes.len();
        self.release_if_empty();
        Finished { place, ticket: queued.ticket }
    }

    /// The message to give up when the queue is full: the oldest of the most sent in the lowest
    /// tier.
    pub(super) fn least_urgent(&self) -> Option<u32> {
        let levels = self.levels.iter().rev().flat_map(|levels| levels.iter().rev());
        levels.map(|level| level.oldest).find(|&place| place != NONE)
    }

    /// Appends messages to `packet` until nothing more fits into `room` bytes, and counts each as
    /// sent once more. Those that reach `limit` go to `finished`. Returns the bytes of room taken.
    pub(super) fn fill(
        &mut self,
        packet: &mut Draft<'_>,
        room: usize,
        limit: u32,
        sent: &mut MessageCounts,
        finished: &mut Vec<Finished>,
    ) -> usize {
        let mut used = 0;
        if self.is_empty() {
            return used;
        }
        // Messages taken are chained here, and put back a level higher at the end, so that none is
        // taken twice for one packet.
        let mut taken = NONE;
        for tier in [Tier::Urgent, Tier::Normal] {
            for level in 0..self.levels[tier as usize].len() {
                let mut place = self.levels[tier as usize][level].newest;
                let mut misfits = 0;
                while place != NONE && misfits < MISFITS_MAX {
                    let queued = self.at(place);
                    let (older, len) = (queued.older, queued.bytes.len());
                    let cost = packet.cost(len);
                    if used + cost <= room && packet.takes_more() {
                        packet.append_encoded(&queued.bytes);
                        sent[queued.ticket.kind] += 1;
                        used += cost;
                        self.unlink(place);
                        self.at_mut(place).older = taken;
                        taken = place;
                    } else {
                        misfits += 1;
                    }
                    place = older;
                }
            }
        }
        self.put_back(taken, limit, finished);
        used
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len() - self.free.len()
    }

    /// Size of all messages together, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How often the least sent message was sent; `None` if nothing is queued.
    pub(super) fn sent_least(&self) -> Option<usize> {
        let first = |levels: &Vec<Level>| levels.iter().position(|level| level.newest != NONE);
        self.levels.iter().filter_map(first).min()
    }

    /// Takes out alive updates that are not urgent, were sent `sent_min` times or more, and have no
    /// waiter.
    pub(super) fn take_alive(&mut self, sent_min: usize) -> Vec<Finished> {
        let mut taken = Vec::new();
        for level in sent_min..self.levels[Tier::Normal as usize].len() {
            let mut place = self.levels[Tier::Normal as usize][level].newest;
            while place != NONE {
                let (older, ticket) = (self.at(place).older, &self.at(place).ticket);
                if ticket.kind == MessageKind::Alive && ticket.waiter == Waiter::Nobody {
                    taken.push(place);
                }
                place = older;
            }
        }
        taken.into_iter().map(|place| self.remove(place)).collect()
    }

    /// Takes out messages longer than `limit` bytes.
    pub(super) fn take_longer_than(&mut self, limit: usize) -> Vec<Finished> {
        let too_long =
            |queued: &Option<Queued>| queued.as_ref().is_some_and(|q| q.bytes.len() > limit);
        let places = (0..).zip(&self.slab).filter(|(_, queued)| too_long(queued));
        let places: Vec<u32> = places.map(|(place, _)| place).collect();
        places.into_iter().map(|place| self.remove(place)).collect()
    }

    /// Whether the message at this place was ever sent.
    pub(super) fn was_sent(&self, place: u32) -> bool {
        self.at(place).sent > 0
    }

    /// Size of the message at this place, in bytes.
    pub(super) fn len_of(&self, place: u32) -> usize {
        self.at(place).bytes.len()
    }

    /// Size of the message that is sent next, in bytes, if there is one.
    pub(super) fn next_len(&self) -> Option<usize> {
        let mut levels = self.levels.iter().flatten();
        let next = levels.find(|level| level.newest != NONE)?.newest;
        Some(self.at(next).bytes.len())
    }

    fn put_back(&mut self, mut taken: u32, limit: u32, finished: &mut Vec<Finished>) {
        while taken != NONE {
            let place = taken;
            let queued = self.at_mut(place);
            taken = queued.older;
            queued.older = NONE;
            queued.sent += 1;
            let limit = match queued.ticket.waiter {
                Waiter::Leave { times_min } => limit.max(times_min),
                Waiter::Command(_) | Waiter::Nobody => limit,
            };
            if queued.sent >= limit {
                let queued = self.slab[place as usize].take().expect("a taken place is in use");
                self.free.push(place);
                self.bytes -= queued.bytes.len();
                finished.push(Finished { place, ticket: queued.ticket });
            } else {
                self.link(place);
            }
        }
        self.release_if_empty();
    }

    fn release_if_empty(&mut self) {
        if self.is_empty() && self.slab.capacity() > ROOM_KEPT {
            self.slab = Vec::new();
            self.free = Vec::new();
        }
    }

    fn link(&mut self, place: u32) {
        let (tier, sent) = (self.at(place).tier as usize, self.at(place).sent as usize);
        let levels = &mut self.levels[tier];
        if levels.len() <= sent {
            levels.resize(sent + 1, EMPTY);
        }
        let before = levels[sent].newest;
        levels[sent].newest = place;
        if before == NONE {
            levels[sent].oldest = place;
        } else {
            self.at_mut(before).newer = place;
        }
        let queued = self.at_mut(place);
        queued.newer = NONE;
        queued.older = before;
    }

    fn unlink(&mut self, place: u32) {
        let queued = self.at(place);
        let (tier, sent) = (queued.tier as usize, queued.sent as usize);
        let (newer, older) = (queued.newer, queued.older);
        match newer {
            NONE => self.levels[tier][sent].newest = older,
            newer => self.at_mut(newer).older = older,
        }
        match older {
            NONE => self.levels[tier][sent].oldest = newer,
            older => self.at_mut(older).newer = newer,
        }
    }

    /// Tickets of all messages, with their places.
    pub(super) fn tickets(&self) -> impl Iterator<Item = (u32, &Ticket)> + '_ {
        let places = (0..).zip(&self.slab);
        places.filter_map(|(place, queued)| queued.as_ref().map(|queued| (place, &queued.ticket)))
    }

    /// Whether a message waits at this place.
    pub(super) fn holds(&self, place: u32) -> bool {
        self.slab.get(place as usize).is_some_and(Option::is_some)
    }

    fn at(&self, place: u32) -> &Queued {
        self.slab[place as usize].as_ref().expect("a place in use holds a message")
    }

    fn at_mut(&mut self, place: u32) -> &mut Queued {
        self.slab[place as usize].as_mut().expect("a place in use holds a message")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use crate::config::Config;

    fn push(queue: &mut Queue, text: &'static [u8], tier: Tier) -> u32 {
        let ticket =
            Ticket { subject: Subject::Nothing, kind: MessageKind::Alive, waiter: Waiter::Nobody };
        queue.push(Bytes::from_static(text), tier, ticket)
    }

    #[test]
    fn alive_news_that_was_sent_often_enough_can_be_taken_out_together() {
        let mut queue = Queue::default();
        assert_eq!(queue.sent_least(), None);
        push(&mut queue, b"old", Tier::Normal);
        push(&mut queue, b"urgent", Tier::Urgent);
        let failed =
            Ticket { subject: Subject::Nothing, kind: MessageKind::Failed, waiter: Waiter::Nobody };
        queue.push(Bytes::from_static(b"failed"), Tier::Normal, failed);
        let waited_for = Ticket {
            subject: Subject::Nothing,
            kind: MessageKind::Alive,
            waiter: Waiter::Command(RequestId(1)),
        };
        queue.push(Bytes::from_static(b"waited for"), Tier::Normal, waited_for);
        fill(&mut queue, 100, 9);
        assert_eq!(queue.sent_least(), Some(1));
        push(&mut queue, b"new", Tier::Normal);
        assert_eq!(queue.sent_least(), Some(0));
        assert_eq!(queue.take_alive(1).len(), 1);
        assert_eq!(fill(&mut queue, 100, 9).0, b"urgentnewwaited forfailed");
    }

    fn fill(queue: &mut Queue, room: usize, limit: u32) -> (Vec<u8>, usize) {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        let mut channel = Channel::new(&config, [0; 32]);
        let (mut packet, mut finished) = (channel.datagram(), Vec::new());
        let mut sent = MessageCounts::default();
        let used = queue.fill(&mut packet, room, limit, &mut sent, &mut finished);
        assert_eq!(sent.total() > 0, used > 0);
        assert_eq!(used, packet.text().len());
        (packet.text().to_vec(), finished.len())
    }

    #[test]
    fn urgent_goes_first_then_the_least_sent_then_the_newest() {
        let mut queue = Queue::default();
        push(&mut queue, b"a", Tier::Normal);
        push(&mut queue, b"b", Tier::Normal);
        assert_eq!(fill(&mut queue, 1, 9).0, b"b");
        assert_eq!(fill(&mut queue, 1, 9).0, b"a");
        push(&mut queue, b"c", Tier::Normal);
        push(&mut queue, b"u", Tier::Urgent);
        assert_eq!(fill(&mut queue, 9, 9).0, b"ucab");
    }

    #[test]
    fn a_message_is_sent_as_often_as_the_limit_and_never_twice_in_one_packet() {
        let mut queue = Queue::default();
        push(&mut queue, b"a", Tier::Normal);
        push(&mut queue, b"b", Tier::Urgent);
        assert_eq!(fill(&mut queue, 9, 3), (b"ba".to_vec(), 0));
        assert_eq!(fill(&mut queue, 9, 3), (b"ba".to_vec(), 0));
        assert_eq!(fill(&mut queue, 9, 3), (b"ba".to_vec(), 2));
        assert!(queue.is_empty());
        assert_eq!(queue.bytes(), 0);
        assert_eq!(fill(&mut queue, 9, 3), (Vec::new(), 0));
    }

    #[test]
    fn a_smaller_message_fills_what_a_larger_one_leaves() {
        let mut queue = Queue::default();
        push(&mut queue, b"s", Tier::Normal);
        push(&mut queue, b"large", Tier::Normal);
        assert_eq!(fill(&mut queue, 4, 9).0, b"s");
    }

    #[test]
    fn a_full_queue_gives_up_the_most_sent_of_the_lowest_tier() {
        let mut queue = Queue::default();
        let urgent = push(&mut queue, b"u", Tier::Urgent);
        let sent = push(&mut queue, b"a", Tier::Normal);
        fill(&mut queue, 9, 9);
        let fresh = push(&mut queue, b"b", Tier::Normal);
        for expected in [sent, fresh, urgent] {
            let place = queue.least_urgent().unwrap();
            assert_eq!(place, expected);
            queue.remove(place);
        }
        assert!(queue.least_urgent().is_none());
    }

    #[test]
    fn a_removed_message_leaves_its_neighbours_linked() {
        let mut queue = Queue::default();
        let places: Vec<u32> =
            [&b"a"[..], b"b", b"c"].map(|text| push(&mut queue, text, Tier::Normal)).into();
        queue.remove(places[1]);
        assert_eq!(fill(&mut queue, 9, 9).0, b"ca");
        queue.remove(places[2]);
        queue.remove(places[0]);
        assert!(queue.is_empty());
    }
}
