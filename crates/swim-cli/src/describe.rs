//! What each event says, for people and for programs.

pub(crate) mod hint;
mod user;

use swim_tokio::{Event, HealthReason, State, StreamSource};

use crate::print::{Line, member_fields};
use crate::record::Record;
use crate::style::Tone;

/// The line that tells an event with everything that the event knows of its cause.
pub(crate) fn describe(event: &Event) -> Line {
    let hint = match event {
        Event::BadInput { reason, .. } => hint::of_input(*reason),
        _ => None,
    };
    let advice = hint.map(|hint| format!("; hint: {hint}")).unwrap_or_default();
    let line = Line::new(event.kind(), tone(event), format!("{}{advice}", event.sentence()))
        .fields(|record| fields(record, event).with_some("hint", hint));
    match event.via() {
        Some(via) => line.via(via),
        None => line,
    }
}

fn tone(event: &Event) -> Tone {
    match event {
        Event::Joined { .. } | Event::Refuted { .. } => Tone::Good,
        Event::HealthChanged { from, to, .. } if to <= from => Tone::Good,
        Event::Left { .. } | Event::Forgotten { .. } => Tone::Quiet,
        Event::Failed { .. } | Event::NameTaken { .. } | Event::NameConflict { .. } => Tone::Bad,
        Event::Suspected { .. }
        | Event::Confirmed { .. }
        | Event::Accused { .. }
        | Event::HealthChanged { .. }
        | Event::Late { .. }
        | Event::DatagramsBlocked { .. }
        | Event::BadInput { .. }
        | Event::StreamsShort { .. }
        | Event::KeyWearsOut { .. }
        | Event::Answer { result: Err(_), .. } => Tone::Warning,
        _ => Tone::Plain,
    }
}

/// What programs read of an event, but for its kind and how it came.
fn fields(record: Record, event: &Event) -> Record {
    match event {
        Event::Suspected { .. }
        | Event::Confirmed { .. }
        | Event::Refuted { .. }
        | Event::Failed { .. } => suspicion_fields(record, event),
        Event::Accused { .. }
        | Event::HealthChanged { .. }
        | Event::Late { .. }
        | Event::NameTaken { .. }
        | Event::NameConflict { .. } => own_fields(record, event),
        Event::Joined { member, previous, .. } => {
            member_fields(record, member).with_some("previous", previous.map(State::as_str))
        }
        Event::Left { member, previous, .. } => {
            member_fields(record, member).with("previous", previous.as_str())
        }
        Event::Updated { member, .. }
        | Event::Forgotten { member }
        | Event::DatagramsBlocked { member } => member_fields(record, member),
        Event::BadInput { from, reason, stream } => record
            .with("from", from.to_string())
            .with("reason", reason.key())
            .with("explanation", reason.to_string())
            .with("stream", *stream),
        Event::StreamsShort { resource, sources } => {
            let source = |source: &StreamSource| {
                serde_json::json!({
                    "network": source.network.to_string(),
                    "streams": source.streams,
                    "bytes": source.bytes,
                })
            };
            let sources: Vec<serde_json::Value> = sources.iter().map(source).collect();
            record.with("resource", resource.as_str()).with("sources", sources)
        }
        Event::KeyWearsOut { key, seals, members } => {
            record.with("key", key.to_string()).with("seals", *seals).with("members", *members)
        }
        Event::Answer { request, result } => {
            let told = match result {
                Ok(answer) => format!("{answer:?}"),
                Err(failure) => failure.to_string(),
            };
            record.with("request", request.0).with("ok", result.is_ok()).with("result", told)
        }
        event => user::fields(record, event),
    }
}

fn suspicion_fields(record: Record, event: &Event) -> Record {
    match event {
        Event::Suspected { member, accuser, timeout_min, timeout_max, .. } => {
            member_fields(record, member)
                .with("accuser", accuser.as_str())
                .with_millis("timeout_min_ms", *timeout_min)
                .with_millis("timeout_max_ms", *timeout_max)
        }
        Event::Confirmed { name, accuser, confirmations, remaining, .. } => record
            .with("name", name.as_str())
            .with("accuser", accuser.as_str())
            .with("confirmations", *confirmations)
            .with_millis("remaining_ms", *remaining),
        Event::Refuted { member, suspected_for, .. } => {
            member_fields(record, member).with_millis("suspected_for_ms", *suspected_for)
        }
        Event::Failed { member, declared_by, accusers, suspected_for, .. } => {
            let accusers: Vec<&str> = accusers.iter().map(|name| name.as_str()).collect();
            member_fields(record, member)
                .with("declared_by", declared_by.as_str())
                .with("accusers", accusers)
                .with_millis("suspected_for_ms", *suspected_for)
        }
        _ => record,
    }
}

fn own_fields(record: Record, event: &Event) -> Record {
    match event {
        Event::Accused { accuser, claim, incarnation, refuted_with, .. } => record
            .with("accuser", accuser.as_str())
            .with("claim", claim.as_str())
            .with("incarnation", incarnation.0)
            .with("refuted_with", refuted_with.0),
        Event::HealthChanged { from, to, reason } => {
            record.with("from", *from).with("to", *to).with("reason", reason_key(*reason))
        }
        Event::Late { by } => record.with_millis("by_ms", *by),
        Event::NameTaken { address, .. } => record.with("address", address.to_string()),
        Event::NameConflict { name, winner, loser, .. } => record
            .with("name", name.as_str())
            .with("winner", winner.to_string())
            .with("loser", loser.to_string()),
        _ => record,
    }
}

fn reason_key(reason: HealthReason) -> String {
    match reason {
        HealthReason::ProbeAnswered => "probe_answered".into(),
        HealthReason::ProbeFailed => "probe_failed".into(),
        HealthReason::NacksMissed => "nacks_missed".into(),
        HealthReason::Accused => "accused".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
