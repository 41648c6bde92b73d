//! How often members are told what is held against them, and accusations of strangers are passed
//! on.

use alloc::collections::VecDeque;
use core::net::SocketAddr;
use core::time::Duration;

use crate::budget::Budget;
use crate::time::Instant;

/// Packets that tell a member what is believed of it, per second and at once. A healed partition
/// causes one for each member of the other half; a stranger that sends old news can cause no more.
const TELLINGS: Budget = Budget::new(64, Duration::from_millis(20));

/// How many (whom, when) are remembered so that nobody is told the same thing all the time.
const TOLD_MAX: usize = 64;

/// Accusations about unknown members passed on, per second and at once.
const HEARSAY: Budget = Budget::new(32, Duration::from_millis(250));

/// How many (name, incarnation) of such accusations are remembered. While all places are taken
/// further ones are dropped: to make room by forgetting would let a flood circulate for ever.
const HEARSAY_MAX: usize = 1024;

/// What was told and passed on lately.
#[derive(Debug)]
pub(super) struct Evidence {
    tellings: Budget,
    told: VecDeque<(Instant, SocketAddr)>,
    hearsay: Budget,
    passed_on: VecDeque<(Instant, u64, u32)>,
}

impl Default for Evidence {
    fn default() -> Self {
        Evidence {
            tellings: TELLINGS,
            told: VecDeque::new(),
            hearsay: HEARSAY,
            passed_on: VecDeque::new(),
        }
    }
}

impl Evidence {
    /// Whether `to` may be told something now; the same address not again within `quiet`.
    pub(super) fn may_tell(&mut self, now: Instant, to: SocketAddr, quiet: Duration) -> bool {
        while self.told.front().is_some_and(|&(at, _)| at + quiet <= now) {
            self.told.pop_front();
        }
        if to.ip().is_unspecified() || to.port() == 0 {
            return false;
        }
        if self.told.iter().any(|&(_, address)| address == to) || !self.tellings.take(now) {
            return false;
        }
        if self.told.len() == TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back((now, to));
        true
    }

    /// Whether an accusation about an unknown member is news that may be passed on.
    pub(super) fn may_pass_on(
        &mut self,
        now: Instant,
        name: u64,
        incarnation: u32,
        quiet: Duration,
    ) -> bool {
        while self.passed_on.front().is_some_and(|&(at, ..)| at + quiet <= now) {
            self.passed_on.pop_front();
        }
        let known = self.passed_on.iter().any(|&(_, n, i)| (n, i) == (name, incarnation));
        if known || self.passed_on.len() >= HEARSAY_MAX || !self.hearsay.take(now) {
            return false;
        }
        self.passed_on.push_back((now, name, incarnation));
        true
    }

    /// Asserts that what is remembered is in order and no more than may be.
    pub(super) fn check(&self) {
        let (told, passed_on) = (self.told.len(), self.passed_on.len());
        assert!(told <= TOLD_MAX, "{told} are told, {TOLD_MAX} are the most");
        assert!(passed_on <= HEARSAY_MAX, "{passed_on} were passed on, {HEARSAY_MAX} are the most");
        assert!(self.told.iter().is_sorted_by_key(|&(at, _)| at), "told: the oldest first");
        assert!(
            self.passed_on.iter().is_sorted_by_key(|&(at, ..)| at),
            "passed on: the oldest first"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: SocketAddr =
        SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 1);

    #[test]
    #[should_panic(expected = "65 are told, 64 are the most")]
    fn more_told_than_may_be_are_noticed() {
        let mut evidence = Evidence::default();
        evidence.told.resize(TOLD_MAX + 1, (Instant::ORIGIN, TO));
        evidence.check();
    }

    #[test]
    #[should_panic(expected = "1025 were passed on, 1024 are the most")]
    fn more_hearsay_than_may_be_is_noticed() {
        let mut evidence = Evidence::default();
        evidence.passed_on.resize(HEARSAY_MAX + 1, (Instant::ORIGIN, 1, 1));
        evidence.check();
    }

    #[test]
    #[should_panic(expected = "told: the oldest first")]
    fn tellings_out_of_order_are_noticed() {
        let mut evidence = Evidence::default();
        evidence.told.extend([(Instant::NEVER, TO), (Instant::ORIGIN, TO)]);
        evidence.check();
    }

    #[test]
    #[should_panic(expected = "passed on: the oldest first")]
    fn hearsay_out_of_order_is_noticed() {
        let mut evidence = Evidence::default();
        evidence.passed_on.extend([(Instant::NEVER, 1, 1), (Instant::ORIGIN, 2, 1)]);
        evidence.check();
    }
}
