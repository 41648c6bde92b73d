//! The callers that wait for answers of the core.

use std::collections::HashMap;

use swim_core::{Answer, Failure, RequestId};

use crate::command::{Pong, Reply};
use crate::error::Error;
use crate::joins::JoinId;

/// The replies that are owed. The core bounds them (`requests_max`): each has an open request,
/// which the core answers exactly once.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    table: HashMap<RequestId, Pending>,
}

#[derive(Debug)]
pub(crate) enum Pending {
    /// A part of a join.
    Join(JoinId),
    /// A caller that only needs success or failure.
    Done(Reply<()>),
    Pong(Reply<Pong>),
}

/// The answer to a part of a join.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JoinAnswer {
    pub(crate) join: JoinId,
    pub(crate) result: Result<Answer, Failure>,
}

impl Replies {
    pub(crate) fn wait(&mut self, request: RequestId, pending: Pending) {
        let before = self.table.insert(request, pending);
        debug_assert!(before.is_none(), "the core reused {request:?}");
    }

    /// Passes an answer to its caller, which may have stopped waiting. Returns answers to parts of
    /// joins.
    pub(crate) fn answer(
        &mut self,
        request: RequestId,
        result: Result<Answer, Failure>,
    ) -> Option<JoinAnswer> {
        match self.table.remove(&request)? {
            Pending::Join(join) => return Some(JoinAnswer { join, result }),
            Pending::Done(reply) => {
                drop(reply.send(result.map(drop).map_err(Error::Failure)));
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
}

#[cfg(test)]
mod tests {
    use futures_channel::oneshot;

    use super::*;

    const REQUEST: RequestId = RequestId(1);

    fn waiting() -> (Replies, oneshot::Receiver<Result<(), Error>>) {
        let mut replies = Replies::default();
        let (reply, answer) = oneshot::channel();
        replies.wait(REQUEST, Pending::Done(reply));
        (replies, answer)
    }

    #[test]
    fn an_answer_reaches_its_caller_and_a_second_one_is_ignored() {
        let (mut replies, mut answer) = waiting();
        assert_eq!(replies.answer(REQUEST, Ok(Answer::Spread)), None);
        assert_eq!(answer.try_recv(), Ok(Some(Ok(()))));
        assert_eq!(replies.answer(REQUEST, Ok(Answer::Spread)), None);
    }

    #[test]
    fn a_caller_that_stopped_waiting_is_no_trouble() {
        let (mut replies, answer) = waiting();
        drop(answer);
        assert_eq!(replies.answer(REQUEST, Err(Failure::Stopped)), None);
    }
}
