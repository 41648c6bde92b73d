//! What programs read of events that carry something from an application.

use swim_tokio::{Event, Name};

use crate::record::Record;

pub(super) fn fields(record: Record, event: &Event) -> Record {
    match event {
        Event::Broadcast { origin, payload, .. } => {
            record.with("origin", origin.as_str()).with_bytes("payload", "payload_hex", payload)
        }
        Event::Message { from, payload, reliable } => record
            .with_some("from", from.as_ref().map(Name::as_str))
            .with_bytes("payload", "payload_hex", payload)
            .with("reliable", *reliable),
        Event::UserState { from, join, state } => record
            .with("from", from.to_string())
            .with("join", *join)
            .with_bytes("payload", "payload_hex", state),
        Event::AckPayload { name, round_trip, payload } => record
            .with("name", name.as_str())
            .with_millis_exact("round_trip_ms", *round_trip)
            .with_bytes("payload", "payload_hex", payload),
        _ => record,
    }
}
