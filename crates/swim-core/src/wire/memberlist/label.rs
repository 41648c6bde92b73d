//! Labels of packets and streams, and the detection of other formats.

use bytes::BytesMut;

use super::super::LABEL_SIZE_MAX;
use super::super::swim::classify;
use super::{COMPOUND, COMPRESSED, DEAD, NACK, PING, USER};
use crate::stats::DropReason;

/// The first byte of a packet or stream with a label.
const HAS_LABEL: u8 = 244;

/// The highest message type.
const TYPE_MAX: u8 = 13;

/// The fewest bytes of sealed text: version, nonce and tag.
const SEALED_SIZE_MIN: usize = 1 + 12 + 16;

/// A label, empty if there is none, and the bytes after it.
type Split<'a> = (&'a [u8], &'a [u8]);

/// The number of bytes that [`put_label`] inserts.
#[must_use]
pub fn label_header_len(label: &[u8]) -> usize {
    if label.is_empty() { 0 } else { 2 + label.len().min(LABEL_SIZE_MAX) }
}

/// Puts a label before `out[start..]`, or none if it is empty.
///
/// Takes at most [`LABEL_SIZE_MAX`] bytes of it.
pub fn put_label(label: &[u8], out: &mut BytesMut, start: usize) {
    let label = &label[..label.len().min(LABEL_SIZE_MAX)];
    if label.is_empty() {
        return;
    }
    let (header, end) = (label_header_len(label), out.len());
    out.resize(end + header, 0);
    out.copy_within(start..end, start + header);
    out[start] = HAS_LABEL;
    out[start + 1] = u8::try_from(label.len()).unwrap_or(u8::MAX);
    out[start + 2..start + header].copy_from_slice(label);
}

/// Splits a packet into its label, empty if it has none, and the bytes after it.
///
/// # Errors
///
/// [`DropReason::Truncated`] if the packet ends before its label does, [`DropReason::Malformed`] if
/// it has an empty label.
pub fn split_label(packet: &[u8]) -> Result<Split<'_>, DropReason> {
    match *packet {
        [HAS_LABEL] => Err(DropReason::Truncated),
        [HAS_LABEL, 0, ..] => Err(DropReason::Malformed),
        [HAS_LABEL, length, ref rest @ ..] => {
            rest.split_at_checked(length.into()).ok_or(DropReason::Truncated)
        }
        _ => Ok((&[], packet)),
    }
}

/// The same for the bytes of a stream so far; `None` if it needs more.
///
/// # Errors
///
/// Like [`split_label`].
pub fn split_stream_label(bytes: &[u8]) -> Result<Option<Split<'_>>, DropReason> {
    match split_label(bytes) {
        Err(DropReason::Truncated) => Ok(None),
        Ok(_) if bytes.is_empty() => Ok(None),
        split => split.map(Some),
    }
}

/// Whether the text looks like an unsealed message.
///
/// Sealed text starts with its version, 0 or 1, which are also the types of pings and indirect
/// pings, and is random after that. Only text that goes on like a map with a name as its key counts
/// as a message. About one sealed text in 10,000 is mistaken, which changes only the reported
/// reason.
#[must_use]
pub fn looks_plain(text: &[u8]) -> bool {
    match *text {
        [0 | 1, 0x80 | 0xC0] | [2..=TYPE_MAX, ..] => true,
        [0 | 1, 0x81..=0x8F, length @ 0xA1..=0xBF, ref rest @ ..] => {
            is_name(rest, usize::from(length & 0x1F))
        }
        [0 | 1, 0x81..=0x8F, 0xD9 | 0xC4, length, ref rest @ ..] => is_name(rest, length.into()),
        _ => false,
    }
}

/// Whether the bytes start with a name of this length, as the fields of messages have them.
fn is_name(bytes: &[u8], length: usize) -> bool {
    bytes.get(..length).is_some_and(|name| name.iter().all(u8::is_ascii_alphanumeric))
}

/// Whether the text is only the type of a message that needs more. Bad input may be one byte long.
/// That includes an empty user message: it is legal, but its event is more work than one byte pays
/// for. Members that know this node put a checksum around it.
#[inline]
pub(crate) fn lacks_body(text: &[u8]) -> bool {
    matches!(text, [PING..=DEAD | COMPOUND | COMPRESSED | NACK | USER])
}

/// Whether the text may be sealed.
#[must_use]
pub fn looks_sealed(text: &[u8]) -> bool {
    text.len() >= SEALED_SIZE_MIN && matches!(text[0], 0 | 1)
}

/// Checks that the text starts like a message.
///
/// # Errors
///
/// The probable format.
pub fn check_first_byte(text: &[u8]) -> Result<(), DropReason> {
    match text {
        [] => Err(DropReason::Truncated),
        [0..=TYPE_MAX, ..] => Ok(()),
        _ => match classify(text) {
            DropReason::Memberlist => Err(DropReason::Unrecognised),
            reason => Err(reason),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_put_in_front_and_taken_off() {
        let mut packet = BytesMut::from(&b"..text"[..]);
        put_label(b"x", &mut packet, 2);
        assert_eq!(&packet[..], b"..\xF4\x01xtext");
        assert_eq!(split_label(&packet[2..]), Ok((&b"x"[..], &b"text"[..])));
        put_label(b"", &mut packet, 0);
        assert_eq!(&packet[..2], b"..");
    }

    #[test]
    fn a_label_that_is_cut_or_empty_is_none() {
        assert_eq!(split_label(&[HAS_LABEL]), Err(DropReason::Truncated));
        assert_eq!(split_label(&[HAS_LABEL, 2, b'x']), Err(DropReason::Truncated));
        assert_eq!(split_label(&[HAS_LABEL, 0, b'x']), Err(DropReason::Malformed));
        assert_eq!(split_label(b""), Ok((&b""[..], &b""[..])));
        assert_eq!(split_stream_label(b""), Ok(None));
        assert_eq!(split_stream_label(&[HAS_LABEL, 2, b'x']), Ok(None));
    }

    /// A report of a wrong key must not say "not encrypted", which would mislead its reader.
    #[test]
    fn what_is_sealed_is_hardly_ever_taken_for_a_message() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut taken = 0;
        for _ in 0..200_000 {
            let mut text = [1; 30];
            for byte in &mut text[1..] {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                *byte = random.to_le_bytes()[3];
            }
            taken += u32::from(looks_plain(&text));
        }
        assert!(taken <= 20, "{taken} of 200000");
        for plain in
            [&b"\0\x82\xA4Node\xA1n\xA5SeqNo\x2a"[..], b"\x01\x81\xD9\x05SeqNo\x01", b"\0\x80"]
        {
            assert!(looks_plain(plain), "{plain:02x?}");
        }
    }

    #[test]
    fn other_formats_are_named() {
        assert_eq!(check_first_byte(b"GET / HTTP/1.1"), Err(DropReason::Http));
        assert_eq!(check_first_byte(&[0x16, 3, 1]), Err(DropReason::Tls));
        assert_eq!(check_first_byte(&[0xC1, 0x10]), Err(DropReason::Swim));
        assert_eq!(check_first_byte(&[14]), Err(DropReason::Unrecognised));
        assert_eq!(check_first_byte(&[99]), Err(DropReason::Unrecognised));
        assert_eq!(check_first_byte(&[13]), Ok(()));
    }
}
