//! Inputs, outputs, and the turn that runs each input and command.

use core::net::SocketAddr;

use super::Node;
use crate::address::canonical;
use crate::error::Refused;
use crate::output::{Event, Output, StreamId, StreamInput};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::time::Instant;

/// Inputs and outputs.
impl Node {
    /// Handles a datagram. It may hold anything: this neither fails nor panics.
    ///
    /// Unusable input is counted in [`Stats::drops`](crate::Stats::drops).
    pub fn handle_packet(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.turn(now, |node| node.receive_packet(canonical(from), datagram));
    }

    /// Decides whether to take a connection that a peer opened, before reading from it.
    ///
    /// # Errors
    ///
    /// [`Refused`]: close the connection.
    pub fn handle_accept(&mut self, now: Instant, from: SocketAddr) -> Result<StreamId, Refused> {
        let from = canonical(from);
        self.turn(now, |node| {
            let known = node.membership.members().any_at(from.ip());
            node.exchange.accept(&mut node.cx, from, known)
        })
    }

    /// Handles news about a stream. Ignores a stream that the node has given up.
    pub fn handle_stream(&mut self, now: Instant, id: StreamId, input: StreamInput<'_>) {
        self.turn(now, |node| node.receive_stream(id, input));
    }

    /// Ends a stream that cannot be used, for a reason that the caller found.
    ///
    /// Counts it, and reports it as bad input. Ignores a stream that the node has given up.
    pub fn reject_stream(&mut self, now: Instant, id: StreamId, reason: DropReason) {
        self.turn(now, |node| node.exchange.reject(&mut node.cx, id, reason));
    }

    /// Does what is due. Safe to call early, late, or twice.
    ///
    /// Called at exactly the time that [`poll_timeout`](Node::poll_timeout) returned, it makes
    /// progress. Give the node what has arrived *before* this call, so that an answer that waited
    /// in a socket is not taken for silence.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.turn(now, Node::keep_deadlines_once);
    }

    /// Takes the next output for the caller to act on. Changes no protocol state.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.cx.outputs.take()
    }

    /// When to call [`handle_timeout`](Node::handle_timeout), in the caller's time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_deadline().map(|deadline| self.cx.clock.to_caller(deadline))
    }

    /// Runs a command or input: time advances, the action runs, and its effects on the whole node
    /// follow.
    #[inline]
    pub(super) fn turn<T>(&mut self, now: Instant, act: impl FnOnce(&mut Node) -> T) -> T {
        self.advance(now);
        let outcome = act(self);
        self.note_goodbye();
        self.gossip.arm(&self.cx, self.membership.members());
        outcome
    }

    /// Continues the leave once the leave message was sent its full number of times.
    #[inline]
    pub(super) fn note_goodbye(&mut self) {
        if self.gossip.take_goodbye_sent() {
            self.let_goodbye_spread();
        }
    }

    #[cold]
    fn let_goodbye_spread(&mut self) {
        self.membership.let_goodbye_spread(&self.cx);
        // With no peers left to spread it, the leave is over. At the end of a turn nothing may be
        // due.
        if self.membership.leave_is_over(self.cx.now()) {
            self.finish_leave();
        }
    }

    /// Advances the node's time, so that a stall is noticed before input from that time is judged.
    #[inline]
    fn advance(&mut self, now: Instant) {
        let cx = &self.cx;
        // Nothing was due when deadlines were last kept, so none was missed by more than the time
        // since then. This spares a search for the next deadline on almost every packet.
        let tolerance = cx.config.lateness.then_some(cx.config.probe_interval);
        let unkept = cx.now() + cx.clock.until(now) - self.kept_deadlines_at;
        let due = if unkept > cx.config.probe_interval { self.next_deadline() } else { None };
        if let Some(by) = self.cx.clock.advance(now, due, tolerance) {
            self.cx.stats.stalls += 1;
            self.cx.emit(Event::Late { by });
        }
    }

    fn keep_deadlines_once(&mut self) {
        let now = self.cx.now();
        let dawdles = self.cx.config.breaks(Sabotage::Dawdles) && self.kept_deadlines_at != now;
        if !dawdles {
            self.keep_deadlines();
        }
        self.kept_deadlines_at = now;
    }
}
