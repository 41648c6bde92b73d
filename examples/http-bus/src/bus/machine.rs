//! The state machine of one node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use swim_driver::Bytes;

use super::envelope::Envelope;
use super::kept::{Found, Kept, Log};
use super::message::{Id, Message, Peer};
use super::ring::{Inserted, Ring};
use super::window::{Sight, Windows};
use crate::settings::{Delivery, Flaw, Settings};

/// The bus of one node.
///
/// A message travels along the ring of members, sorted by name. A node that takes a message hands
/// it to the next live member that has not had it, and that member goes on. The node keeps the
/// message, and offers it to a further member when the first one is gone. A member that does not
/// take it is passed over, and tried again until it takes the message or is gone. The rule is:
///
/// *A node owes each of its messages to every live member between itself and the member to which it
/// handed the message, except to members that have had it.*
#[derive(Debug)]
pub(crate) struct Bus {
    settings: Settings,
    own: Peer,
    /// The number of the next message from this node's clients.
    next: u64,
    log: Log,
    windows: Windows,
    ring: Ring,
    /// The messages owed to each live member.
    owed: BTreeMap<Peer, Owed>,
}

#[derive(Debug, Default)]
struct Owed {
    numbers: BTreeSet<u64>,
    /// The member did not take the last offer.
    is_failing: bool,
}

/// Messages to hand to a member.
#[derive(Debug)]
pub(crate) struct Offer {
    /// Their numbers in the log.
    pub(crate) numbers: Vec<u64>,
    /// The messages, encoded.
    pub(crate) body: Bytes,
}

/// The result of a message that another member handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The message is new.
    New,
    /// The message was taken before, or has expired.
    Known,
}

/// There was no room for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// When there may be room.
    pub(crate) retry_after: Duration,
}

impl Bus {
    pub(crate) fn new(settings: Settings, own: Peer) -> Self {
        Bus {
            next: 1,
            log: Log::default(),
            windows: Windows::new(settings.keep),
            ring: Ring::new(Arc::clone(&own.name)),
            owed: BTreeMap::new(),
            own,
            settings,
        }
    }

    /// Accepts a message from a client.
    ///
    /// # Errors
    ///
    /// There is no room.
    pub(crate) fn publish(&mut self, now: Instant, payload: Bytes) -> Result<Id, Refusal> {
        self.log.expire(now);
        let Settings { published_max, kept_max, kept_bytes_max, .. } = self.settings;
        let is_full = self.log.own() >= published_max
            || self.log.len() >= kept_max / 2
            || self.log.bytes() + payload.len() > kept_bytes_max / 2;
        if is_full {
            return Err(self.refusal(now));
        }
        let mut origin = self.own.clone();
        if self.settings.flaw == Flaw::SameLife {
            origin.life = 0;
        }
        let id = Id::new(origin, self.next);
        self.next += 1;
        if self.settings.flaw != Flaw::AcceptsInVain {
            let until = now + self.settings.keep;
            self.keep(Message::new(id.clone(), payload), until, BTreeSet::new(), true);
        }
        Ok(id)
    }

    /// Takes a message that another member handed on.
    ///
    /// # Errors
    ///
    /// There is no room.
    pub(crate) fn take(&mut self, now: Instant, envelope: Envelope) -> Result<Taken, Refusal> {
        self.log.expire(now);
        let Envelope { message, left, had } = envelope;
        let is_own = message.id.origin == self.own;
        let sight = match self.windows.look(now, &message.id) {
            Sight::Old if self.settings.flaw == Flaw::NoWindow => Sight::New,
            sight => sight,
        };
        if is_own || left == 0 || sight == Sight::Old {
            return Ok(Taken::Known);
        }
        let bytes = self.log.bytes() + message.payload.len();
        let is_full =
            self.log.len() >= self.settings.kept_max || bytes > self.settings.kept_bytes_max;
        if is_full || sight == Sight::Full {
            return Err(self.refusal(now));
        }
        self.windows.note(now, &message.id);
        // Drop the names of unknown members, which a stranger may have made up.
        let had = had.into_iter().filter(|peer| self.ring.has(peer)).collect();
        let left = Duration::from_millis(left).min(self.settings.keep);
        self.keep(message, now + left, had, false);
        Ok(Taken::New)
    }

    /// Notes a live member, with its life and address. Returns the peer whose connection is now
    /// obsolete.
    pub(crate) fn join(&mut self, peer: &Peer, address: SocketAddr) -> Option<Peer> {
        if *peer.name == *self.own.name {
            return None;
        }
        let void = match self.ring.insert(peer, address) {
            Inserted::Known => return None,
            Inserted::Moved => return Some(peer.clone()),
            Inserted::New => None,
            Inserted::Replaces(before) => {
                self.release(&before);
                Some(before)
            }
        };
        if self.settings.flaw != Flaw::NothingForJoiners {
            self.route_all();
        }
        void
    }

    /// Notes that a member is gone, and returns its peer.
    pub(crate) fn part(&mut self, name: &str) -> Option<Peer> {
        let peer = self.ring.remove(name)?;
        let owed = self.release(&peer);
        if self.settings.flaw == Flaw::FailedStaysServed {
            owed.into_iter().for_each(|number| self.route(number));
        } else {
            self.route_all();
        }
        Some(peer)
    }

    /// Returns the next messages for a member, if it is owed any.
    pub(crate) fn next_offer(&mut self, now: Instant, peer: &Peer) -> Option<Offer> {
        self.log.expire(now);
        let owed = self.owed.get_mut(peer)?;
        let log = &self.log;
        owed.numbers
            .retain(|number| log.get(*number).is_some_and(|kept: &Kept| !kept.had.contains(peer)));
        if owed.numbers.is_empty() {
            self.owed.remove(peer);
            return None;
        }
        let kept = owed.numbers.iter().filter_map(|number| log.get(*number));
        let envelopes = kept.map(|kept| {
            let left = kept.until.saturating_duration_since(now).as_millis();
            let had = std::iter::once(&self.own).chain(&kept.had).cloned().collect();
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            Envelope { message: Message::clone(&kept.message), left, had }
        });
        // Try a failing member with a single message: if it is full, more would be wasted.
        let count_max = if owed.is_failing { 1 } else { usize::MAX };
        let (count, body) = Envelope::encode_batch(envelopes.take(count_max));
        Some(Offer { numbers: owed.numbers.iter().take(count).copied().collect(), body })
    }

    /// Notes that a member has taken a message, or already had it.
    pub(crate) fn handed_on(&mut self, peer: &Peer, number: u64) {
        if let Some(owed) = self.owed.get_mut(peer) {
            owed.numbers.remove(&number);
            owed.is_failing = false;
        }
        if let Some(kept) = self.log.get_mut(number).filter(|_| self.ring.has(peer)) {
            kept.had.insert(peer.clone());
            kept.handed_to = Some(peer.clone());
        }
    }

    /// Notes that a member did not take these messages. The messages that it is owed go to the next
    /// member as well.
    pub(crate) fn failed(&mut self, peer: &Peer, refused: &[u64]) {
        let Some(owed) = self.owed.get_mut(peer) else { return };
        let numbers: Vec<u64> =
            if owed.is_failing { vec![] } else { owed.numbers.iter().copied().collect() };
        owed.is_failing = true;
        numbers.into_iter().for_each(|number| self.route(number));
        if self.settings.flaw == Flaw::NoRetry
            && let Some(owed) = self.owed.get_mut(peer)
        {
            owed.numbers.retain(|number| !refused.contains(number));
        }
    }

    /// Returns the members that are owed messages, and their addresses.
    pub(crate) fn targets(&self) -> Vec<(Peer, SocketAddr)> {
        let address = |peer: &Peer| Some((peer.clone(), self.ring.address(peer)?));
        self.owed.keys().filter_map(address).collect()
    }

    /// Returns whether each message was handed to a member, or there is no member to hand it to.
    pub(crate) fn is_settled(&self) -> bool {
        self.owed.values().all(|owed| {
            let is_safe =
                |number| self.log.get(number).is_none_or(|kept: &Kept| kept.handed_to.is_some());
            owed.numbers.iter().copied().all(is_safe)
        })
    }

    /// Returns how many messages are still to be handed to members.
    pub(crate) fn waiting(&self) -> usize {
        self.owed.values().map(|owed| owed.numbers.len()).sum()
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.log.expire(now);
    }

    pub(crate) fn read(&self, number: u64) -> Found {
        self.log.read(number)
    }

    /// Returns the number of the newest message, 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.log.last()
    }

    pub(crate) fn kept(&self) -> usize {
        self.log.len()
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.log.bytes()
    }

    /// Returns how many other members are live and take messages.
    pub(crate) fn others(&self) -> usize {
        self.ring.len()
    }

    pub(crate) fn own(&self) -> &Peer {
        &self.own
    }

    fn keep(&mut self, message: Message, until: Instant, had: BTreeSet<Peer>, own: bool) {
        let message = Arc::new(message);
        let kept = Kept { message: Arc::clone(&message), until, own, had, handed_to: None };
        let number = self.log.push(kept);
        if let Some(witness) = &self.settings.witness {
            witness.0(&Delivery { node: self.own.clone(), number, message });
        }
        self.route(number);
    }

    /// Marks the members that are owed this message: the first one in the ring that has not had it
    /// and is not failing, and the failing ones before it.
    fn route(&mut self, number: u64) {
        let Some(kept) = self.log.get(number) else { return };
        for peer in self.ring.following() {
            if kept.handed_to.as_ref() == Some(&peer) {
                return;
            }
            if kept.had.contains(&peer) {
                continue;
            }
            let owed = self.owed.entry(peer).or_default();
            owed.numbers.insert(number);
            if !owed.is_failing {
                return;
            }
        }
    }

    fn route_all(&mut self) {
        self.log.numbers().into_iter().for_each(|number| self.route(number));
    }

    /// Forgets a peer that is gone. Returns the numbers that it was owed.
    fn release(&mut self, peer: &Peer) -> BTreeSet<u64> {
        for kept in self.log.iter_mut() {
            kept.had.remove(peer);
            kept.handed_to.take_if(|handed_to| handed_to == peer);
        }
        self.owed.remove(peer).unwrap_or_default().numbers
    }

    fn refusal(&self, now: Instant) -> Refusal {
        let until = self.log.next_end().unwrap_or(now + Duration::from_secs(1));
        Refusal { retry_after: until.saturating_duration_since(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> Peer {
        Peer::new(name, 1)
    }

    /// The bus of `a` among these other members.
    fn bus(others: &[&str]) -> Bus {
        let mut bus = Bus::new(Settings::default(), peer("a"));
        for name in others {
            assert_eq!(bus.join(&peer(name), "10.0.0.1:80".parse().unwrap()), None);
        }
        bus
    }

    fn owed(bus: &Bus) -> Vec<String> {
        bus.targets().into_iter().map(|(peer, _)| peer.name.to_string()).collect()
    }

    /// Lets a member take every message that it is owed.
    fn serve(bus: &mut Bus, now: Instant, name: &str) {
        while let Some(offer) = bus.next_offer(now, &peer(name)) {
            offer.numbers.iter().for_each(|number| bus.handed_on(&peer(name), *number));
        }
    }

    #[test]
    fn a_message_goes_to_the_next_member_and_past_those_that_fail() {
        let (mut bus, now) = (bus(&["b", "c", "d"]), Instant::now());
        bus.publish(now, Bytes::from_static(b"x")).unwrap();
        assert_eq!(owed(&bus), ["b"]);
        assert!(!bus.is_settled());
        bus.failed(&peer("b"), &[1]);
        assert_eq!(owed(&bus), ["b", "c"]);
        serve(&mut bus, now, "c");
        assert_eq!(owed(&bus), ["b"], "it is tried again");
        assert!(bus.is_settled());
        serve(&mut bus, now, "b");
        assert!(owed(&bus).is_empty());
    }

    #[test]
    fn when_a_member_is_gone_the_next_one_is_owed_what_it_had_to_hand_on() {
        let (mut bus, now) = (bus(&["b", "c"]), Instant::now());
        bus.publish(now, Bytes::from_static(b"x")).unwrap();
        serve(&mut bus, now, "b");
        assert!(owed(&bus).is_empty());
        assert_eq!(bus.part("b"), Some(peer("b")));
        assert_eq!(owed(&bus), ["c"]);
        serve(&mut bus, now, "c");
        // It comes back in a new life, without any message.
        bus.join(&Peer::new("b", 2), "10.0.0.1:80".parse().unwrap());
        assert_eq!(owed(&bus), ["b"]);
    }

    #[test]
    fn nothing_is_owed_that_has_expired() {
        let (mut bus, now) = (bus(&["b"]), Instant::now());
        bus.publish(now, Bytes::from_static(b"x")).unwrap();
        let later = now + Settings::default().keep;
        assert!(bus.next_offer(later, &peer("b")).is_none());
        assert_eq!((bus.kept(), bus.waiting()), (0, 0));
    }

    #[test]
    fn a_long_row_of_failing_members_holds_nothing_up() {
        let names: Vec<String> = (0..100).map(|number| format!("n{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (mut bus, now) = (bus(&names), Instant::now());
        bus.publish(now, Bytes::from_static(b"x")).unwrap();
        for name in &names[..99] {
            bus.failed(&peer(name), &[1]);
        }
        bus.publish(now, Bytes::from_static(b"y")).unwrap();
        assert!(bus.next_offer(now, &peer("n99")).is_some_and(|offer| offer.numbers == [1, 2]));
        let retry = bus.next_offer(now, &peer("n00")).unwrap();
        assert_eq!(retry.numbers, [1], "one message is enough to try");
    }
}
