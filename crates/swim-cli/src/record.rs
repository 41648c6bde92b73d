//! One JSON object on one line.

use std::time::Duration;

use base16ct::lower::encode_string;
use serde::Serialize;
use serde_json::Value;

use crate::text;

/// A JSON object that keeps its keys in the order of insertion, so that every line begins with its
/// subject.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Field(&'static str, Value),
    /// Fields as JSON.
    Fields(String),
}

impl Record {
    /// A record whose first key is `event`.
    pub(crate) fn event(event: &str) -> Self {
        Record::default().with("event", event)
    }

    /// Adds a key.
    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.parts.push(Part::Field(key, value.into()));
        self
    }

    /// Adds all keys of something that serializes as a map, in its order.
    #[must_use]
    pub(crate) fn with_all(mut self, map: &impl Serialize) -> Self {
        let json = serde_json::to_string(map).expect("events and members have texts as keys");
        let fields = json.strip_prefix('{').and_then(|json| json.strip_suffix('}'));
        self.parts.push(Part::Fields(fields.expect("a map is an object").into()));
        self
    }

    /// Adds a key if there is a value for it.
    #[must_use]
    pub(crate) fn with_some(self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds a duration in whole milliseconds; the key should end in `_ms`.
    #[must_use]
    pub(crate) fn with_millis(self, key: &'static str, value: Duration) -> Self {
        self.with(key, whole_millis(value))
    }

    /// Adds a duration in milliseconds and thousandths, for round trips.
    #[must_use]
    pub(crate) fn with_millis_exact(self, key: &'static str, value: Duration) -> Self {
        self.with(key, (value.as_secs_f64() * 1e6).round() / 1e3)
    }

    /// Adds bytes: as text where they are UTF-8, else in hexadecimal under the other key.
    #[must_use]
    pub(crate) fn with_bytes(self, key: &'static str, hex: &'static str, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.with(key, text),
            Err(_) => self.with(hex, encode_string(bytes)),
        }
    }

    /// Inserts a key at the front.
    #[must_use]
    pub(crate) fn first(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.parts.insert(0, Part::Field(key, value.into()));
        self
    }

    /// The object as JSON, without a line break. All unprintable characters are escaped, since the
    /// line may end up on a terminal.
    pub(crate) fn to_line(&self) -> String {
        let mut line = String::from("{");
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                line.push(',');
            }
            match part {
                Part::Field(key, value) => {
                    push_printable(&mut line, &format!("\"{key}\":{value}"));
                }
                Part::Fields(json) => push_printable(&mut line, json),
            }
        }
        line.push('}');
        line
    }
}

/// The duration in milliseconds, at most 584 million years.
pub(crate) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// JSON without unprintable characters, and of the same meaning.
#[cfg(unix)]
pub(crate) fn printable(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    push_printable(&mut line, json);
    line
}

/// Escapes unprintable characters, which occur only inside JSON strings, as `\u`.
fn push_printable(line: &mut String, json: &str) {
    for c in json.chars() {
        if text::is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            line.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order() {
        let record = Record::event("pong")
            .with("name", "b")
            .with_some("meta", None::<&str>)
            .with_millis_exact("round_trip_ms", Duration::from_nanos(312_400))
            .first("time", "now");
        assert_eq!(
            record.to_line(),
            r#"{"time":"now","event":"pong","name":"b","round_trip_ms":0.312}"#
        );
    }

    #[test]
    fn the_keys_of_a_map_stand_among_others() {
        let event = swim_tokio::Event::late(Duration::from_secs(2));
        let record = Record::default().with_all(&event).with("hint", "none").first("time", "now");
        assert_eq!(record.to_line(), r#"{"time":"now","event":"late","by_ms":2000,"hint":"none"}"#);
    }

    #[test]
    fn a_line_has_no_unprintable_characters_and_keeps_its_meaning() {
        let name = "a\u{1b}[2J\n\u{9b}\u{202e}\u{e0041}\"ü";
        let line = Record::event("joined").with("name", name).to_line();
        assert!(!line.chars().any(text::is_unprintable), "{line}");
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["name"], name);
    }

    #[test]
    fn bytes_that_are_no_text_are_hexadecimal() {
        let record = Record::default().with_bytes("meta", "meta_hex", &[0xff, 1]);
        assert_eq!(record.to_line(), r#"{"meta_hex":"ff01"}"#);
        let record = Record::default().with_bytes("meta", "meta_hex", b"");
        assert_eq!(record.to_line(), r#"{"meta":""}"#);
    }
}
