//! Events as a stream of server-sent events has them, and positions in it.
//!
//! The format is that of the HTML standard, section 9.2.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::message::Message;

/// How far a client has come: of each publisher the life and the number of the last event that it
/// was sent, or that it need not be sent.
///
/// It stands behind the `@` of each id, and a browser sends it back when it connects again, at
/// whichever node: `Last-Event-ID: @a.1f.17,b.20.3`. Lives are hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    of: BTreeMap<String, (u64, u64)>,
}

/// The longest position that is read: names of members have at most 255 bytes, and clusters that
/// use this have some dozens of members.
const POSITION_MAX: usize = 16 << 10;

impl Position {
    /// Of one publisher, the life and the number of its last event.
    #[must_use]
    pub fn of(&self, publisher: &str) -> Option<(u64, u64)> {
        self.of.get(publisher).copied()
    }

    /// Moves on.
    pub fn set(&mut self, publisher: &str, life: u64, number: u64) {
        match self.of.get_mut(publisher) {
            Some(known) => *known = (life, number),
            None => drop(self.of.insert(publisher.to_owned(), (life, number))),
        }
    }

    /// Forgets those for whom `known` is false, if there are more of them than this.
    pub fn forget_beyond(&mut self, unknown_max: usize, known: impl Fn(&str) -> bool) {
        if self.of.keys().filter(|name| !known(name)).count() > unknown_max {
            self.of.retain(|name, _| known(name));
        }
    }

    /// The position in an id, if there is one.
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

/// A name without the characters that separate names.
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

/// An event, with where its receiver stands after it.
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

/// Tells a client where it stands, without an event.
#[must_use]
pub fn standing(position: &Position) -> String {
    let mut out = String::new();
    write_id(&mut out, "", position);
    out.push('\n');
    out
}

/// Tells a client that events of a publisher are missing. `missing` is how many, if that is known.
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

/// Keeps a connection alive through what stands between.
pub const HEARTBEAT: &str = ": \n\n";

fn write_id(out: &mut String, id: &str, position: &Position) {
    let _ = write!(out, "id: {id}@");
    position.write(out);
    out.push('\n');
}

/// Each line of the text is a field of its own; the receiver joins them again.
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
