//! Commands that wait for their answer.

use crate::error::CommandError;
use crate::node::Node;
use crate::output::{Answer, Event, Failure, RequestId};
use crate::sabotage::Sabotage;

/// Numbers the commands, and counts those that were not answered yet.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    made: u64,
    open: usize,
}

impl Node {
    /// Accepts a command. From here on it gets exactly one answer.
    pub(crate) fn begin_request(&mut self) -> Result<RequestId, CommandError> {
        if self.requests.open >= self.config.requests_max {
            return Err(CommandError::Busy { limit: "requests_max" });
        }
        self.requests.open += 1;
        self.requests.made += 1;
        Ok(RequestId(self.requests.made))
    }

    pub(crate) fn answer(&mut self, request: RequestId, result: Result<Answer, Failure>) {
        debug_assert!(self.requests.open > 0, "an answer belongs to a request");
        self.requests.open -= 1;
        if self.config.breaks(Sabotage::AnswersTwice) {
            self.emit(Event::Answer { request, result: result.clone() });
        }
        self.emit(Event::Answer { request, result });
    }
}
