//! Leaving: the leave message, and the end of everything in progress.

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
            // No peer knows this node, and its leave message would be taken for that of the name's
            // holder.
            membership.note_goodbye_heard();
            self.finish_leave();
            return Ok(request);
        }
        // A node that this one is joining may count it as a member before the answer is here.
        if membership.members().peers() == 0 && !exchange.has_open_join() {
            self.finish_leave();
            return Ok(request);
        }
        membership.queue_goodbye(cx, gossip);
        self.tick_gossip();
        Ok(request)
    }

    /// Sends the leave message over streams if no peer acknowledged it. Ends the leave if it is
    /// over.
    pub(super) fn keep_leaving(&mut self) {
        let Node { cx, membership, exchange, .. } = self;
        if membership.take_unheard(cx) {
            exchange.say_goodbye(cx, membership.members());
        }
        if membership.leave_is_over(cx.now()) {
            self.finish_leave();
        }
    }

    /// Ends the leave: the leave message has had time to spread, or there is no peer.
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
