//! Who waits for the answer to which request.

use std::collections::HashMap;

use swim_core::{Answer, Deadlines, Failure, Instant, RequestId};

use crate::command::{Pong, Reply};
use crate::error::Error;
use crate::joins::JoinId;

/// The replies that are owed. The core limits them (`requests_max`): it has a request open for
/// each, and answers each exactly once.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    table: HashMap<RequestId, Pending>,
    /// When the callers of `leave` stop waiting.
    deadlines: Deadlines<RequestId>,
}

#[derive(Debug)]
pub(crate) enum Pending {
    /// One part of a join.
    Join(JoinId),
    /// Somebody who only wants to know when it is done.
    Done(Reply<()>),
    Pong(Reply<Pong>),
    Leave {
        reply: Reply<()>,
        deadline: Instant,
    },
}

/// A part of a join was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JoinAnswer {
    pub(crate) join: JoinId,
    pub(crate) result: Result<Answer, Failure>,
}

impl Replies {
    pub(crate) fn wait(&mut self, request: RequestId, pending: Pending) {
        if let Pending::Leave { deadline, .. } = &pending {
            self.deadlines.insert(*deadline, request);
        }
        let before = self.table.insert(request, pending);
        debug_assert!(before.is_none(), "the core reused {request:?}");
    }

    /// Passes an answer on to its caller; one to a part of a join is for the caller to handle.
    /// Callers that stopped waiting are nobody's concern.
    pub(crate) fn answer(
        &mut self,
        request: RequestId,
        result: Result<Answer, Failure>,
    ) -> Option<JoinAnswer> {
        let done = |result: Result<Answer, Failure>| result.map(drop).map_err(Error::Failure);
        match self.table.remove(&request)? {
            Pending::Join(join) => return Some(JoinAnswer { join, result }),
            Pending::Done(reply) => drop(reply.send(done(result))),
            Pending::Leave { reply, deadline } => {
                self.deadlines.remove(deadline, request);
                drop(reply.send(done(result)));
            }
            Pending::Pong(reply) => match result {
                Ok(Answer::Pong { round_trip, payload }) => {
                    drop(reply.send(Ok(Pong { round_trip, payload })));
                }
                Ok(other) => debug_assert!(false, "a ping was answered with {other:?}"),
                Err(failure) => drop(reply.send(Err(failure.into()))),
            },
        }
        None
    }

    /// Tells those whose time is up. What they asked for goes on.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some((_, request)) = self.deadlines.take_due(now) {
            if let Some(Pending::Leave { reply, .. }) = self.table.remove(&request) {
                drop(reply.send(Err(Error::Timeout)));
            }
        }
    }

    /// When [`expire`](Replies::expire) is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_channel::oneshot;

    use super::*;

    const LEAVE: RequestId = RequestId(1);

    fn at(seconds: u64) -> Instant {
        Instant::ORIGIN + Duration::from_secs(seconds)
    }

    fn leaving(deadline: Instant) -> (Replies, oneshot::Receiver<Result<(), Error>>) {
        let mut replies = Replies::default();
        let (reply, answer) = oneshot::channel();
        replies.wait(LEAVE, Pending::Leave { reply, deadline });
        (replies, answer)
    }

    #[test]
    fn an_answer_reaches_its_caller_and_ends_the_wait() {
        let (mut replies, mut answer) = leaving(at(5));
        assert_eq!(replies.deadline(), Some(at(5)));
        assert_eq!(replies.answer(LEAVE, Ok(Answer::Left)), None);
        assert_eq!(answer.try_recv(), Ok(Some(Ok(()))));
        assert_eq!(replies.deadline(), None);
    }

    #[test]
    fn a_leave_times_out_at_its_deadline_and_a_later_answer_is_ignored() {
        let (mut replies, mut answer) = leaving(at(5));
        replies.expire(at(4));
        assert_eq!(answer.try_recv(), Ok(None));
        replies.expire(at(5));
        assert_eq!(answer.try_recv(), Ok(Some(Err(Error::Timeout))));
        assert_eq!(replies.answer(LEAVE, Ok(Answer::Left)), None);
    }

    #[test]
    fn a_caller_that_left_is_no_trouble() {
        let (mut replies, answer) = leaving(at(5));
        drop(answer);
        assert_eq!(replies.answer(LEAVE, Err(Failure::Stopped)), None);
    }
}
