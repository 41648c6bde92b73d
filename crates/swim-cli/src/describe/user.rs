//! What events that carry something from an application say.

use swim_tokio::{Event, Name};

use crate::print::Line;
use crate::style::Tone;
use crate::text;

/// Events that carry what applications send.
pub(super) fn describe(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Broadcast { origin, payload, .. } => {
            let shown = format!("{}: {}", text::escape(origin.as_str()), text::bytes(payload));
            Line::new("broadcast", Tone::Plain, shown).fields(|record| {
                record.with("origin", origin.as_str()).with_bytes("payload", "payload_hex", payload)
            })
        }
        Event::Message { from, payload, reliable } => {
            let from = from.as_ref().map(Name::as_str);
            let who = from.map_or("somebody".into(), text::escape);
            let shown = format!("{who}: {}", text::bytes(payload));
            Line::new("message", Tone::Plain, shown).fields(|record| {
                record
                    .with_some("from", from)
                    .with_bytes("payload", "payload_hex", payload)
                    .with("reliable", *reliable)
            })
        }
        Event::UserState { from, join, state } => {
            let when = if *join { " with a join" } else { "" };
            let shown = format!("from {from}{when}: {}", text::bytes(state));
            Line::new("user_state", Tone::Plain, shown).fields(|record| {
                record.with("from", from.to_string()).with("join", *join).with_bytes(
                    "payload",
                    "payload_hex",
                    state,
                )
            })
        }
        Event::AckPayload { name, round_trip, payload } => {
            let shown = format!(
                "{} after {}: {}",
                text::escape(name.as_str()),
                text::duration(*round_trip),
                text::bytes(payload)
            );
            Line::new("ack_payload", Tone::Plain, shown).fields(|record| {
                record
                    .with("name", name.as_str())
                    .with_millis_exact("round_trip_ms", *round_trip)
                    .with_bytes("payload", "payload_hex", payload)
            })
        }
        _ => return None,
    })
}
