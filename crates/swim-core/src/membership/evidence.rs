//! How often members are told what is held against them, and accusations of strangers are passed
//! on.

use alloc::collections::VecDeque;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::budget::Budget;
use crate::member::Incarnation;
use crate::members::Standing;
use crate::time::Instant;

/// Packets that tell members from which this node heard what is believed of them, at once and per
/// second. A healed partition causes one for each member of the other half.
const TELLINGS: Budget = Budget::new(64, Duration::from_millis(20));

/// The same to members of whom this node only heard, and again to everybody else. Whatever they
/// cause, nothing of what the members above have is left for it.
const TELLINGS_OF_OTHERS: Budget = Budget::new(32, Duration::from_millis(40));

/// How many (whom, when) are remembered, of each kind, so that nobody is told the same thing all
/// the time.
const TOLD_MAX: usize = 64;

/// Accusations about unknown members passed on, at once and per second: of what comes from hosts of
/// live members, and again of what comes from elsewhere.
const HEARSAY: Budget = Budget::new(32, Duration::from_millis(250));

/// How many (name, incarnation) of such accusations are remembered, of either kind. While all
/// places are taken further ones are dropped: to make room by forgetting would let a flood
/// circulate for ever.
const HEARSAY_MAX: usize = 512;

/// One host has a quarter of [`HEARSAY`]: so many in so long.
const HEARSAY_OF_HOST_MAX: usize = 8;
const HEARSAY_OF_HOST_TIME: Duration = Duration::from_secs(8);

/// How far an accusation may be above the incarnation that is known. Honest ones are about an
/// incarnation that the member announced itself, which is hardly ever missed by so many
/// refutations; a member that restarts jumps further, and its alive is heard first. 65,536 forged
/// accusations, all of them refuted, are needed to use up the incarnations.
const ACCUSATION_JUMP_MAX: u32 = 1 << 16;

/// Whether who knows of one incarnation of a live member follows an accusation of another.
#[inline]
pub(super) fn is_followed(known: Incarnation, accused: Incarnation) -> bool {
    accused.0.saturating_sub(known.0) <= ACCUSATION_JUMP_MAX
}

/// What was told and passed on lately.
#[derive(Debug)]
pub(super) struct Evidence {
    /// By [`Standing`] of whom it was told.
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

/// How a member is told. Each has its own turns: a member that pings all the time would get nothing
/// but notes.
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

/// An accusation of somebody unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hearsay {
    /// Stands for the name.
    pub(super) name: u64,
    pub(super) incarnation: u32,
    /// Where it comes from.
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
    /// Whether `to`, where somebody of this standing is, may be told something now; the same
    /// address not again within `quiet`.
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

    /// Whether an accusation about an unknown member is news that may be passed on; `from_member`
    /// if it comes from the host of a live member.
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

    /// Asserts that what is remembered is in order and no more than may be.
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
