//! The messages of a member that joins or leaves a Serf cluster.

use serde::Serialize;

/// The first byte of these messages.
pub(crate) const LEAVE: u8 = 0;
pub(crate) const JOIN: u8 = 1;

/// A member's announcement that it joins or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// The member has joined. This overrides its earlier intents.
    Join,
    /// The member will leave. Without this message, Serf declares a departed member failed.
    Leave,
}

impl Intent {
    /// Encodes the message: a byte for its kind, and a map.
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
    /// Whether peers should forget the member at once.
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
