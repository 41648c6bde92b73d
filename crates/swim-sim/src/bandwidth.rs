//! The bandwidth of hosts, and the queue of datagrams that wait for it.

use core::time::Duration;

use swim_core::Instant;

/// How fast a host sends.
///
/// Datagrams wait in a queue of limited length, and are dropped if it is full (tail drop). Streams
/// have as much bandwidth again, separate from datagrams, as with fair queueing (`fq_codel`, the
/// default of Linux): a large exchange does not push datagrams out. Data of streams waits, and is
/// never dropped. Receiving is not limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bytes of payload per second. More than zero.
    pub bytes_per_second: u64,
    /// How many bytes of datagrams can wait. An idle link takes a datagram of any size.
    pub queue_bytes: u64,
}

/// The uplinks of all hosts.
#[derive(Debug, Default)]
pub(crate) struct Uplinks {
    general: Option<Bandwidth>,
    uplinks: Vec<Uplink>,
}

/// The uplink of a host.
#[derive(Clone, Copy, Debug, Default)]
struct Uplink {
    /// Replaces the general bandwidth.
    own: Option<Option<Bandwidth>>,
    /// When the datagrams queued so far have left.
    datagrams_until: Instant,
    /// The same for streams.
    streams_until: Instant,
}

impl Uplinks {
    /// Whether no host has a limit.
    pub(crate) fn are_unlimited(&self) -> bool {
        self.general.is_none() && self.uplinks.iter().all(|uplink| uplink.own.flatten().is_none())
    }

    /// Sets the bandwidth of every host without one of its own.
    #[track_caller]
    pub(crate) fn set(&mut self, bandwidth: Option<Bandwidth>) {
        check(bandwidth);
        self.general = bandwidth;
    }

    /// Sets the bandwidth of one host.
    #[track_caller]
    pub(crate) fn set_of(&mut self, host: u32, bandwidth: Option<Bandwidth>) {
        check(bandwidth);
        if let Some(uplink) = self.uplink(host) {
            uplink.own = Some(bandwidth);
        }
    }

    /// When a datagram sent now has left its host; `None` if it is dropped.
    pub(crate) fn datagram(&mut self, now: Instant, host: u32, bytes: usize) -> Option<Instant> {
        let general = self.general;
        let Some(uplink) = self.uplink(host) else {
            return Some(now);
        };
        let Some(bandwidth) = uplink.own.unwrap_or(general) else {
            return Some(now);
        };
        let (bytes, wait) = (bytes as u64, uplink.datagrams_until - now);
        let waiting = bandwidth.bytes_in(wait);
        if waiting > 0 && waiting.saturating_add(bytes) > bandwidth.queue_bytes {
            return None;
        }
        uplink.datagrams_until = now + wait + bandwidth.time_for(bytes);
        Some(uplink.datagrams_until)
    }

    /// When bytes written to a stream now have left the host.
    pub(crate) fn stream(&mut self, now: Instant, host: u32, bytes: usize) -> Instant {
        let general = self.general;
        let Some(uplink) = self.uplink(host) else {
            return now;
        };
        let Some(bandwidth) = uplink.own.unwrap_or(general) else {
            return now;
        };
        uplink.streams_until = uplink.streams_until.max(now) + bandwidth.time_for(bytes as u64);
        uplink.streams_until
    }

    /// `None` outside the world.
    fn uplink(&mut self, host: u32) -> Option<&mut Uplink> {
        if host == crate::network::OUTSIDE {
            return None;
        }
        let host = host as usize;
        if self.uplinks.len() <= host {
            self.uplinks.resize(host + 1, Uplink::default());
        }
        Some(&mut self.uplinks[host])
    }
}

impl Bandwidth {
    fn time_for(self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn bytes_in(self, time: Duration) -> u64 {
        let bytes = (time.as_nanos() * u128::from(self.bytes_per_second)).div_ceil(1_000_000_000);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

#[track_caller]
fn check(bandwidth: Option<Bandwidth>) {
    assert!(
        bandwidth.is_none_or(|bandwidth| bandwidth.bytes_per_second > 0),
        "a bandwidth is more than zero; a cut stops everything"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{millis, secs};

    const SLOW: Bandwidth = Bandwidth { bytes_per_second: 1000, queue_bytes: 500 };

    fn slow() -> Uplinks {
        let mut uplinks = Uplinks::default();
        uplinks.set(Some(SLOW));
        uplinks
    }

    #[test]
    fn datagrams_leave_one_after_the_other() {
        let mut uplinks = slow();
        let start = Instant::ORIGIN + secs(1);
        assert_eq!(uplinks.datagram(start, 0, 100), Some(start + millis(100)));
        assert_eq!(uplinks.datagram(start, 0, 100), Some(start + millis(200)));
        assert_eq!(uplinks.datagram(start, 1, 100), Some(start + millis(100)));
        assert_eq!(uplinks.datagram(start + secs(1), 0, 50), Some(start + millis(1050)));
    }

    #[test]
    fn what_finds_the_queue_full_is_dropped_and_a_smaller_one_still_fits() {
        let mut uplinks = slow();
        let start = Instant::ORIGIN + secs(1);
        assert!(uplinks.datagram(start, 0, 400).is_some());
        assert_eq!(uplinks.datagram(start, 0, 101), None);
        assert_eq!(uplinks.datagram(start, 0, 100), Some(start + millis(500)));
        // 300 bytes have left.
        assert_eq!(uplinks.datagram(start + millis(300), 0, 301), None);
        assert!(uplinks.datagram(start + millis(300), 0, 300).is_some());
    }

    #[test]
    fn an_idle_link_takes_a_datagram_larger_than_its_queue() {
        assert!(slow().datagram(Instant::ORIGIN, 0, 1400).is_some());
    }

    #[test]
    fn streams_wait_and_leave_datagrams_alone() {
        let mut uplinks = slow();
        let start = Instant::ORIGIN;
        assert_eq!(uplinks.stream(start, 0, 10_000), start + secs(10));
        assert_eq!(uplinks.stream(start, 0, 1000), start + secs(11));
        assert_eq!(uplinks.datagram(start, 0, 100), Some(start + millis(100)));
    }

    #[test]
    fn one_host_may_be_slower_or_faster_than_the_others() {
        let mut uplinks = Uplinks::default();
        assert!(uplinks.are_unlimited());
        uplinks.set_of(1, Some(SLOW));
        assert!(!uplinks.are_unlimited());
        assert_eq!(uplinks.datagram(Instant::ORIGIN, 0, 500), Some(Instant::ORIGIN));
        assert_eq!(uplinks.datagram(Instant::ORIGIN, 1, 500), Some(Instant::ORIGIN + millis(500)));
        uplinks.set(Some(SLOW));
        uplinks.set_of(1, None);
        assert_eq!(uplinks.datagram(Instant::ORIGIN, 1, 500), Some(Instant::ORIGIN));
    }
}
