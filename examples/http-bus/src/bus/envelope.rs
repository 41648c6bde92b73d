//! Messages on their way from one member to the next.

use std::fmt;

use serde::{Deserialize, Serialize};
use swim_driver::Bytes;

use super::message::{Id, Message, PAYLOAD_SIZE_MAX, Peer};

/// Largest line before the payload, in bytes: room for the names of some hundred members.
const HEAD_SIZE_MAX: usize = 64 << 10;

/// How many members that have had the message are named. A member that has had it but is not named
/// is offered the message once more, and ignores the duplicate.
const HAD_MAX: usize = 256;

/// Most messages per request, and the size at which no more than the current one are added. With
/// one message per request, a member that joins over a slow network would wait for minutes.
const BATCH_MAX: usize = 64;
const BATCH_SIZE_ENOUGH: usize = 256 << 10;

/// A message on its way: its remaining keeping time, and the members that have had it.
///
/// On the wire it is a line of JSON, then the payload. A request has one envelope after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) message: Message,
    /// Milliseconds until members may drop the message.
    pub(crate) left: u64,
    pub(crate) had: Vec<Peer>,
}

/// The line before the payload.
#[derive(Serialize, Deserialize)]
struct Head {
    origin: String,
    life: u64,
    number: u64,
    left: u64,
    had: Vec<(String, u64)>,
    /// Bytes of the payload that follows.
    size: usize,
}

/// Why bytes are not an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Envelope {
    /// Largest body of a request, in bytes.
    pub(crate) const BATCH_SIZE_MAX: usize =
        BATCH_SIZE_ENOUGH + HEAD_SIZE_MAX + 1 + PAYLOAD_SIZE_MAX;

    /// Encodes as many of these envelopes as one request takes. Returns their number and bytes.
    pub(crate) fn encode_batch(envelopes: impl Iterator<Item = Envelope>) -> (usize, Bytes) {
        let (mut count, mut bytes) = (0, Vec::new());
        for envelope in envelopes.take(BATCH_MAX) {
            envelope.encode(&mut bytes);
            count += 1;
            if bytes.len() >= BATCH_SIZE_ENOUGH {
                break;
            }
        }
        (count, bytes.into())
    }

    /// Decodes the envelopes of a request.
    ///
    /// # Errors
    ///
    /// An envelope is malformed, or a limit is exceeded.
    pub(crate) fn decode_batch(mut bytes: Bytes) -> Result<Vec<Self>, Malformed> {
        let mut envelopes = Vec::new();
        while !bytes.is_empty() {
            if envelopes.len() == BATCH_MAX {
                return Err(Malformed("the request has more than 64 messages"));
            }
            envelopes.push(Envelope::decode(&mut bytes)?);
        }
        Ok(envelopes)
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        let Envelope { message: Message { id, payload }, left, had } = self;
        // As many names as surely fit: JSON escapes a byte to at most six.
        let mut room = HEAD_SIZE_MAX / 2;
        let had = had.iter().take(HAD_MAX).take_while(|peer| {
            let size = 6 * peer.name.len() + 32;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        let head = Head {
            origin: id.origin.name.to_string(),
            life: id.origin.life,
            number: id.number,
            left: *left,
            had: had.map(|peer| (peer.name.to_string(), peer.life)).collect(),
            size: payload.len(),
        };
        serde_json::to_writer(&mut *bytes, &head).expect("texts and numbers can be written");
        bytes.push(b'\n');
        bytes.extend_from_slice(payload);
    }

    /// Splits off and decodes the first envelope.
    fn decode(bytes: &mut Bytes) -> Result<Self, Malformed> {
        let searched = &bytes[..bytes.len().min(HEAD_SIZE_MAX + 1)];
        let end = searched.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or(Malformed("a message has no first line of at most 64 KiB"))?;
        let line = bytes.split_to(end + 1);
        let head: Head = serde_json::from_slice(&line)
            .map_err(|_| Malformed("the first line of a message is not the expected JSON"))?;
        if head.size > PAYLOAD_SIZE_MAX || head.size > bytes.len() {
            return Err(Malformed("a message is larger than 64 KiB, or is cut off"));
        }
        if head.had.len() > HAD_MAX {
            return Err(Malformed("a message names more than 256 members that have had it"));
        }
        if head.number == 0 {
            return Err(Malformed("message numbers start at 1"));
        }
        // Copy it: a slice would keep the whole request in memory.
        let payload = Bytes::copy_from_slice(&bytes.split_to(head.size));
        let id = Id::new(peer(&head.origin, head.life)?, head.number);
        let had = head.had.iter().map(|(name, life)| peer(name, *life));
        let had = had.collect::<Result<_, _>>()?;
        Ok(Envelope { message: Message::new(id, payload), left: head.left, had })
    }
}

fn peer(name: &str, life: u64) -> Result<Peer, Malformed> {
    let wrong = "a member's name has 1 to 255 bytes, no slash and no control characters";
    if Peer::is_name(name) { Ok(Peer::new(name, life)) } else { Err(Malformed(wrong)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(had: usize, name: &str) -> Envelope {
        let id = Id::new(Peer::new("a \"", u64::MAX), 3);
        Envelope {
            message: Message::new(id, Bytes::from_static(b"\n{\xff")),
            left: 9,
            had: (0..had).map(|life| Peer::new(name, life as u64)).collect(),
        }
    }

    fn batch(envelopes: Vec<Envelope>) -> (usize, Bytes) {
        Envelope::encode_batch(envelopes.into_iter())
    }

    #[test]
    fn what_is_written_is_read() {
        let all = vec![envelope(2, "b"), envelope(0, "b"), envelope(1, "c")];
        let (count, bytes) = batch(all.clone());
        assert_eq!(count, 3);
        assert_eq!(Envelope::decode_batch(bytes), Ok(all));
    }

    #[test]
    fn a_batch_ends_at_its_limits() {
        let (count, bytes) = batch(vec![envelope(0, "b"); 100]);
        assert_eq!(count, BATCH_MAX);
        assert!(Envelope::decode_batch(bytes).is_ok());

        let mut large = envelope(HAD_MAX, &"\"".repeat(255));
        large.message.payload = vec![0; PAYLOAD_SIZE_MAX].into();
        let (count, bytes) = batch(vec![large; 100]);
        assert!(count < 5 && bytes.len() <= Envelope::BATCH_SIZE_MAX, "{count}");
        assert!(Envelope::decode_batch(bytes).is_ok());
    }

    #[test]
    fn what_exceeds_a_limit_is_malformed() {
        let had_by = |name: &str| {
            let head = r#""origin":"a","life":1,"number":1,"left":1,"size":0"#;
            format!("{{{head},\"had\":[[\"{name}\",1]]}}\n").into_bytes()
        };
        assert!(Envelope::decode_batch(had_by("b").into()).is_ok());
        let head = |origin: &str, number: u64, had: usize, size: usize| {
            let had = (0..had).map(|life| ("b".to_owned(), life as u64)).collect();
            let head = Head { origin: origin.to_owned(), life: 1, number, left: 1, had, size };
            let mut line = serde_json::to_vec(&head).unwrap();
            line.push(b'\n');
            line
        };
        assert!(Envelope::decode_batch(head("a", 1, HAD_MAX, 0).into()).is_ok());
        for bad in [
            b"{}\n".to_vec(),
            b"\xff\xfe\n".to_vec(),
            vec![b'x'; Envelope::BATCH_SIZE_MAX],
            head("", 1, 0, 0),
            head(&"x".repeat(256), 1, 0, 0),
            head("a/b", 1, 0, 0),
            head("a\nb", 1, 0, 0),
            had_by("b/c"),
            head("a", 0, 0, 0),
            head("a", 1, HAD_MAX + 1, 0),
            head("a", 1, 0, 1),
            head("a", 1, 0, usize::MAX),
            [head("a", 1, 0, PAYLOAD_SIZE_MAX + 1), vec![0; PAYLOAD_SIZE_MAX + 1]].concat(),
            head("a", 1, 0, 0).repeat(BATCH_MAX + 1),
        ] {
            assert!(Envelope::decode_batch(bad.into()).is_err());
        }
    }
}
