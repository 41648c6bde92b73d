//! What each event says, for people and for programs.

pub(crate) mod hint;

use swim_tokio::Event;

use crate::print::Line;
use crate::style::Tone;

/// The line that tells an event with everything that the event knows of its cause.
pub(crate) fn describe(event: &Event) -> Line {
    let hint = match event {
        Event::BadInput { reason, .. } => hint::of_input(*reason),
        _ => None,
    };
    let advice = hint.map(|hint| format!("; hint: {hint}")).unwrap_or_default();
    Line::of_event(event, tone(event), format!("{}{advice}", event.sentence()))
        .fields(|record| record.with_some("hint", hint))
}

fn tone(event: &Event) -> Tone {
    match event {
        Event::Joined { .. } | Event::Refuted { .. } => Tone::Good,
        Event::HealthChanged { from, to, .. } if to <= from => Tone::Good,
        Event::Left { .. } | Event::Unlisted { .. } => Tone::Quiet,
        Event::Failed { .. } | Event::NameTaken { .. } | Event::NameConflict { .. } => Tone::Bad,
        Event::Suspected { .. }
        | Event::Confirmed { .. }
        | Event::Accused { .. }
        | Event::HealthChanged { .. }
        | Event::Late { .. }
        | Event::DatagramsBlocked { .. }
        | Event::BadInput { .. }
        | Event::StreamsShort { .. }
        | Event::KeyWearsOut { .. } => Tone::Warning,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests;
