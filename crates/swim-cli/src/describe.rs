//! What each event says, for people and for programs.

pub(crate) mod hint;
mod user;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use swim_tokio::{Answer, DropReason, Event, Failure, HealthReason, Member, Name, State};

use crate::print::{Line, member_fields};
use crate::style::Tone;
use crate::text;

/// The line that tells an event with everything that the event knows of its cause.
pub(crate) fn describe(event: &Event) -> Line {
    membership(event)
        .or_else(|| suspicion(event))
        .or_else(|| own(event))
        .or_else(|| user::describe(event))
        .or_else(|| trouble(event))
        .unwrap_or_else(|| {
            // News of a later release of the core: better raw than lost.
            let debug = format!("{event:?}");
            Line::new("other", Tone::Plain, text::escape(&debug))
                .fields(|record| record.with("debug", debug))
        })
}

/// Events about members that come and go.
fn membership(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Joined { member, previous, via } => {
            let before = match previous {
                Some(state) => format!("; had been {state}"),
                None => String::new(),
            };
            let shown = format!("{}{}{before}", place(member), details(member));
            Line::new("joined", Tone::Good, shown)
                .fields(|record| {
                    member_fields(record, member).with_some("previous", previous.map(State::as_str))
                })
                .via(*via)
        }
        Event::Updated { member, via } => {
            Line::new("updated", Tone::Plain, format!("{}{}", place(member), details(member)))
                .fields(|record| member_fields(record, member))
                .via(*via)
        }
        Event::Left { member, previous, via } => {
            let before = match previous {
                State::Alive => String::new(),
                other => format!("; had been {other}"),
            };
            Line::new("left", Tone::Quiet, format!("{} said goodbye{before}", place(member)))
                .fields(|record| member_fields(record, member).with("previous", previous.as_str()))
                .via(*via)
        }
        Event::Forgotten { member } => {
            let shown = format!("{} is no longer listed; it had {}", place(member), member.state);
            Line::new("forgotten", Tone::Quiet, shown)
                .fields(|record| member_fields(record, member))
        }
        _ => return None,
    })
}

/// Events from the first doubt to its end.
fn suspicion(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Suspected { member, accuser, timeout_min, timeout_max, via } => {
            suspected(member, accuser, *timeout_min..=*timeout_max).via(*via)
        }
        Event::Confirmed { name, accuser, confirmations, remaining, via } => {
            confirmed(name, accuser, *confirmations, *remaining).via(*via)
        }
        Event::Refuted { member, suspected_for, via } => {
            let shown = format!(
                "{} is alive, incarnation {}; had been suspected for {}",
                place(member),
                member.incarnation,
                text::duration(*suspected_for)
            );
            let line = Line::new("refuted", Tone::Good, shown).fields(|record| {
                member_fields(record, member).with_millis("suspected_for_ms", *suspected_for)
            });
            line.via(*via)
        }
        Event::Failed { member, declared_by, accusers, suspected_for, via } => {
            failed(member, declared_by, accusers, *suspected_for).via(*via)
        }
        _ => return None,
    })
}

fn suspected(member: &Member, accuser: &Name, timeouts: RangeInclusive<Duration>) -> Line {
    let (timeout_min, timeout_max) = timeouts.into_inner();
    let (min, max) = (text::duration(timeout_min), text::duration(timeout_max));
    let within = if min == max { min } else { format!("{min} to {max}") };
    let shown = format!(
        "{}: accused by {}; failed in {within} unless it refutes",
        place(member),
        text::escape(accuser.as_str())
    );
    Line::new("suspected", Tone::Warning, shown).fields(|record| {
        member_fields(record, member)
            .with("accuser", accuser.as_str())
            .with_millis("timeout_min_ms", timeout_min)
            .with_millis("timeout_max_ms", timeout_max)
    })
}

fn confirmed(name: &Name, accuser: &Name, confirmations: u32, remaining: Duration) -> Line {
    let shown = format!(
        "{}: accused by {} too, {}; {} left to refute",
        text::escape(name.as_str()),
        text::escape(accuser.as_str()),
        text::count(confirmations as usize, "confirmation"),
        text::duration(remaining)
    );
    Line::new("confirmed", Tone::Warning, shown).fields(|record| {
        record
            .with("name", name.as_str())
            .with("accuser", accuser.as_str())
            .with("confirmations", confirmations)
            .with_millis("remaining_ms", remaining)
    })
}

fn failed(member: &Member, by: &Name, accusers: &[Name], suspected_for: Duration) -> Line {
    let accusers: Vec<&str> = accusers.iter().map(|name| name.as_str()).collect();
    let shown = format!(
        "{}: declared failed by {}, accused by {}, suspected for {}",
        place(member),
        text::escape(by.as_str()),
        list(&accusers),
        text::duration(suspected_for)
    );
    Line::new("failed", Tone::Bad, shown).fields(|record| {
        member_fields(record, member)
            .with("declared_by", by.as_str())
            .with("accusers", accusers)
            .with_millis("suspected_for_ms", suspected_for)
    })
}

/// Events about this node itself.
fn own(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Accused { accuser, claim, incarnation, refuted_with, via } => {
            let shown = format!(
                "{} claimed that this node has {claim_words} (incarnation {incarnation}): refuted \
                 with incarnation {refuted_with}",
                text::escape(accuser.as_str()),
                claim_words = claim_words(*claim),
            );
            Line::new("accused", Tone::Warning, shown)
                .fields(|record| {
                    record
                        .with("accuser", accuser.as_str())
                        .with("claim", claim.as_str())
                        .with("incarnation", incarnation.0)
                        .with("refuted_with", refuted_with.0)
                })
                .via(*via)
        }
        Event::HealthChanged { from, to, reason } => {
            let tone = if to > from { Tone::Warning } else { Tone::Good };
            let shown = format!("local health {from} -> {to} (0 is healthy): {reason}");
            Line::new("health_changed", tone, shown).fields(|record| {
                record.with("from", *from).with("to", *to).with("reason", reason_key(*reason))
            })
        }
        Event::Late { by } => {
            let shown = format!(
                "this node did not run for {}: not counted against others",
                text::duration(*by)
            );
            Line::new("late", Tone::Warning, shown)
                .fields(|record| record.with_millis("by_ms", *by))
        }
        Event::NameTaken { address, via } => {
            let shown = format!("{address} announces this node's own name: rename one of the two");
            Line::new("name_taken", Tone::Bad, shown)
                .fields(|record| record.with("address", address.to_string()))
                .via(*via)
        }
        _ => return None,
    })
}

/// Events about what does not get through, or should not have come.
fn trouble(event: &Event) -> Option<Line> {
    Some(match event {
        Event::DatagramsBlocked { member } => Line::new(
            "datagrams_blocked",
            Tone::Warning,
            format!("{}: answers by detours alone, no datagram gets through", place(member)),
        )
        .fields(|record| member_fields(record, member)),
        Event::BadInput { from, reason, stream } => bad_input(*from, *reason, *stream),
        Event::Answer { request, result } => answer(request.0, result),
        _ => return None,
    })
}

fn bad_input(from: SocketAddr, reason: DropReason, stream: bool) -> Line {
    let by = if stream { "stream" } else { "datagram" };
    let hint = hint::of_input(reason);
    let mut shown = format!("from {from} by {by}: {reason}");
    if let Some(hint) = hint {
        shown.push_str("; hint: ");
        shown.push_str(hint);
    }
    Line::new("bad_input", Tone::Warning, shown).fields(|record| {
        record
            .with("from", from.to_string())
            .with("reason", reason.key())
            .with("explanation", reason.to_string())
            .with("stream", stream)
            .with_some("hint", hint)
    })
}

/// The driver hands answers to those who asked; one that comes here nobody waited for any more.
fn answer(request: u64, result: &Result<Answer, Failure>) -> Line {
    let (ok, shown) = match result {
        Ok(answer) => (true, format!("{answer:?}")),
        Err(failure) => (false, failure.to_string()),
    };
    let tone = if ok { Tone::Plain } else { Tone::Warning };
    Line::new("answer", tone, format!("request {request}: {}", text::escape(&shown)))
        .fields(|record| record.with("request", request).with("ok", ok).with("result", shown))
}

fn place(member: &Member) -> String {
    format!("{} at {}", text::escape(member.name.as_str()), member.address)
}

fn details(member: &Member) -> String {
    let mut shown = format!(", incarnation {}", member.incarnation);
    if !member.meta.is_empty() {
        shown.push_str(&format!(", meta {}", text::bytes(&member.meta)));
    }
    shown
}

/// Names in a row, or "nobody known here".
fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "nobody known here".into();
    }
    let names: Vec<String> = names.iter().map(|name| text::escape(name)).collect();
    names.join(", ")
}

fn claim_words(claim: State) -> &'static str {
    match claim {
        State::Alive => "come back",
        State::Suspect => "become suspect",
        State::Failed => "failed",
        State::Left => "left",
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
