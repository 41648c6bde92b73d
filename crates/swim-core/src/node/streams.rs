//! Streams: the effects of a peer's part of an exchange.

use core::net::SocketAddr;

use super::Node;
use super::naming::is_about_a_name;
use super::packets::told;
use crate::channel::Framed;
use crate::config::Config;
use crate::exchange::{Arrived, Purpose};
use crate::hooks::Merge;
use crate::membership::Table;
use crate::output::{Answer, Failure, RequestId, StreamId, StreamInput};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::wire::{self, Half, NameClaim, Opening, Scope, User, Wire};

/// How many characters of a peer's complaint the application gets.
const COMPLAINT_SIZE_MAX: usize = 200;

/// The sender of a table.
#[derive(Clone, Copy, Debug)]
struct Teller {
    at: SocketAddr,
    claim: NameClaim,
    /// This node opened the stream.
    dialled: bool,
    /// Sealed with one of this node's keys.
    sealed: bool,
    /// How many new members are admitted.
    newcomers_max: usize,
}

impl Node {
    pub(super) fn receive_stream(&mut self, id: StreamId, input: StreamInput<'_>) {
        if let Some(arrived) = self.exchange.receive(&mut self.cx, id, input) {
            self.receive_half(&arrived);
        }
    }

    /// Acts on the peer's complete part of an exchange.
    fn receive_half(&mut self, arrived: &Arrived) {
        let &Arrived { stream: id, purpose, ref received, .. } = arrived;
        let half = received.half();
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        let opening = match half.opening() {
            Ok(opening) => opening,
            Err(reason) => return exchange.reject(cx, id, reason),
        };
        if purpose != Purpose::Incoming || membership.members().any_at(arrived.peer.ip()) {
            detector.note_heard(cx);
        }
        // A join goes to an address that its sender was given, which may not be the announced one.
        if purpose == Purpose::Incoming && !is_join(&opening) {
            detector.note_reached();
        }
        if let Some(kind) = opening.kind() {
            cx.stats.received[kind] += 1;
        }
        // Only on certified streams, because it reads a member once more.
        if exchange.is_certified(id)
            && claimed(cx.config.wire, &opening, half)
                .is_some_and(|it| !exchange.may_be_called(id, it))
        {
            return exchange.reject(cx, id, DropReason::CertificateName);
        }
        match (purpose, opening) {
            (Purpose::Incoming, Opening::Ping(_)) if membership.waits_for_name() => {
                cx.drop_quietly(DropReason::AddressConflict);
                exchange.abort(cx, id);
            }
            (Purpose::Incoming, Opening::Ping(ping)) => {
                exchange.answer_ping(cx, membership.members(), id, &ping);
            }
            (Purpose::Incoming, Opening::User(message)) => {
                self.receive_message_on(id, &message, received.was_sealed());
            }
            // Its content is for nodes that stay.
            (Purpose::Goodbye, Opening::PushPull { .. }) => {
                exchange.complete(cx, id);
                membership.note_goodbye_heard();
            }
            (_, Opening::PushPull { claim, .. }) if is_about_a_name(purpose, claim) => {
                self.receive_on_name(arrived, claim, half);
            }
            (_, Opening::PushPull { scope, view, claim }) => {
                self.receive_push_pull(arrived, (scope, view, claim), half);
            }
            (Purpose::Ping { sequence }, Opening::Ack { sequence: acked, view })
                if acked == sequence =>
            {
                exchange.complete(cx, id);
                if let Some(target) = detector.receive_stream_ack(id) {
                    membership.note_answer_from(cx, target, arrived.peer);
                    if membership.announces_itself() {
                        let (members, peer) = (membership.members(), arrived.peer);
                        exchange.compare_over_stream(cx, gossip, members, (peer, view));
                    }
                }
            }
            (Purpose::Message { request }, Opening::Ack { .. }) => {
                exchange.complete(cx, id);
                cx.answer(request, Ok(Answer::Delivered));
            }
            (Purpose::Incoming, Opening::Complaint(_)) => {
                exchange.reject(cx, id, DropReason::Malformed);
            }
            (_, Opening::Complaint(message)) => {
                let message = message.chars().take(COMPLAINT_SIZE_MAX).collect();
                exchange.fail(cx, id, Failure::Complained { message });
            }
            _ => exchange.reject(cx, id, DropReason::Malformed),
        }
    }

    fn receive_message_on(&mut self, id: StreamId, message: &User<'_>, sealed: bool) {
        let Node { cx, exchange, .. } = self;
        if sealed && !is_for(&cx.config, message) {
            cx.drop_quietly(DropReason::WrongName);
            return exchange.abort(cx, id);
        }
        // Go does not pass on an empty message from a stream, though it does one from a packet.
        if cx.config.wire == Wire::Swim || !message.payload.is_empty() {
            cx.emit(told(message, true));
        }
        exchange.acknowledge_message(cx, id);
    }

    /// Handles a peer's table: the answer to a request of this node, or one to be answered.
    fn receive_push_pull(
        &mut self,
        arrived: &Arrived,
        (scope, view, claim): (Scope, u64, NameClaim),
        half: Half<'_>,
    ) {
        let &Arrived { stream: id, peer, purpose, ref received } = arrived;
        if !self.accepts_merge(peer, scope, half) {
            let reason = DropReason::MergeRefused;
            return self.exchange.fail(&mut self.cx, id, Failure::BadAnswer { reason });
        }
        let dialled = purpose != Purpose::Incoming;
        let sealed = received.was_sealed();
        // The answer to this node's request is read whole, so that a newcomer learns of all
        // members. So is a table from a holder of a key.
        let trusted = dialled || sealed;
        let newcomers_max = if trusted { usize::MAX } else { received.newcomers_max() };
        let teller = Teller { at: peer, claim, dialled, sealed, newcomers_max };
        match purpose {
            Purpose::Incoming => {
                let framed = self.merge_and_answer(teller, (scope, view), half);
                self.exchange.answer(&mut self.cx, id, framed);
            }
            Purpose::Join { request } => {
                self.merge_answer(id, teller, scope, half);
                if self.membership.waits_for_name() {
                    self.wait_with_join(request, peer);
                } else {
                    self.join_succeeded(request, peer);
                }
            }
            Purpose::PushPull | Purpose::LastCall => {
                self.merge_answer(id, teller, scope, half);
            }
            Purpose::Compare => {
                self.merge_answer(id, teller, scope, half);
                if scope == Scope::Full && self.membership.announces_itself() {
                    let members = self.membership.members();
                    self.exchange.push_back(&mut self.cx, members, peer, view);
                }
            }
            Purpose::Answered
            | Purpose::Goodbye
            | Purpose::Ping { .. }
            | Purpose::Holder
            | Purpose::Contest { .. }
            | Purpose::Message { .. } => {
                self.exchange.reject(&mut self.cx, id, DropReason::Malformed);
            }
        }
    }

    /// Asks the application whether to merge a table.
    fn accepts_merge(&mut self, from: SocketAddr, scope: Scope, half: Half<'_>) -> bool {
        let accepted =
            self.cx.hooks.accept_merge(&Merge { from, join: scope == Scope::Join, half });
        if !accepted {
            self.cx.report_drop(from, DropReason::MergeRefused, true);
        }
        accepted
    }

    /// Merges the answer to an exchange that this node began.
    fn merge_answer(&mut self, id: StreamId, teller: Teller, scope: Scope, half: Half<'_>) {
        self.exchange.complete(&mut self.cx, id);
        self.merge(teller, scope, half);
    }

    /// Merges a dialler's table, and returns the answer.
    ///
    /// On memberlist's wire the answer is this node's view before the merge, as in Go, so that no
    /// node gets back what it sent. It is the view after the merge only if the dialler accuses this
    /// node: that view holds the refutation.
    fn merge_and_answer(
        &mut self,
        teller: Teller,
        (scope, their_view): (Scope, u64),
        half: Half<'_>,
    ) -> Framed {
        if self.cx.config.wire == Wire::Swim {
            self.merge(teller, scope, half);
            let members = self.membership.members();
            return self.exchange.answer_to(&mut self.cx, members, scope, their_view);
        }
        let Node { cx, membership, exchange, .. } = self;
        if scope != Scope::Join && !exchange.may_tell_all(cx, membership.members()) {
            self.merge(teller, scope, half);
            return self.exchange.table_refused(&mut self.cx);
        }
        let incarnation = self.local().incarnation;
        let before = self.exchange.state(&mut self.cx, self.membership.members(), scope);
        self.merge(teller, scope, half);
        if self.local().incarnation == incarnation {
            return before;
        }
        self.exchange.whole_table(&mut self.cx, self.membership.members(), scope)
    }

    /// Merges a table.
    fn merge(&mut self, teller: Teller, scope: Scope, half: Half<'_>) {
        let Node { cx, membership, gossip, detector, .. } = self;
        let Teller { at, claim, dialled, sealed, newcomers_max } = teller;
        let table = Table { from: at, scope, claim, dialled, newcomers_max };
        membership.merge(cx, gossip, detector, table, half);
        if sealed && scope != Scope::Partial && cx.config.wire == Wire::Swim {
            // On a stream that this node opened, a sealed answer is bound to its greeting.
            membership.settle_since(cx, gossip, dialled);
        }
    }

    fn join_succeeded(&mut self, request: RequestId, contact: SocketAddr) {
        let Node { cx, membership, gossip, detector, .. } = self;
        membership.introduce_self(cx, gossip);
        detector.doubt_own_address(cx);
        let members = membership.shown_live();
        cx.answer(request, Ok(Answer::Joined { contact, members }));
    }
}

fn is_join(opening: &Opening<'_>) -> bool {
    matches!(opening, Opening::PushPull { scope: Scope::Join, .. })
}

/// The name that the sender of a part claims, if any. In a push/pull the sender comes first; on
/// memberlist's wire no sender does.
fn claimed<'a>(wire: Wire, opening: &Opening<'a>, half: Half<'a>) -> Option<&'a str> {
    match opening {
        _ if wire.is_memberlist() => None,
        Opening::Ping(ping) => Some(ping.source),
        Opening::User(message) => Some(message.from),
        Opening::PushPull { .. } => Some(half.members().next()?.ok()?.name),
        Opening::Ack { .. } | Opening::Complaint(_) => None,
    }
}

/// Whether a sealed message is for this node: an attacker on the way can lead it to other members.
/// Memberlist's wire does not name the recipient.
pub(super) fn is_for(config: &Config, message: &User<'_>) -> bool {
    let to = message.envelope.map(|envelope| envelope.to);
    config.wire.is_memberlist()
        || to == Some(wire::recipient(config.name.as_str()))
        || config.breaks(Sabotage::TakesWhatIsForOthers)
}
