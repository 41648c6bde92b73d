//! Input that a node cannot use: counted always, told once.

use alloc::collections::VecDeque;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::node::Node;
use crate::output::Event;
use crate::stats::DropReason;
use crate::time::Instant;

/// How long the same complaint about the same host is not repeated.
const QUIET: Duration = Duration::from_secs(60);

/// How many complaints are remembered. While all are taken nothing more is told, only counted: a
/// flood from made-up addresses must not become a flood of events.
const REMEMBERED_MAX: usize = 64;

/// The complaints told lately, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    told: VecDeque<(Instant, IpAddr, DropReason)>,
}

impl Complaints {
    fn is_news(&mut self, now: Instant, from: IpAddr, reason: DropReason) -> bool {
        while self.told.front().is_some_and(|&(at, ..)| at + QUIET <= now) {
            self.told.pop_front();
        }
        let known = self.told.iter().any(|&(_, host, why)| (host, why) == (from, reason));
        if known || self.told.len() >= REMEMBERED_MAX {
            return false;
        }
        self.told.push_back((now, from, reason));
        true
    }
}

impl Node {
    /// Counts input that was dropped for a reason that is common and harmless.
    pub(crate) fn drop_quietly(&mut self, reason: DropReason) {
        self.stats.drops[reason] += 1;
    }

    /// Counts input that was dropped for a reason that somebody should look into, and tells the
    /// first of its kind from a host.
    pub(crate) fn complain(&mut self, from: SocketAddr, reason: DropReason, stream: bool) {
        self.stats.drops[reason] += 1;
        if self.complaints.is_news(self.now(), from.ip(), reason) {
            self.emit(Event::BadInput { from, reason, stream });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_told_once_a_minute_per_host_and_reason() {
        let mut complaints = Complaints::default();
        let (start, host) = (Instant::ORIGIN, IpAddr::from([10, 0, 0, 1]));
        assert!(complaints.is_news(start, host, DropReason::Http));
        assert!(!complaints.is_news(start, host, DropReason::Http));
        assert!(complaints.is_news(start, host, DropReason::Tls));
        assert!(complaints.is_news(start + QUIET, host, DropReason::Http));
    }

    #[test]
    fn a_flood_of_hosts_does_not_become_a_flood_of_events() {
        let mut complaints = Complaints::default();
        let told = (0..1000u32).filter(|&number| {
            complaints.is_news(
                Instant::ORIGIN,
                IpAddr::from(number.to_be_bytes()),
                DropReason::Http,
            )
        });
        assert_eq!(told.count(), REMEMBERED_MAX);
    }
}
