//! Invariants of a node's gossip.

use super::Gossip;
use super::queue::Subject;
use super::queue::Waiter;
use crate::config::Config;
use crate::members::Members;
use crate::output::RequestId;
use crate::sabotage::Sabotage;
use crate::stats::MessageKind;
use crate::time::Instant;

impl Gossip {
    /// Asserts that indexes match the queues, and that the queues keep to their limits.
    pub(crate) fn check(&self, config: &Config, members: &Members) {
        self.updates.check("updates");
        self.broadcasts.check("broadcasts");
        self.check_updates(config, members);
        self.check_broadcasts(config);
        self.seen.check(config.broadcast_origins_max);
        self.inbox.check();
        self.introductions.check(members);
        let excess = if config.breaks(Sabotage::OverfillsPackets) { 400 } else { 0 };
        self.share.check(config.packet_size_max + excess);
        assert!(self.finished.is_empty(), "what a packet finished was settled");
        if self.stopped {
            assert_eq!(self.due, Instant::NEVER, "a node that has left does not gossip");
        } else if (!self.is_idle() || self.introductions.are_due()) && members.has_audience() {
            assert!(self.due < Instant::NEVER, "news and somebody to tell, but no gossip is due");
        }
    }

    /// Commands that are answered once their message was sent its full number of times.
    pub(crate) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        let tickets = self.updates.tickets().chain(self.broadcasts.tickets());
        tickets.filter_map(|(_, ticket)| match ticket.waiter {
            Waiter::Command(request) => Some(request),
            Waiter::Leave { .. } | Waiter::Nobody => None,
        })
    }

    fn check_updates(&self, config: &Config, members: &Members) {
        let (len, max) = (self.updates.len(), config.update_queue_max);
        let within = len <= max || config.breaks(Sabotage::OverfillsItsQueue);
        assert!(within, "{len} updates, update_queue_max is {max}");
        let (mut subjects, mut moves) = (0, 0);
        for (place, ticket) in self.updates.tickets() {
            assert_ne!(ticket.kind, MessageKind::Broadcast, "a broadcast among the updates");
            let subject = match ticket.subject {
                Subject::Member(subject) => subject,
                Subject::Move(subject) => {
                    assert!(members.holds(subject), "a move of {subject:?}, who is forgotten");
                    assert_eq!(self.moves.get(&subject), Some(&place), "the move of {subject:?}");
                    moves += 1;
                    continue;
                }
                Subject::Nothing => continue,
            };
            assert!(members.holds(subject), "an update about {subject:?}, who is forgotten");
            assert_eq!(
                self.place_of(subject),
                Some(place),
                "the place of what is said of {subject:?}"
            );
            subjects += 1;
        }
        assert_eq!(self.places.len(), subjects, "as many places as members that updates are about");
        assert_eq!(self.moves.len(), moves, "as many places as members that moves are about");
    }

    fn check_broadcasts(&self, config: &Config) {
        let (len, max) = (self.broadcasts.len(), config.broadcast_queue_max);
        assert!(len <= max, "{len} broadcasts, broadcast_queue_max is {max}");
        let (bytes, max) = (self.broadcasts.bytes(), config.broadcast_queue_bytes_max);
        assert!(bytes <= max, "{bytes} bytes of broadcasts, broadcast_queue_bytes_max is {max}");
        let message_max = config.message_max();
        for (place, ticket) in self.broadcasts.tickets() {
            assert_eq!(ticket.kind, MessageKind::Broadcast, "another message among broadcasts");
            assert_eq!(ticket.subject, Subject::Nothing, "a broadcast is about no member");
            let len = self.broadcasts.len_of(place);
            assert!(len <= message_max, "a broadcast of {len} bytes, a packet has {message_max}");
        }
        self.keyed.check(|place| self.broadcasts.holds(place));
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;
    use core::time::Duration;

    use bytes::Bytes;

    use super::super::hash;
    use super::super::queue::{Ticket, Tier};
    use super::*;
    use crate::member::{Incarnation, Name, Versions};
    use crate::members::{Announcement, Slot};
    use crate::random::Random;
    use crate::time::Instant;
    use crate::wire::Broadcast;

    const PEER: usize = 1;

    fn config() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    /// The node itself and one peer.
    fn members() -> Members {
        let mut members = Members::new(&mut Random::new([1; 32]));
        for name in ["a", "b"] {
            let new = Announcement {
                incarnation: Incarnation(1),
                address: SocketAddr::from(([10, 0, 0, 1], 7946)),
                meta: b"",
                versions: Versions::DEFAULT,
            };
            members.add(Instant::ORIGIN, name, &new);
        }
        members
    }

    fn ticket(subject: Subject, kind: MessageKind) -> Ticket {
        Ticket { subject, kind, waiter: Waiter::Nobody }
    }

    /// An update about each member, and a broadcast with a key.
    fn gossip() -> Gossip {
        let mut gossip = Gossip::new(Duration::ZERO, 1);
        for (subject, _) in members().slots() {
            let ticket = ticket(Subject::Member(subject), MessageKind::Alive);
            let place = gossip.updates.push(Bytes::from_static(b"update"), Tier::Normal, ticket);
            gossip.places.insert_unique(hash(subject), (subject, place), |&(slot, _)| hash(slot));
        }
        let moved = ticket(Subject::Move(Slot::LOCAL), MessageKind::Alive);
        let place = gossip.updates.push(Bytes::from_static(b"move"), Tier::Normal, moved);
        gossip.moves.insert(Slot::LOCAL, place);
        let broadcast = Broadcast {
            origin: "b",
            life: 1,
            sequence: 1,
            key: b"k",
            payload: b"",
            known: Incarnation(0),
        };
        let ticket = ticket(Subject::Nothing, MessageKind::Broadcast);
        let place = gossip.broadcasts.push(Bytes::from_static(b"text"), Tier::Normal, ticket);
        gossip.keyed.insert(Name::trusted("b"), &broadcast, place);
        gossip.due = Instant::ORIGIN;
        gossip.check(&config(), &members());
        gossip
    }

    fn check(gossip: &Gossip) {
        gossip.check(&config(), &members());
    }

    #[test]
    #[should_panic(expected = "the move of Slot(0)")]
    fn a_move_that_would_not_be_replaced_is_noticed() {
        let mut gossip = gossip();
        gossip.moves.clear();
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "the place of what is said of Slot(1)")]
    fn an_update_that_would_not_be_replaced_is_noticed() {
        let mut gossip = gossip();
        gossip.places.retain(|&mut (slot, _)| slot == Slot::LOCAL);
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "the place of what is said of")]
    fn a_place_with_an_update_about_another_is_noticed() {
        let mut gossip = gossip();
        for (_, place) in gossip.places.iter_mut() {
            *place = 1 - *place;
        }
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "as many places as members that updates are about")]
    fn a_place_of_an_update_that_is_gone_is_noticed() {
        let mut gossip = gossip();
        gossip.updates.remove(0);
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "an update about Slot(1), who is forgotten")]
    fn an_update_about_nobody_is_noticed() {
        let (gossip, mut members) = (gossip(), members());
        let (peer, _) = members.slots().nth(PEER).unwrap();
        members.set_state(Instant::ORIGIN, peer, crate::member::State::Failed);
        members.forget(peer);
        gossip.check(&config(), &members);
    }

    #[test]
    #[should_panic(expected = "3 updates, update_queue_max is 1")]
    fn more_updates_than_may_be_are_noticed() {
        gossip().check(&Config { update_queue_max: 1, ..config() }, &members());
    }

    #[test]
    #[should_panic(expected = "1 broadcasts, broadcast_queue_max is 0")]
    fn more_broadcasts_than_may_be_are_noticed() {
        gossip().check(&Config { broadcast_queue_max: 0, ..config() }, &members());
    }

    #[test]
    #[should_panic(expected = "4 bytes of broadcasts, broadcast_queue_bytes_max is 3")]
    fn more_bytes_of_broadcasts_than_may_be_are_noticed() {
        gossip().check(&Config { broadcast_queue_bytes_max: 3, ..config() }, &members());
    }

    #[test]
    #[should_panic(expected = "a broadcast of 2000 bytes")]
    fn a_broadcast_that_fits_no_packet_is_noticed() {
        let mut gossip = gossip();
        let ticket = ticket(Subject::Nothing, MessageKind::Broadcast);
        gossip.broadcasts.push(Bytes::from_static(&[0; 2000]), Tier::Normal, ticket);
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "a broadcast among the updates")]
    fn a_broadcast_among_the_updates_is_noticed() {
        let mut gossip = gossip();
        let ticket = ticket(Subject::Nothing, MessageKind::Broadcast);
        gossip.updates.push(Bytes::new(), Tier::Normal, ticket);
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "another message among broadcasts")]
    fn an_update_among_the_broadcasts_is_noticed() {
        let mut gossip = gossip();
        gossip.broadcasts.push(
            Bytes::new(),
            Tier::Normal,
            ticket(Subject::Nothing, MessageKind::Left),
        );
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "news and somebody to tell, but no gossip is due")]
    fn news_that_would_never_be_told_are_noticed() {
        let mut gossip = gossip();
        gossip.due = Instant::NEVER;
        check(&gossip);
    }

    #[test]
    #[should_panic(expected = "a node that has left does not gossip")]
    fn gossip_after_the_end_is_noticed() {
        let mut gossip = gossip();
        gossip.stopped = true;
        check(&gossip);
    }
}
