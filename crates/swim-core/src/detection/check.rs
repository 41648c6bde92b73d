//! Invariants of the detector.

use super::Detector;
use crate::config::Config;
use crate::members::{Members, Slot};
use crate::output::RequestId;

impl Detector {
    /// Asserts that records of pings match, keep to their limits, and are about members.
    pub(crate) fn check(&self, config: &Config, members: &Members) {
        self.health.check();
        self.asked.check();
        self.own_address.check(members);
        if let Some(sequence) = self.own_address.sequence() {
            assert!(self.pings.has(sequence), "the own address is doubted without end");
        }
        self.pings.check(members, config.relays_max);
        for (&slot, &count) in &self.detours {
            assert!(members.holds(slot), "indirect answers of {slot:?}, which is forgotten");
            assert!(count > 0, "no indirect answers of {slot:?} are counted");
        }
        if let Some(probe) = &self.current {
            probe.check();
            let (target, sequence) = (probe.target(), probe.sequence());
            assert!(members.holds(target), "a probe of {target:?}, who is forgotten");
            assert_ne!(target, Slot::LOCAL, "a probe of the node itself");
            assert!(!self.pings.has(sequence), "another ping has the number of the probe");
        }
    }

    /// Commands that wait for a ping.
    pub(crate) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.pings.requests()
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::super::own_address::OwnAddress;
    use super::super::pings::{Pending, Relay};
    use super::*;
    use crate::member::{Incarnation, State, Versions};
    use crate::members::Announcement;
    use crate::random::Random;
    use crate::time::Instant;

    fn config() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    /// The node itself and a peer.
    fn members() -> (Members, Slot) {
        let mut members = Members::new(&mut Random::new([1; 32]));
        let new = Announcement {
            incarnation: Incarnation(1),
            address: SocketAddr::from(([10, 0, 0, 1], 7946)),
            meta: b"",
            versions: Versions::DEFAULT,
        };
        members.add(Instant::ORIGIN, "a", &new);
        let peer = members.add(Instant::ORIGIN, "b", &new);
        (members, peer)
    }

    fn relay() -> Pending {
        let asker = SocketAddr::from(([10, 0, 0, 9], 7946));
        Pending::Relay(Relay {
            asker,
            for_member: true,
            sequence: 1,
            wants_nack: false,
            expires: Instant::NEVER,
        })
    }

    /// A detector that waits for two pings of its own and one that it relays.
    fn detector() -> Detector {
        let (members, member) = members();
        let mut detector = Detector::new(&config(), Random::new([2; 32]));
        let to = SocketAddr::from(([10, 0, 0, 1], 7946));
        detector.pings.wait(7, to, Instant::ORIGIN, Pending::Retry { member });
        detector.pings.wait(8, to, Instant::ORIGIN, relay());
        detector.pings.wait(9, to, Instant::ORIGIN, Pending::Check { member });
        detector.detours.insert(member, 1);
        detector.check(&config(), &members);
        detector
    }

    fn check(detector: &Detector) {
        detector.check(&config(), &members().0);
    }

    #[test]
    #[should_panic(expected = "the check of Slot(1)")]
    fn a_check_that_would_be_sent_twice_is_noticed() {
        let mut detector = detector();
        detector.pings.lose_check(members().1);
        check(&detector);
    }

    #[test]
    #[should_panic(expected = "the own address is doubted without end")]
    fn a_doubt_of_the_own_address_without_end_is_noticed() {
        let mut detector = detector();
        detector.own_address = OwnAddress::doubted(7);
        check(&detector);
        detector.own_address = OwnAddress::doubted(10);
        check(&detector);
    }

    fn check_without_the_peer(detector: &Detector) {
        let (mut members, peer) = members();
        members.set_state(Instant::ORIGIN, peer, State::Failed);
        members.forget(peer);
        detector.check(&config(), &members);
    }

    #[test]
    #[should_panic(expected = "1 pings sent for others, relays_max is 0")]
    fn more_relays_than_may_be_are_noticed() {
        detector().check(&Config { relays_max: 0, ..config() }, &members().0);
    }

    #[test]
    #[should_panic(expected = "a ping of Slot(1), who is forgotten")]
    fn a_ping_of_nobody_is_noticed() {
        check_without_the_peer(&detector());
    }

    #[test]
    #[should_panic(expected = "indirect answers of Slot(1), which is forgotten")]
    fn detours_of_nobody_are_noticed() {
        let (_, peer) = members();
        let mut detector = detector();
        detector.pings.forget(peer);
        check_without_the_peer(&detector);
    }

    #[test]
    #[should_panic(expected = "no indirect answers of Slot(1) are counted")]
    fn no_detour_at_all_is_noticed() {
        let (_, peer) = members();
        let mut detector = detector();
        detector.detours.insert(peer, 0);
        check(&detector);
    }
}
