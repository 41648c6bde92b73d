//! Messages and their origins.

use std::fmt;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use serde_json::json;
use swim_driver::Bytes;

/// Largest body of a message, in bytes. Put larger data elsewhere, and a reference to it into the
/// message.
pub const PAYLOAD_SIZE_MAX: usize = 64 << 10;

/// Longest name in bytes, as in the cluster.
const NAME_SIZE_MAX: usize = 255;

/// A member in one of its lives.
///
/// A restarted member is another peer: it has none of the messages of its former life.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Peer {
    /// The member's name.
    pub name: Arc<str>,
    /// A random number, drawn when the process starts.
    pub life: u64,
}

impl Peer {
    /// Makes the peer with this name and life.
    #[must_use]
    pub fn new(name: &str, life: u64) -> Self {
        Peer { name: name.into(), life }
    }

    /// Returns whether the bus accepts this name.
    ///
    /// With a slash or a line break in a name, one message's id could look like another's.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        (1..=NAME_SIZE_MAX).contains(&name.len())
            && !name.contains(|it: char| it == '/' || it.is_control())
    }
}

/// Identifies a message in the whole cluster.
///
/// It has the life of the node that accepted the message, and the message's number in that life,
/// from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Id {
    /// The node that accepted it.
    pub origin: Peer,
    /// Its number in this life of the node.
    pub number: u64,
}

impl Id {
    pub(crate) fn new(origin: Peer, number: u64) -> Self {
        Id { origin, number }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:016x}/{}", self.origin.name, self.origin.life, self.number)
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The id, unique in the cluster.
    pub id: Id,
    /// The body: any bytes.
    pub payload: Bytes,
}

impl Message {
    pub(crate) fn new(id: Id, payload: Bytes) -> Self {
        Message { id, payload }
    }

    /// Returns the message as a line of JSON, with its number in this node's log. A UTF-8 body is
    /// in `text`, any other in `base64`.
    pub(crate) fn line(&self, number: u64) -> Bytes {
        let (key, body) = match std::str::from_utf8(&self.payload) {
            Ok(text) => ("text", text.to_owned()),
            Err(_) => ("base64", Base64::encode_string(&self.payload)),
        };
        let (id, origin) = (self.id.to_string(), &*self.id.origin.name);
        let mut line = json!({ "n": number, "id": id, "origin": origin, key: body }).to_string();
        line.push('\n');
        line.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(payload: &[u8]) -> String {
        let id = Id::new(Peer::new("a", 255), 3);
        let message = Message::new(id, Bytes::copy_from_slice(payload));
        String::from_utf8(message.line(7).to_vec()).unwrap()
    }

    #[test]
    fn text_stays_text_on_one_line() {
        let expected = r#"{"id":"a/00000000000000ff/3","n":7,"origin":"a","text":"x\ny\"ü"}"#;
        assert_eq!(line("x\ny\"ü".as_bytes()), format!("{expected}\n"));
    }

    #[test]
    fn a_name_is_a_part_of_an_id_and_of_a_line() {
        for name in ["a", "node 1", "ü", &"x".repeat(255)] {
            assert!(Peer::is_name(name), "{name}");
        }
        for name in ["", "a/b", "/", "a\nb", "a\r", "\0", "\u{85}", &"x".repeat(256)] {
            assert!(!Peer::is_name(name), "{name:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_base64() {
        assert!(line(&[0xff, 0xfe, b'a']).contains(r#""base64":"//5h""#));
    }
}
