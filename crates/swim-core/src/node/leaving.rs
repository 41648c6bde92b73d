//! Leaving: the goodbye, and the end of everything that is under way.

use super::Node;
use crate::error::CommandError;
use crate::output::RequestId;
use crate::status::Status;

impl Node {
    pub(super) fn start_leave(&mut self) -> Result<RequestId, CommandError> {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        if membership.status() != Status::Running {
            return Err(CommandError::NotRunning);
        }
        let request = cx.begin_request()?;
        if let Some(stream) = detector.cancel() {
            exchange.abort(cx, stream);
        }
        exchange.stop_push_pulls();
        membership.begin_leave(cx, request);
        if membership.waits_for_name() {
            // Nobody knows this node, and its goodbye would be that of the one that has its name.
            membership.note_goodbye_heard();
            self.finish_leave();
            return Ok(request);
        }
        // Whoever it is about to join may count it as a member before the answer is here.
        if membership.members().peers() == 0 && !exchange.has_open_join() {
            self.finish_leave();
            return Ok(request);
        }
        membership.queue_goodbye(cx, gossip);
        self.tick_gossip();
        Ok(request)
    }

    /// Says the goodbye over streams if nobody has heard it, and ends the leave if it is over.
    pub(super) fn keep_leaving(&mut self) {
        let Node { cx, membership, exchange, .. } = self;
        if membership.take_unheard(cx) {
            exchange.say_goodbye(cx, membership.members());
        }
        if membership.leave_is_over(cx.now()) {
            self.finish_leave();
        }
    }

    /// The goodbye has had time to spread, or there is nobody to say it to.
    pub(super) fn finish_leave(&mut self) {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        membership.finish_leave(cx, gossip);
        exchange.stop_joins(cx);
        membership.stop_waiting(cx);
        detector.stop(cx);
        exchange.stop(cx);
        gossip.stop(cx);
    }
}
