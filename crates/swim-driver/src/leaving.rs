//! Leaving the cluster: the outcome, and the callers that wait for it.

use std::fmt;

use swim_core::{Failure, Instant, RequestId};

use crate::command::Reply;
use crate::error::Error;

/// How a leave went.
///
/// ```
/// use std::time::Duration;
/// # use swim_driver::{Cluster, Departure, Error};
/// async fn leave(cluster: &Cluster) -> Result<(), Error> {
///     match cluster.leave(Duration::from_secs(5)).await? {
///         Departure::TimedOut => eprintln!("peers may see this node as failed"),
///         departure => println!("{departure}"),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Departure {
    /// The leave was gossiped its full number of times, and a peer acknowledged it.
    ///
    /// Peers see this node as left.
    Left,
    /// This node knew no live peer.
    NobodyToTell,
    /// The leave was not gossiped its full number of times within the timeout.
    ///
    /// It may or may not have reached a peer. Peers that it did not reach see this node as failed
    /// once it stops.
    TimedOut,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Departure::Left => "left the cluster",
            Departure::NobodyToTell => "left the cluster; no live peer was known",
            Departure::TimedOut => {
                "the leave did not spread within the timeout: peers may see this node as failed"
            }
        })
    }
}

/// The current or last leave, and its callers.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    request: Option<RequestId>,
    /// There was a live peer when it began.
    has_peers: bool,
    /// Why the last one failed, if it did.
    failure: Option<Failure>,
    waiting: Vec<(Instant, Reply<Departure>)>,
}

impl Leaving {
    /// A leave begins.
    pub(crate) fn begin(&mut self, request: RequestId, has_peers: bool) {
        (self.request, self.has_peers, self.failure) = (Some(request), has_peers, None);
    }

    /// Has a caller wait until the leave under way ends, or until `deadline`.
    pub(crate) fn wait(&mut self, reply: Reply<Departure>, deadline: Instant) {
        // Drops callers that gave up, so that repeated calls do not pile up.
        self.waiting.retain(|(_, reply)| !reply.is_canceled());
        self.waiting.push((deadline, reply));
    }

    /// The outcome of a leave that has ended.
    pub(crate) fn outcome(&self) -> Result<Departure, Error> {
        match &self.failure {
            Some(failure) => Err(Error::Failure(failure.clone())),
            None if self.has_peers => Ok(Departure::Left),
            None => Ok(Departure::NobodyToTell),
        }
    }

    /// Handles the answer to the leave. False if the request is another one.
    pub(crate) fn answered(&mut self, request: RequestId, result: Result<(), &Failure>) -> bool {
        if self.request != Some(request) {
            return false;
        }
        (self.request, self.failure) = (None, result.err().cloned());
        let outcome = self.outcome();
        for (_, reply) in self.waiting.drain(..) {
            // The caller may have stopped waiting.
            drop(reply.send(outcome.clone()));
        }
        true
    }

    /// Answers the callers whose time is up. The leave goes on.
    pub(crate) fn expire(&mut self, now: Instant) {
        let timed_out = if self.has_peers { Departure::TimedOut } else { Departure::NobodyToTell };
        for (_, reply) in self.waiting.extract_if(.., |(deadline, _)| *deadline <= now) {
            drop(reply.send(Ok(timed_out)));
        }
    }

    /// When [`expire`](Leaving::expire) is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|(deadline, _)| *deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_channel::oneshot;

    use super::*;

    const LEAVE: RequestId = RequestId(1);

    type Answer = oneshot::Receiver<Result<Departure, Error>>;

    fn at(seconds: u64) -> Instant {
        Instant::ORIGIN + Duration::from_secs(seconds)
    }

    fn leaving(has_peers: bool, deadline: Instant) -> (Leaving, Answer) {
        let mut leaving = Leaving::default();
        leaving.begin(LEAVE, has_peers);
        let answer = wait(&mut leaving, deadline);
        (leaving, answer)
    }

    fn wait(leaving: &mut Leaving, deadline: Instant) -> Answer {
        let (reply, answer) = oneshot::channel();
        leaving.wait(reply, deadline);
        answer
    }

    #[test]
    fn every_caller_hears_how_it_went_and_the_wait_ends() {
        let (mut leaving, mut first) = leaving(true, at(5));
        let mut second = wait(&mut leaving, at(3));
        assert_eq!(leaving.deadline(), Some(at(3)));
        assert!(!leaving.answered(RequestId(2), Ok(())));
        assert!(leaving.answered(LEAVE, Ok(())));
        assert_eq!(first.try_recv(), Ok(Some(Ok(Departure::Left))));
        assert_eq!(second.try_recv(), Ok(Some(Ok(Departure::Left))));
        assert_eq!(leaving.deadline(), None);
        assert!(!leaving.answered(LEAVE, Ok(())), "only once");
    }

    #[test]
    fn a_caller_stops_waiting_at_its_deadline_and_the_others_wait_on() {
        let (mut leaving, mut first) = leaving(true, at(5));
        let mut second = wait(&mut leaving, at(3));
        leaving.expire(at(3));
        assert_eq!(first.try_recv(), Ok(None));
        assert_eq!(second.try_recv(), Ok(Some(Ok(Departure::TimedOut))));
        assert!(leaving.answered(LEAVE, Err(&Failure::Stopped)));
        assert_eq!(first.try_recv(), Ok(Some(Err(Error::Failure(Failure::Stopped)))));
    }

    #[test]
    fn without_a_live_peer_nobody_can_be_told() {
        let (mut in_time, mut answer) = leaving(false, at(5));
        assert!(in_time.answered(LEAVE, Ok(())));
        assert_eq!(answer.try_recv(), Ok(Some(Ok(Departure::NobodyToTell))));
        let (mut late, mut answer) = leaving(false, at(5));
        late.expire(at(5));
        assert_eq!(answer.try_recv(), Ok(Some(Ok(Departure::NobodyToTell))));
    }

    #[test]
    fn a_leave_that_nobody_heard_is_an_error_for_all_callers_also_later_ones() {
        let (mut leaving, mut answer) = leaving(true, at(5));
        let unheard = Err(Error::Failure(Failure::NobodyHeard));
        assert!(leaving.answered(LEAVE, Err(&Failure::NobodyHeard)));
        assert_eq!(answer.try_recv(), Ok(Some(unheard.clone())));
        assert_eq!(leaving.outcome(), unheard);
        leaving.begin(RequestId(2), true);
        assert!(leaving.answered(RequestId(2), Ok(())));
        assert_eq!(leaving.outcome(), Ok(Departure::Left), "it came back, and left again");
    }

    #[test]
    fn callers_that_stopped_waiting_do_not_pile_up() {
        let (mut leaving, answer) = leaving(true, at(5));
        drop(answer);
        let _answer = wait(&mut leaving, at(7));
        assert_eq!(leaving.waiting.len(), 1);
    }
}
