//! What a member of a Serf cluster says when it comes or goes.

use serde::Serialize;

/// The first byte of Serf's messages of this kind.
pub(crate) const LEAVE: u8 = 0;
pub(crate) const JOIN: u8 = 1;

/// What a member is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// It is there, and whatever was said of it before is past.
    Join,
    /// It will leave. When it then does, it has left; otherwise it has failed.
    Leave,
}

impl Intent {
    /// The message: a byte for its kind, and a map.
    pub(crate) fn encode(self, name: &str, time: u64) -> Vec<u8> {
        let (kind, prune) = match self {
            Intent::Join => (JOIN, None),
            Intent::Leave => (LEAVE, Some(false)),
        };
        let mut message = vec![kind];
        rmp_serde::encode::write_named(&mut message, &Body { time, name, prune })
            .expect("a vector takes everything");
        message
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "LTime")]
    time: u64,
    #[serde(rename = "Node")]
    name: &'a str,
    /// Whether the others should forget the member at once.
    #[serde(rename = "Prune", skip_serializing_if = "Option::is_none")]
    prune: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_a_kind_and_a_map() {
        assert_eq!(Intent::Join.encode("a", 1), b"\x01\x82\xa5LTime\x01\xa4Node\xa1a");
        assert_eq!(
            Intent::Leave.encode("a", 1),
            b"\x00\x83\xa5LTime\x01\xa4Node\xa1a\xa5Prune\xc2"
        );
    }
}
