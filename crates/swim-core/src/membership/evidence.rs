//! Rate limits on notifying accused members and on passing on accusations of strangers.

use alloc::collections::VecDeque;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::budget::Budget;
use crate::member::Incarnation;
use crate::members::Standing;
use crate::time::Instant;

/// Limit on packets that tell members what is held against them, for members that this node heard
/// from directly. A healed partition causes one packet for each member of the other half.
const TELLINGS: Budget = Budget::new(64, Duration::from_millis(20));

/// The same limit for members known from hearsay, and again for everybody else. Neither uses up the
/// limit above.
const TELLINGS_OF_OTHERS: Budget = Budget::new(32, Duration::from_millis(40));

/// How many (time, address) pairs are remembered of each kind, so that no address is told the same
/// thing all the time.
const TOLD_MAX: usize = 64;

/// Limit on accusations about unknown members that are passed on: one for those from hosts of live
/// members, and again one for the rest.
const HEARSAY: Budget = Budget::new(32, Duration::from_millis(250));

/// How many such accusations (name, incarnation) are remembered, of either kind. Further ones are
/// dropped while all places are taken: forgetting to make room would let a flood circulate for
/// ever.
const HEARSAY_MAX: usize = 512;

/// One host has a quarter of [`HEARSAY`]: this many accusations in this time.
const HEARSAY_OF_HOST_MAX: usize = 8;
const HEARSAY_OF_HOST_TIME: Duration = Duration::from_secs(8);

/// How far an accusation may be above the known incarnation. Honest ones concern an incarnation
/// that the member announced itself, and hardly any peer misses that many refutations. A member
/// that restarts jumps further, but its alive is heard first. Using up the incarnations takes
/// 65,536 forged accusations, all of them refuted.
const ACCUSATION_JUMP_MAX: u32 = 1 << 16;

/// Whether a node that knows a live member at one incarnation follows an accusation at another.
#[inline]
pub(super) fn is_followed(known: Incarnation, accused: Incarnation) -> bool {
    accused.0.saturating_sub(known.0) <= ACCUSATION_JUMP_MAX
}

/// Recent notifications and accusations passed on.
#[derive(Debug)]
pub(super) struct Evidence {
    /// By [`Standing`] of the member notified.
    told: [Told; 3],
    /// From strangers, from hosts of members.
    passed_on: [PassedOn; 2],
}

#[derive(Debug)]
struct Told {
    budget: Budget,
    /// By [`Telling`].
    whom: [VecDeque<(Instant, SocketAddr)>; 2],
}

/// How a member is notified. Each way is limited on its own: otherwise a member that pings all the
/// time would get nothing but notes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Telling {
    /// In a packet of its own.
    Packet = 0,
    /// In the ack to its ping.
    Note = 1,
}

#[derive(Debug)]
struct PassedOn {
    budget: Budget,
    what: VecDeque<(Instant, Hearsay)>,
}

/// An accusation about an unknown member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hearsay {
    /// Keyed hash of the name.
    pub(super) name: u64,
    pub(super) incarnation: u32,
    /// Host that sent it.
    pub(super) host: IpAddr,
}

impl Default for Evidence {
    fn default() -> Self {
        let told = |budget| Told { budget, whom: [VecDeque::new(), VecDeque::new()] };
        let passed_on = || PassedOn { budget: HEARSAY, what: VecDeque::new() };
        Evidence {
            told: [told(TELLINGS_OF_OTHERS), told(TELLINGS_OF_OTHERS), told(TELLINGS)],
            passed_on: [passed_on(), passed_on()],
        }
    }
}

impl Evidence {
    /// Whether `to`, with this standing, may be notified now: at most once per `quiet`, and within
    /// the budget.
    pub(super) fn may_tell(
        &mut self,
        now: Instant,
        (telling, to): (Telling, SocketAddr),
        quiet: Duration,
        standing: Standing,
    ) -> bool {
        let Told { budget, whom } = &mut self.told[standing as usize];
        let whom = &mut whom[telling as usize];
        while whom.front().is_some_and(|&(at, _)| at + quiet <= now) {
            whom.pop_front();
        }
        if to.ip().is_unspecified() || to.port() == 0 {
            return false;
        }
        if whom.iter().any(|&(_, address)| address == to) || !budget.take(now) {
            return false;
        }
        if whom.len() == TOLD_MAX {
            whom.pop_front();
        }
        whom.push_back((now, to));
        true
    }

    /// Whether to pass on an accusation about an unknown member: it is news, and within the limits.
    /// `from_member` means that it comes from the host of a live member.
    pub(super) fn may_pass_on(
        &mut self,
        now: Instant,
        hearsay: Hearsay,
        from_member: bool,
        quiet: Duration,
    ) -> bool {
        for PassedOn { what, .. } in &mut self.passed_on {
            while what.front().is_some_and(|&(at, _)| at + quiet <= now) {
                what.pop_front();
            }
            if what.iter().any(|(_, known)| known.is_about_the_same(hearsay)) {
                return false;
            }
        }
        let PassedOn { budget, what } = &mut self.passed_on[usize::from(from_member)];
        let of_host = what.iter().rev().take_while(|&&(at, _)| now - at < HEARSAY_OF_HOST_TIME);
        let of_host = of_host.filter(|(_, other)| other.host == hearsay.host).count();
        if of_host >= HEARSAY_OF_HOST_MAX || what.len() >= HEARSAY_MAX || !budget.take(now) {
            return false;
        }
        what.push_back((now, hearsay));
        true
    }

    /// Asserts that records are in order and within their limits.
    pub(super) fn check(&self) {
        for whom in self.told.iter().flat_map(|told| &told.whom) {
            let told = whom.len();
            assert!(told <= TOLD_MAX, "{told} are told, {TOLD_MAX} are the most");
            assert!(whom.iter().is_sorted_by_key(|&(at, _)| at), "told: the oldest first");
        }
        for PassedOn { what, .. } in &self.passed_on {
            let (passed_on, max) = (what.len(), HEARSAY_MAX);
            assert!(passed_on <= max, "{passed_on} were passed on, {max} are the most");
            assert!(what.iter().is_sorted_by_key(|&(at, _)| at), "passed on: the oldest first");
        }
    }
}

impl Hearsay {
    fn is_about_the_same(self, other: Hearsay) -> bool {
        (self.name, self.incarnation) == (other.name, other.incarnation)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const HOST: IpAddr = IpAddr::V4(core::net::Ipv4Addr::LOCALHOST);
    const TO: SocketAddr = SocketAddr::new(HOST, 1);
    const HEARSAY: Hearsay = Hearsay { name: 1, incarnation: 1, host: HOST };

    #[test]
    fn strangers_take_nothing_of_what_members_have() {
        let (mut evidence, now) = (Evidence::default(), Instant::ORIGIN);
        let to = |port| SocketAddr::new(HOST, port);
        let mut told = |standing| {
            let may = |&port: &u16| {
                evidence.may_tell(now, (Telling::Packet, to(port)), Duration::MAX, standing)
            };
            (1..1000).filter(may).count()
        };
        assert_eq!([Standing::Stranger, Standing::Announced].map(&mut told), [32, 32]);
        assert_eq!(told(Standing::Known), 64);
    }

    #[test]
    fn one_host_has_a_quarter_of_what_is_passed_on() {
        let (mut evidence, now) = (Evidence::default(), Instant::ORIGIN);
        let mut passed_on = |from: u8, host: IpAddr| {
            let hearsay =
                |number| Hearsay { name: u64::from(from) << 32 | number, host, ..HEARSAY };
            let may = |&number: &u64| {
                evidence.may_pass_on(now, hearsay(number), true, Duration::from_secs(30))
            };
            (0..100).filter(may).count()
        };
        let host = |last| IpAddr::from([10, 0, 0, last]);
        let counts: Vec<usize> = (1..=5).map(|from| passed_on(from, host(from))).collect();
        assert_eq!(counts, [8, 8, 8, 8, 0], "32 are passed on at once");
    }

    #[test]
    #[should_panic(expected = "65 are told, 64 are the most")]
    fn more_told_than_may_be_are_noticed() {
        let mut evidence = Evidence::default();
        evidence.told[0].whom[1].resize(TOLD_MAX + 1, (Instant::ORIGIN, TO));
        evidence.check();
    }

    #[test]
    #[should_panic(expected = "513 were passed on, 512 are the most")]
    fn more_hearsay_than_may_be_is_noticed() {
        let mut evidence = Evidence::default();
        evidence.passed_on[0].what.resize(HEARSAY_MAX + 1, (Instant::ORIGIN, HEARSAY));
        evidence.check();
    }

    #[test]
    #[should_panic(expected = "told: the oldest first")]
    fn tellings_out_of_order_are_noticed() {
        let mut evidence = Evidence::default();
        evidence.told[2].whom[0].extend([(Instant::NEVER, TO), (Instant::ORIGIN, TO)]);
        evidence.check();
    }

    #[test]
    #[should_panic(expected = "passed on: the oldest first")]
    fn hearsay_out_of_order_is_noticed() {
        let mut evidence = Evidence::default();
        let what = &mut evidence.passed_on[1].what;
        what.extend([(Instant::NEVER, HEARSAY), (Instant::ORIGIN, HEARSAY)]);
        evidence.check();
    }
}
