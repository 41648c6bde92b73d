//! Recent reports about hosts.

use alloc::collections::{BTreeSet, VecDeque};
use core::net::IpAddr;
use core::time::Duration;

use crate::time::Instant;

/// How long the same report about the same host is not repeated.
const QUIET: Duration = Duration::from_secs(60);

/// How many reports are remembered. While all places are taken, further input is only counted, so
/// that a flood from made-up addresses does not become a flood of events.
const REMEMBERED_MAX: usize = 64;

/// The recent reports, each for a reason.
#[derive(Debug)]
pub(crate) struct Reported<R> {
    /// Oldest first.
    told: VecDeque<(Instant, IpAddr, R)>,
    /// The same reports, for a fast search: bad input may be one byte long.
    known: BTreeSet<(u128, R)>,
}

impl<R> Default for Reported<R> {
    fn default() -> Self {
        Reported { told: VecDeque::new(), known: BTreeSet::new() }
    }
}

impl<R: Copy + Ord> Reported<R> {
    /// Whether this is the first report of its kind for a while.
    pub(crate) fn is_news(&mut self, now: Instant, from: IpAddr, reason: R) -> bool {
        while let Some(&(at, host, why)) = self.told.front()
            && at + QUIET <= now
        {
            self.told.pop_front();
            self.known.remove(&(number(host), why));
        }
        let report = (number(from), reason);
        if self.told.len() >= REMEMBERED_MAX || self.known.contains(&report) {
            return false;
        }
        self.known.insert(report);
        self.told.push_back((now, from, reason));
        true
    }

    /// Asserts that the reports are in order and within the limit.
    pub(crate) fn check(&self) {
        let (count, max) = (self.told.len(), REMEMBERED_MAX);
        assert!(count <= max, "{count} complaints are remembered, {max} are the most");
        assert!(self.told.iter().is_sorted_by_key(|&(at, ..)| at), "complaints: the oldest first");
        let is_known = |&(_, host, why): &(_, _, _)| self.known.contains(&(number(host), why));
        let known = count == self.known.len() && self.told.iter().all(is_known);
        assert!(known, "complaints: each is known");
    }
}

/// An address as a number, which compares faster than 16 bytes.
fn number(host: IpAddr) -> u128 {
    match host {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::DropReason;

    #[test]
    fn a_report_is_made_once_a_minute_per_host_and_reason() {
        let mut reported = Reported::default();
        let (start, host) = (Instant::ORIGIN, IpAddr::from([10, 0, 0, 1]));
        assert!(reported.is_news(start, host, DropReason::Http));
        assert!(!reported.is_news(start, host, DropReason::Http));
        assert!(reported.is_news(start, host, DropReason::Tls));
        assert!(reported.is_news(start + QUIET, host, DropReason::Http));
    }

    #[test]
    fn a_flood_of_hosts_does_not_become_a_flood_of_events() {
        let mut reported = Reported::default();
        let told = (0..1000u32).filter(|&number| {
            reported.is_news(Instant::ORIGIN, IpAddr::from(number.to_be_bytes()), DropReason::Http)
        });
        assert_eq!(told.count(), REMEMBERED_MAX);
    }

    #[test]
    #[should_panic(expected = "65 complaints are remembered, 64 are the most")]
    fn more_complaints_than_may_be_are_noticed() {
        let mut complaints = Reported::default();
        let one = (Instant::ORIGIN, IpAddr::from([10, 0, 0, 1]), DropReason::Http);
        complaints.told.resize(REMEMBERED_MAX + 1, one);
        complaints.check();
    }

    #[test]
    #[should_panic(expected = "complaints: the oldest first")]
    fn complaints_out_of_order_are_noticed() {
        let (mut complaints, host) = (Reported::default(), IpAddr::from([10, 0, 0, 1]));
        complaints.told.push_back((Instant::ORIGIN + QUIET, host, DropReason::Http));
        complaints.told.push_back((Instant::ORIGIN, host, DropReason::Tls));
        complaints.check();
    }

    #[test]
    #[should_panic(expected = "complaints: each is known")]
    fn a_complaint_that_would_be_repeated_is_noticed() {
        let (mut complaints, host) = (Reported::default(), IpAddr::from([10, 0, 0, 1]));
        complaints.told.push_back((Instant::ORIGIN, host, DropReason::Http));
        complaints.check();
    }
}
