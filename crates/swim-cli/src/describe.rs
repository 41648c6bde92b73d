//! Lines about events, for people and for programs.

pub(crate) mod hint;

use serde_json::{Map, Value};
use swim_tokio::{Event, Member, Tags};

use crate::print::Line;
use crate::style::Tone;
use crate::text;

/// The line about an event, with all its details.
pub(crate) fn describe(event: &Event) -> Line {
    let hint = match event {
        Event::BadInput { reason, .. } => hint::of_input(*reason),
        Event::NameTaken { .. } | Event::NameConflict { .. } => Some(hint::NAME),
        Event::AddressUnreachable { .. } => Some(hint::ADDRESS),
        _ => None,
    };
    let advice = hint.map(|hint| format!("; hint: {hint}")).unwrap_or_default();
    let member = event.member();
    let sentence = match member {
        Some(member) => event.sentence().replace(&raw(member), &shown(member)),
        None => event.sentence(),
    };
    Line::of_event(event, tone(event), format!("{sentence}{advice}"))
        .fields(|record| record.with_some("tags", member.and_then(tags)).with_some("hint", hint))
}

/// The tags of a member, for JSON.
pub(crate) fn tags(member: &Member) -> Option<Map<String, Value>> {
    let tags = Tags::of(member)?;
    Some(tags.into_iter().map(|(key, value)| (key, value.into())).collect())
}

/// Metadata as a sentence of the library shows it: without tags.
fn raw(member: &Member) -> String {
    format!("meta {}", text::bytes(&member.meta))
}

fn shown(member: &Member) -> String {
    Tags::of(member).map_or_else(|| raw(member), |tags| format!("tags {tags}"))
}

fn tone(event: &Event) -> Tone {
    match event {
        Event::Joined { .. } | Event::Refuted { .. } | Event::HeardAgain { .. } => Tone::Good,
        Event::HealthChanged { from, to, .. } if to <= from => Tone::Good,
        Event::Left { .. } | Event::Unlisted { .. } => Tone::Quiet,
        Event::Failed { .. }
        | Event::NameTaken { .. }
        | Event::NameConflict { .. }
        | Event::AddressUnreachable { .. } => Tone::Bad,
        Event::Suspected { .. }
        | Event::Confirmed { .. }
        | Event::Accused { .. }
        | Event::HealthChanged { .. }
        | Event::Isolated { .. }
        | Event::Late { .. }
        | Event::DatagramsBlocked { .. }
        | Event::StreamsBlocked { .. }
        | Event::BadInput { .. }
        | Event::StreamsShort { .. }
        | Event::KeyWearsOut { .. }
        | Event::TlsFailed { .. } => Tone::Warning,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests;
