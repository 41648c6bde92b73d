//! Members that answer datagrams but no streams: their TCP port is closed or filtered. They stay
//! alive, so an event must report them: only streams repair what gossip misses.

use alloc::collections::VecDeque;
use core::net::SocketAddr;

use super::Exchange;
use crate::context::Context;
use crate::members::{Members, Slot};
use crate::output::{ConnectionError, Event, Failure};

/// Streams count as blocked after this many failures in a row, with a datagram answered before
/// each. One or two failures may be a restart, or chance.
const BLOCKED_AFTER: u8 = 3;

/// How many addresses are watched. The oldest gives way; at worst it is reported a second time.
const WATCHED_MAX: usize = 64;

/// Addresses to which the latest stream failed.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    troubles: VecDeque<Trouble>,
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    address: SocketAddr,
    /// Failed streams in a row; between any two the member answered a datagram.
    failures: u8,
    /// It is being pinged over a stream again.
    asked: bool,
    told: bool,
}

/// The next step for a member that answers datagrams but no streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    AskAgain,
    Tell,
}

impl Blocked {
    fn find(&mut self, address: SocketAddr) -> Option<&mut Trouble> {
        self.troubles.iter_mut().find(|trouble| trouble.address == address)
    }

    /// Notes that a stream to this address failed.
    fn note_failure(&mut self, address: SocketAddr) {
        if let Some(trouble) = self.find(address) {
            // A crashed member answers nothing, so this still counts as the same failure.
            trouble.failures = trouble.failures.saturating_add(u8::from(trouble.asked));
            trouble.asked = false;
            return;
        }
        if self.troubles.len() == WATCHED_MAX {
            self.troubles.pop_front();
        }
        self.troubles.push_back(Trouble { address, failures: 1, asked: false, told: false });
    }

    /// Notes that a stream to this address was answered.
    fn note_answer(&mut self, address: SocketAddr) {
        self.troubles.retain(|trouble| trouble.address != address);
    }

    /// The next step after this address answered a datagram.
    fn remedy(&mut self, address: SocketAddr) -> Option<Remedy> {
        let trouble = self.find(address)?;
        if trouble.failures < BLOCKED_AFTER {
            let ask = !core::mem::replace(&mut trouble.asked, true);
            return ask.then_some(Remedy::AskAgain);
        }
        let tell = !core::mem::replace(&mut trouble.told, true);
        tell.then_some(Remedy::Tell)
    }

    /// Asserts that the number of watched addresses is within the limit.
    pub(super) fn check(&self) {
        let (count, max) = (self.troubles.len(), WATCHED_MAX);
        assert!(count <= max, "{count} addresses without streams, {max} are the most");
    }
}

impl Exchange {
    /// Notes that a stream of this node failed.
    pub(super) fn note_stream_failed(&mut self, to: SocketAddr, failure: &Failure) {
        let is_of_network = match failure {
            Failure::Timeout => true,
            // Local faults and certificate faults are reported elsewhere.
            Failure::Connection(error) => {
                !matches!(error, ConnectionError::Local | ConnectionError::Tls(_))
            }
            // The peer answered, or ended the stream in order.
            _ => false,
        };
        if is_of_network {
            self.blocked.note_failure(to);
        }
    }

    /// Notes that a stream of this node was answered.
    pub(crate) fn note_stream_answered(&mut self, from: SocketAddr) {
        if !self.blocked.troubles.is_empty() {
            self.blocked.note_answer(from);
        }
    }

    /// Notes that a member answered a datagram at its own address. If streams to it failed lately,
    /// pings it over a stream and finally reports it.
    #[inline]
    pub(crate) fn note_datagram_answered(
        &mut self,
        cx: &mut Context,
        members: &Members,
        member: Slot,
    ) {
        if !self.blocked.troubles.is_empty() {
            self.look_after_streams(cx, members, member);
        }
    }

    #[cold]
    fn look_after_streams(&mut self, cx: &mut Context, members: &Members, member: Slot) {
        match self.blocked.remedy(members.entry(member).address()) {
            Some(Remedy::AskAgain) => {
                let sequence = cx.random.next_u32();
                self.ping(cx, members, member, sequence);
            }
            Some(Remedy::Tell) => {
                let member = members.entry(member).view().to_member();
                cx.emit(Event::StreamsBlocked { member });
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> SocketAddr {
        let [.., high, low] = number.to_be_bytes();
        SocketAddr::from(([10, 0, high, low], 7946))
    }

    #[test]
    fn a_member_is_told_of_once_after_three_streams_in_a_row_that_came_to_nothing() {
        let (mut blocked, there) = (Blocked::default(), address(1));
        assert_eq!(blocked.remedy(there), None);
        for _ in 0..2 {
            blocked.note_failure(there);
            assert_eq!(blocked.remedy(there), Some(Remedy::AskAgain));
            assert_eq!(blocked.remedy(there), None, "it is being asked");
        }
        blocked.note_failure(there);
        for told in [Some(Remedy::Tell), None, None] {
            blocked.note_failure(there);
            assert_eq!(blocked.remedy(there), told);
        }
        blocked.note_answer(there);
        blocked.note_failure(there);
        assert_eq!(blocked.remedy(there), Some(Remedy::AskAgain), "it is over, and began again");
    }

    #[test]
    fn streams_to_a_member_that_answers_no_datagram_either_count_as_one() {
        let (mut blocked, there) = (Blocked::default(), address(1));
        for _ in 0..9 {
            blocked.note_failure(there);
        }
        assert_eq!(blocked.remedy(there), Some(Remedy::AskAgain));
    }

    #[test]
    fn no_more_addresses_are_watched_than_may_be() {
        let mut blocked = Blocked::default();
        for number in 0..1000 {
            blocked.note_failure(address(number));
            blocked.check();
        }
        assert_eq!(blocked.remedy(address(999)), Some(Remedy::AskAgain));
        assert_eq!(blocked.remedy(address(0)), None, "the oldest made room");
    }

    #[test]
    #[should_panic(expected = "65 addresses without streams, 64 are the most")]
    fn more_watched_than_may_be_are_noticed() {
        let mut blocked = Blocked::default();
        let trouble = Trouble { address: address(1), failures: 1, asked: false, told: false };
        blocked.troubles.extend([trouble; WATCHED_MAX + 1]);
        blocked.check();
    }
}
