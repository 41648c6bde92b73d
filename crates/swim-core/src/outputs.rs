//! The outputs of a node, in order, until the caller takes them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::config::Config;
use crate::error::CommandError;
use crate::output::{
    Answer, Event, Failure, Output, PacketKind, RequestId, StreamId, StreamOp, TlsFault,
};
use crate::reported::Reported;
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::time::Instant;

/// Room for this many outputs is kept. A join can produce one for each of 100,000 members at once;
/// that memory is released once the caller has taken them.
const OUTPUTS_KEPT: usize = 256;

/// The waiting outputs, and the number of commands that wait. Each command gets exactly one answer.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    queue: VecDeque<Output>,
    requests_made: u64,
    requests_open: usize,
    reported: Reported<DropReason>,
    /// By the fault, and by whether this node dialled.
    tls_reported: Reported<(TlsFault, bool)>,
}

impl Outputs {
    /// Accepts a command, which then gets exactly one answer.
    pub(crate) fn begin_request(&mut self, config: &Config) -> Result<RequestId, CommandError> {
        if self.requests_open >= config.requests_max {
            return Err(CommandError::Busy { limit: "requests_max" });
        }
        self.requests_open += 1;
        self.requests_made += 1;
        Ok(RequestId(self.requests_made))
    }

    pub(crate) fn answer(
        &mut self,
        config: &Config,
        request: RequestId,
        result: Result<Answer, Failure>,
    ) {
        debug_assert!(self.requests_open > 0, "an answer belongs to a request");
        if !config.breaks(Sabotage::MiscountsRequests) {
            self.requests_open -= 1;
        }
        if config.breaks(Sabotage::AnswersTwice) {
            self.queue.push_back(Output::Answer { request, result: result.clone() });
        }
        self.queue.push_back(Output::Answer { request, result });
    }

    pub(crate) fn emit(&mut self, config: &Config, event: Event) {
        if (config.breaks(Sabotage::HidesFailures) && matches!(event, Event::Failed { .. }))
            || (config.breaks(Sabotage::HidesUpdates) && matches!(event, Event::Updated { .. }))
        {
            return;
        }
        self.queue.push_back(Output::Event(event));
    }

    /// Reports unusable input: the first of its kind from a host.
    pub(crate) fn bad_input(
        &mut self,
        now: Instant,
        from: SocketAddr,
        reason: DropReason,
        stream: bool,
    ) {
        if self.reported.is_news(now, from.ip(), reason) {
            self.queue.push_back(Output::Event(Event::BadInput { from, reason, stream }));
        }
    }

    /// Reports a connection on which TLS failed: the first for its reason with a host.
    pub(crate) fn tls_failed(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        dialled: bool,
        fault: TlsFault,
    ) {
        if self.tls_reported.is_news(now, peer.ip(), (fault, dialled)) {
            self.queue.push_back(Output::Event(Event::TlsFailed { peer, dialled, fault }));
        }
    }

    #[inline]
    pub(crate) fn packet(&mut self, to: SocketAddr, payload: bytes::Bytes, kind: PacketKind) {
        self.queue.push_back(Output::Packet { to, payload, kind });
    }

    pub(crate) fn stream(&mut self, id: StreamId, op: StreamOp) {
        self.queue.push_back(Output::Stream { id, op });
    }

    /// Asserts that exactly these commands wait for answers, each once, and within the limit.
    pub(crate) fn check(&self, config: &Config, waiting: impl Iterator<Item = RequestId>) {
        let mut waiting: Vec<RequestId> = waiting.collect();
        waiting.sort_unstable();
        let once = waiting.windows(2).all(|pair| pair[0] != pair[1]);
        assert!(once, "a request that would be answered twice: {waiting:?}");
        let (open, made, max) = (self.requests_open, self.requests_made, config.requests_max);
        let future = waiting.last().is_some_and(|newest| newest.0 > made);
        assert!(!future, "a request that was not made: {waiting:?}, of {made}");
        assert!(open <= max, "{open} requests are open, requests_max is {max}");
        let forgets = config.breaks(Sabotage::NeverAnswers);
        assert!(open == waiting.len() || forgets, "{open} requests are open, {waiting:?} wait");
        self.reported.check();
        self.tls_reported.check();
    }

    /// The next output.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Output> {
        let output = self.queue.pop_front();
        if output.is_none() && self.queue.capacity() > OUTPUTS_KEPT {
            self.queue = VecDeque::new();
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    /// Two requests are open.
    fn outputs() -> Outputs {
        let mut outputs = Outputs::default();
        for number in [1, 2] {
            assert_eq!(outputs.begin_request(&config()), Ok(RequestId(number)));
        }
        check(&outputs, &[2, 1]);
        outputs
    }

    fn check(outputs: &Outputs, waiting: &[u64]) {
        outputs.check(&config(), waiting.iter().copied().map(RequestId));
    }

    #[test]
    #[should_panic(expected = "2 requests are open, [RequestId(1)] wait")]
    fn a_request_that_nobody_will_answer_is_noticed() {
        check(&outputs(), &[1]);
    }

    #[test]
    #[should_panic(expected = "a request that would be answered twice")]
    fn a_request_that_waits_twice_is_noticed() {
        check(&outputs(), &[1, 1]);
    }

    #[test]
    #[should_panic(expected = "a request that was not made")]
    fn a_request_that_was_not_made_is_noticed() {
        check(&outputs(), &[1, 3]);
    }

    #[test]
    #[should_panic(expected = "2 requests are open, requests_max is 1")]
    fn more_requests_than_may_be_are_noticed() {
        let few = Config { requests_max: 1, ..config() };
        outputs().check(&few, [RequestId(1), RequestId(2)].into_iter());
    }
}
