//! Members and events as JSON.

use serde_json::{Map, Value, json};
use swim_tokio::{Event, Member, Tags};

/// A member with all that is known of it.
pub(crate) fn member(member: &Member, own_name: &str) -> Value {
    let mut fields = object(serde_json::to_value(member));
    if let Some(tags) = Tags::of(member) {
        fields.insert("tags".into(), tags_of(&tags));
    }
    let [protocol, application] = [member.versions.protocol, member.versions.application]
        .map(|range| json!({ "min": range.min, "max": range.max, "current": range.current }));
    let versions = json!({ "protocol": protocol, "application": application });
    fields.insert("versions".into(), versions);
    fields.insert("local".into(), (member.name.as_str() == own_name).into());
    Value::Object(fields)
}

/// An event, with its sentence for people.
pub(crate) fn event(event: &Event) -> Value {
    let mut fields = object(serde_json::to_value(event));
    fields.insert("sentence".into(), event.sentence().into());
    Value::Object(fields)
}

pub(crate) fn tags_of(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| (key.to_string(), Value::from(value))).collect()
}

fn object(value: Result<Value, serde_json::Error>) -> Map<String, Value> {
    match value {
        Ok(Value::Object(fields)) => fields,
        // Events and members are maps with texts as keys.
        _ => Map::new(),
    }
}
