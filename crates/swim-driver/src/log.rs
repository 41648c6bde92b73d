//! Logs the events of a node.
//!
//! Members that come and go are `info`: the normal life of a healthy cluster. Problems are `warn`.
//! The rest is `debug`.

use swim_core::{Event, Name};
use tracing::{debug, info, warn};

/// Logs an event of the node called `node`.
pub(crate) fn record(node: &Name, event: &Event) {
    match event {
        Event::Joined { .. }
        | Event::Updated { .. }
        | Event::Refuted { .. }
        | Event::Left { .. }
        | Event::Unlisted { .. }
        | Event::DatagramsBlocked { .. }
        | Event::StreamsBlocked { .. } => record_member(node, event),
        Event::Suspected { .. } | Event::Confirmed { .. } | Event::Failed { .. } => {
            record_accusation(node, event);
        }
        Event::AckPayload { .. }
        | Event::Broadcast { .. }
        | Event::Message { .. }
        | Event::UserState { .. } => record_traffic(node, event),
        Event::Accused { accuser, claim, incarnation, refuted_with, via, .. } => warn!(
            target: "swim", %node, %accuser, %claim, %incarnation, %refuted_with, %via,
            "this node was accused and refutes"
        ),
        Event::HealthChanged { from, to, reason, .. } => {
            if to > from {
                info!(target: "swim", %node, from, to, %reason, "local health worsened");
            } else {
                debug!(target: "swim", %node, from, to, %reason, "local health improved");
            }
        }
        Event::Isolated { silent_for, .. } => {
            warn!(
                target: "swim", %node, ?silent_for,
                "this node hears from no member: is it cut off?"
            );
        }
        Event::HeardAgain { silent_for, .. } => {
            info!(target: "swim", %node, ?silent_for, "this node hears from members again");
        }
        Event::AddressUnreachable { address, .. } => warn!(
            target: "swim", %node, %address,
            "no member reaches this node at its announced address: correct the setting `advertise`"
        ),
        Event::Late { by, .. } => {
            warn!(target: "swim", %node, ?by, "this node did not run for a while");
        }
        Event::NameTaken { address, via, .. } => warn!(
            target: "swim", %node, %address, %via,
            "another node has this node's name: rename one of them"
        ),
        Event::NameConflict { name, winner, loser, via, .. } => warn!(
            target: "swim", %node, member = %name, %winner, %loser, %via,
            "two live nodes have the same name: rename one of them"
        ),
        Event::BadInput { from, reason, stream, .. } => {
            warn!(target: "swim", %node, %from, %reason, stream, "unusable input");
        }
        Event::StreamsShort { resource, sources, .. } => warn!(
            target: "swim", %node, %resource, ?sources,
            "incoming streams ran short of a resource: some were ended or refused"
        ),
        Event::KeyWearsOut { key, seals, members, .. } => warn!(
            target: "swim", %node, %key, seals, members,
            "the primary key wears out: replace it"
        ),
        Event::TlsFailed { peer, dialled, fault, .. } => {
            warn!(target: "swim", %node, %peer, dialled, %fault, "TLS failed");
        }
        // Answers go to their callers.
        other => debug!(target: "swim", %node, "{other}"),
    }
}

fn record_member(node: &Name, event: &Event) {
    match event {
        Event::Joined { member, previous, via, .. } => {
            let previous = previous.map(|state| state.as_str());
            info!(
                target: "swim", %node, member = %member.name, address = %member.address,
                incarnation = %member.incarnation, previous, %via, "joined"
            );
        }
        Event::Updated { member, via, .. } => debug!(
            target: "swim", %node, member = %member.name, address = %member.address,
            incarnation = %member.incarnation, meta_size = member.meta.len(), %via, "updated"
        ),
        Event::Refuted { member, suspected_for, via, .. } => info!(
            target: "swim", %node, member = %member.name, incarnation = %member.incarnation,
            ?suspected_for, %via, "refuted the suspicion"
        ),
        Event::Left { member, previous, via, .. } => info!(
            target: "swim", %node, member = %member.name, incarnation = %member.incarnation,
            %previous, %via, "left"
        ),
        Event::Unlisted { member, .. } => debug!(
            target: "swim", %node, member = %member.name, state = %member.state, "unlisted"
        ),
        Event::DatagramsBlocked { member, .. } => warn!(
            target: "swim", %node, member = %member.name, address = %member.address,
            "reachable only through relays or TCP: is UDP blocked?"
        ),
        Event::StreamsBlocked { member, .. } => warn!(
            target: "swim", %node, member = %member.name, address = %member.address,
            "answers datagrams but no streams: is TCP blocked?"
        ),
        _ => {}
    }
}

fn record_accusation(node: &Name, event: &Event) {
    match event {
        Event::Suspected { member, accuser, timeout_min, timeout_max, via, .. } => info!(
            target: "swim", %node, member = %member.name, incarnation = %member.incarnation,
            %accuser, ?timeout_min, ?timeout_max, %via, "suspected"
        ),
        Event::Confirmed { name, accuser, confirmations, remaining, via, .. } => debug!(
            target: "swim", %node, member = %name, %accuser, confirmations, ?remaining, %via,
            "suspicion confirmed"
        ),
        Event::Failed { member, declared_by, accusers, suspected_for, via, .. } => warn!(
            target: "swim", %node, member = %member.name, incarnation = %member.incarnation,
            %declared_by, ?accusers, ?suspected_for, %via, "failed"
        ),
        _ => {}
    }
}

/// The application's data is private: only sizes are logged.
fn record_traffic(node: &Name, event: &Event) {
    match event {
        Event::AckPayload { name, round_trip, payload, .. } => debug!(
            target: "swim", %node, member = %name, ?round_trip, size = payload.len(),
            "ack with data"
        ),
        Event::Broadcast { origin, payload, .. } => {
            debug!(target: "swim", %node, %origin, size = payload.len(), "broadcast");
        }
        Event::Message { from, payload, reliable, .. } => {
            let from = from.as_ref().map(Name::as_str);
            debug!(target: "swim", %node, from, size = payload.len(), reliable, "message");
        }
        Event::UserState { from, join, state, .. } => {
            debug!(target: "swim", %node, %from, join, size = state.len(), "application state");
        }
        _ => {}
    }
}
