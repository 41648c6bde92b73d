//! What a member of a Serf cluster says when it comes or goes.

use crate::msgpack;

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
        let (kind, fields) = match self {
            Intent::Join => (JOIN, 2),
            Intent::Leave => (LEAVE, 3),
        };
        let mut message = vec![kind];
        msgpack::put_map(&mut message, fields);
        msgpack::put_text(&mut message, "LTime");
        msgpack::put_number(&mut message, time);
        msgpack::put_text(&mut message, "Node");
        msgpack::put_text(&mut message, name);
        if self == Intent::Leave {
            // Whether the others should forget the member at once.
            msgpack::put_text(&mut message, "Prune");
            msgpack::put_false(&mut message);
        }
        message
    }
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
