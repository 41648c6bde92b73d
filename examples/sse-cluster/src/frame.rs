//! Server-sent events as text, and positions in a stream.
//!
//! The format is defined in the HTML standard, section 9.2.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::message::Message;

/// How far a client has read each publisher.
///
/// For each publisher, it has the life and the number of the last event that the client was sent or
/// does not need. It follows the `@` of each id. A browser sends it back when it connects again, to
/// any node: `Last-Event-ID: @a.1f.17,b.20.3`. Lives are hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    of: BTreeMap<String, (u64, u64)>,
}

/// The longest position that is read, in bytes. Names of members have at most 255 bytes, and
/// clusters that use this have some dozens of members.
const POSITION_MAX: usize = 16 << 10;

impl Position {
    /// Returns the life and the number of the last event of a publisher.
    #[must_use]
    pub fn of(&self, publisher: &str) -> Option<(u64, u64)> {
        self.of.get(publisher).copied()
    }

    /// Sets the life and the number for a publisher.
    pub fn set(&mut self, publisher: &str, life: u64, number: u64) {
        match self.of.get_mut(publisher) {
            Some(known) => *known = (life, number),
            None => drop(self.of.insert(publisher.to_owned(), (life, number))),
        }
    }

    /// Forgets publishers for which `known` is false, if there are more than `unknown_max`.
    pub fn forget_beyond(&mut self, unknown_max: usize, known: impl Fn(&str) -> bool) {
        if self.of.keys().filter(|name| !known(name)).count() > unknown_max {
            self.of.retain(|name, _| known(name));
        }
    }

    /// Reads the position in an id, if there is one.
    #[must_use]
    pub fn read(id: &str) -> Option<Position> {
        let (_, text) = id.rsplit_once('@')?;
        if text.len() > POSITION_MAX {
            return None;
        }
        let mut position = Position::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            // Names of members may contain dots.
            let mut fields = part.rsplitn(3, '.');
            let number = fields.next()?.parse().ok()?;
            let life = u64::from_str_radix(fields.next()?, 16).ok()?;
            position.set(&unescape(fields.next()?)?, life, number);
        }
        Some(position)
    }

    fn write(&self, out: &mut String) {
        for (place, (name, (life, number))) in self.of.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(out, "{comma}{}.{life:x}.{number}", escape(name));
        }
    }
}

/// Escapes the characters that separate names.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}

fn unescape(escaped: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), escaped.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let code = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(code, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Renders an event, with its receiver's position after it.
#[must_use]
pub fn event(message: &Message, position: &Position) -> String {
    let mut out = String::new();
    if !message.event.is_empty() {
        let _ = writeln!(out, "event: {}", message.event);
    }
    if let Some(retry) = message.retry {
        let _ = writeln!(out, "retry: {retry}");
    }
    write_id(&mut out, &message.id, position);
    write_data(&mut out, &message.text());
    out
}

/// Renders a position without an event.
#[must_use]
pub fn standing(position: &Position) -> String {
    let mut out = String::new();
    write_id(&mut out, "", position);
    out.push('\n');
    out
}

/// Renders a gap: `missing` events of a publisher, if the number is known.
#[must_use]
pub fn gap(publisher: &str, missing: Option<u64>, position: &Position) -> String {
    let mut out = String::from("event: gap\n");
    write_id(&mut out, "", position);
    write_data(
        &mut out,
        &serde_json::json!({ "publisher": publisher, "missing": missing }).to_string(),
    );
    out
}

/// A comment, which keeps an idle connection alive through proxies.
pub const HEARTBEAT: &str = ": \n\n";

fn write_id(out: &mut String, id: &str, position: &Position) {
    let _ = write!(out, "id: {id}@");
    position.write(out);
    out.push('\n');
}

/// Writes each line of the text as a field. The receiver joins them again.
fn write_data(out: &mut String, text: &str) {
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        let _ = writeln!(out, "data: {line}");
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_data_is_a_field() {
        let message = Message {
            event: "note".into(),
            data: "one\ntwo\r\nthree".into(),
            retry: Some(500),
            ..Message::default()
        };
        let mut position = Position::default();
        position.set("a", 31, 17);
        let expected =
            "event: note\nretry: 500\nid: @a.1f.17\ndata: one\ndata: two\ndata: three\n\n";
        assert_eq!(event(&message, &position), expected);
    }

    #[test]
    fn positions_are_read_as_they_were_written() {
        let mut position = Position::default();
        for (name, life, number) in [("a", 1, 2), ("n.1-x", u64::MAX, 0), ("é, @.", 7, u64::MAX)] {
            position.set(name, life, number);
        }
        let told = standing(&position);
        let id = told.strip_prefix("id: ").unwrap().trim_end();
        assert_eq!(Position::read(id), Some(position));
        assert_eq!(Position::read("@"), Some(Position::default()));
        assert_eq!(Position::read("mine@"), Some(Position::default()));
    }

    #[test]
    fn what_is_no_position_is_none() {
        for id in ["", "mine", "@a", "@a.1", "@a.x.y", "@a.1.2.3x", "@%f.1.2", "@%ff.1.2"] {
            assert_eq!(Position::read(id), None, "{id}");
        }
        assert_eq!(Position::read(&format!("@{}", "x".repeat(1 << 20))), None);
    }
}
