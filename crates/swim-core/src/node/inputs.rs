//! Inputs, outputs, and the turn that each input and command is.

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
    /// Takes a datagram. Whatever it holds, this neither fails nor panics: what cannot be used is
    /// counted in [`Stats::drops`](crate::Stats::drops).
    pub fn handle_packet(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.turn(now, |node| node.receive_packet(canonical(from), datagram));
    }

    /// Asks whether to take a connection that a peer opened, before reading from it. On `Err`
    /// close it.
    pub fn handle_accept(&mut self, now: Instant, from: SocketAddr) -> Result<StreamId, Refused> {
        let from = canonical(from);
        self.turn(now, |node| {
            let known = node.membership.members().any_at(from.ip());
            node.exchange.accept(&mut node.cx, from, known)
        })
    }

    /// Takes news about a stream. News about a stream that the node has given up is ignored.
    pub fn handle_stream(&mut self, now: Instant, id: StreamId, input: StreamInput<'_>) {
        self.turn(now, |node| node.receive_stream(id, input));
    }

    /// Ends a stream that cannot be used, for a reason that the caller found out: counts it, and
    /// reports it as bad input. A stream that the node has given up is ignored.
    pub fn reject_stream(&mut self, now: Instant, id: StreamId, reason: DropReason) {
        self.turn(now, |node| node.exchange.reject(&mut node.cx, id, reason));
    }

    /// Does what is due. Safe to call early, late, or twice; called at exactly the time that
    /// [`poll_timeout`](Node::poll_timeout) returned it makes progress. Give the node what has
    /// arrived *before* this, so that an answer that waited in a socket is not taken for silence.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.turn(now, Node::keep_deadlines_once);
    }

    /// The next thing for the caller to do. Changes no protocol state.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.cx.outputs.take()
    }

    /// When to call [`handle_timeout`](Node::handle_timeout), in the caller's time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_deadline().map(|deadline| self.cx.clock.to_caller(deadline))
    }

    /// What every command and input is: time goes on, something is done, and what follows from it
    /// for the node as a whole.
    #[inline]
    pub(super) fn turn<T>(&mut self, now: Instant, act: impl FnOnce(&mut Node) -> T) -> T {
        self.advance(now);
        let outcome = act(self);
        self.note_goodbye();
        self.gossip.arm(&self.cx, self.membership.members());
        outcome
    }

    /// Lets the leave go on once the goodbye was sent as often as it should.
    #[inline]
    pub(super) fn note_goodbye(&mut self) {
        if self.gossip.take_goodbye_sent() {
            self.let_goodbye_spread();
        }
    }

    #[cold]
    fn let_goodbye_spread(&mut self) {
        self.membership.let_goodbye_spread(&self.cx);
        // With nobody left to tell each other it is over. At the end of a turn nothing may be due.
        if self.membership.leave_is_over(self.cx.now()) {
            self.finish_leave();
        }
    }

    /// Moves the node's time on, so that a stall is noticed before anything that arrived during it
    /// is judged.
    #[inline]
    fn advance(&mut self, now: Instant) {
        let cx = &self.cx;
        // Nothing was due when deadlines were last kept, so a deadline cannot have been missed by
        // more than the time since then. Spares looking for the deadline on almost every packet.
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
