//! memberlist's wire: packets inside label and seal. A checksum, then one message, which may be a
//! compound of several, or compressed.

use bytes::BytesMut;

use super::lzw::{Lzw, keep};
use super::messages::{Compressed, decode_message};
use super::msgpack::{Length, Reader, Sink};
use super::stream;
use super::{ALIVE, CHECKSUM, COMPOUND, COMPRESSED, LZW, PUSH_PULL, USER};
use crate::stats::DropReason;
use crate::wire::Message;
use crate::wire::allowance::{Allowance, Weight};

/// The most messages in one compound: the wire has one byte for their number.
pub const COMPOUND_PARTS_MAX: usize = 255;
/// The bytes of a compound besides its messages.
pub const COMPOUND_OVERHEAD: usize = 2;
/// The bytes of a compound for each of its messages.
pub const COMPOUND_PART_OVERHEAD: usize = 2;
/// The bytes of a checksum.
pub const CHECKSUM_OVERHEAD: usize = 5;
/// How deep compounds and compressed messages may be nested.
///
/// Go sends at most two layers, a compressed compound, and reads any number.
pub const NESTING_MAX: usize = 4;
/// How many bytes a packet may decompress to, all of its parts together.
///
/// Go allows each part 40 MiB, so a packet of 1400 bytes can cost a receiver seconds and gigabytes.
/// Go's own packets come from one UDP packet of at most 64 KiB. Each part counts as at least 4 KiB.
pub const UNPACKED_PACKET_MAX: usize = 1 << 20;

/// The least that a compressed message counts for in [`UNPACKED_PACKET_MAX`], because setting up
/// the decoder takes as long as a few hundred bytes of text. Otherwise the sixty thousand tiny
/// messages that fit into a packet could each set it up.
const UNPACKED_MESSAGE_MIN: usize = 4 << 10;

/// The shortest text that compression can shorten; an ack is shorter. At best, each code stands for
/// one byte more than the longest before it, so 25 bytes take 7 codes. With two more codes these
/// take 11 bytes, and the enclosing message 13 more.
const COMPRESSIBLE_SIZE_MIN: usize = 25;

/// Walks over the messages of a packet's text, inside label and seal.
///
/// Calls `visit` with each message, or with the reason why one is dropped; the walk goes on after
/// it.
///
/// A member's port 0 is replaced with `default_port`. Nothing is copied or allocated, unless the
/// text is compressed; then `lzw` provides a buffer.
///
/// The reasons:
///
/// - [`DropReason::Truncated`]: a message without a byte
/// - [`DropReason::Unrecognised`]: a type that packets do not have
/// - [`DropReason::TooLarge`]: text that decompresses to more than [`UNPACKED_PACKET_MAX`] bytes
/// - [`DropReason::BadAddress`]: an address that is neither IPv4 nor IPv6
/// - [`DropReason::Versions`]: fewer than six versions
/// - [`DropReason::Checksum`]: a wrong checksum
/// - [`DropReason::Malformed`]: a broken structure, or a name that is empty, too long, or not UTF-8
pub fn read_packet(
    text: &[u8],
    default_port: u16,
    lzw: &mut Lzw,
    visit: &mut dyn FnMut(Result<Message<'_>, DropReason>),
) {
    read_packet_within(text, default_port, lzw, Allowance::ANY, visit);
}

/// The same, for compressed text within this allowance. More work is [`DropReason::Overpacked`].
pub(crate) fn read_packet_within(
    text: &[u8],
    default_port: u16,
    lzw: &mut Lzw,
    allowance: Allowance,
    visit: &mut dyn FnMut(Result<Message<'_>, DropReason>),
) {
    match open_checksum(text) {
        Ok(text) => {
            let unpacked_left = UNPACKED_PACKET_MAX.min(allowance.unpacked());
            let too_large = match unpacked_left {
                UNPACKED_PACKET_MAX => DropReason::TooLarge,
                _ => DropReason::Overpacked,
            };
            let mut walk = Walk { default_port, lzw, visit, unpacked_left, too_large, allowance };
            walk.message(text, NESTING_MAX);
        }
        Err(reason) => visit(Err(reason)),
    }
}

/// Makes a compound of the messages in `out[start..]` by putting its head before them.
///
/// `parts` has the lengths of the messages, in bytes.
///
/// A single message stays as it is. A compound has at most [`COMPOUND_PARTS_MAX`] messages; the
/// rest is cut off.
pub fn make_compound(out: &mut BytesMut, start: usize, parts: &[u16]) {
    debug_assert!(parts.len() <= COMPOUND_PARTS_MAX, "the caller counts");
    let parts = &parts[..parts.len().min(COMPOUND_PARTS_MAX)];
    let size: usize = parts.iter().copied().map(usize::from).sum();
    debug_assert_eq!(start + size, out.len(), "the parts are all that is there");
    if parts.len() < 2 {
        return;
    }
    out.truncate(start.saturating_add(size));
    let head = insert(out, start, COMPOUND_OVERHEAD + parts.len() * COMPOUND_PART_OVERHEAD);
    let (fixed, lengths) = head.split_at_mut(COMPOUND_OVERHEAD);
    fixed.copy_from_slice(&[COMPOUND, u8::try_from(parts.len()).unwrap_or(u8::MAX)]);
    for (place, length) in lengths.chunks_exact_mut(COMPOUND_PART_OVERHEAD).zip(parts) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Compresses `out[start..]` if that makes it shorter. Returns whether it did.
pub fn compress_packet(out: &mut BytesMut, start: usize, lzw: &mut Lzw) -> bool {
    compress_packet_within(out, start, lzw, |_| Allowance::ANY)
}

/// The same, unless a receiver may not do the work for this text: `allowed` gives the allowance for
/// a number of received bytes.
pub(crate) fn compress_packet_within(
    out: &mut BytesMut,
    start: usize,
    lzw: &mut Lzw,
    allowed: impl Fn(usize) -> Allowance,
) -> bool {
    let text = out.get(start..).unwrap_or_default();
    if text.len() < COMPRESSIBLE_SIZE_MIN {
        return false;
    }
    let Some(size_max) = text.len().checked_sub(packed_len(0) + 1) else {
        return false;
    };
    let mut packed = core::mem::take(&mut lzw.packed);
    // The bound ignores that a longer text has a longer length field.
    let shorter = lzw.compress_within(text, &mut packed, size_max)
        && packed_len(packed.len()) < text.len()
        && is_affordable(text, allowed(packed.len()));
    if shorter {
        out.truncate(start);
        put_packed(&packed, out);
    }
    lzw.packed = keep(packed);
    shorter
}

/// Puts a checksum before `out[start..]`.
///
/// It goes outside everything but seal and label, and only to members that announce protocol
/// version 5 or above.
pub fn add_checksum(out: &mut BytesMut, start: usize) {
    let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
    let [first, rest @ ..] = insert(out, start, CHECKSUM_OVERHEAD) else {
        return;
    };
    *first = CHECKSUM;
    rest.copy_from_slice(&checksum.to_be_bytes());
}

/// Appends compressed text as a message.
pub(super) fn put_packed(packed: &[u8], out: &mut BytesMut) {
    out.reserve(packed_len(packed.len()));
    put_packed_head(out);
    out.raw(packed);
}

/// The message up to the compressed text and its length.
fn put_packed_head(sink: &mut impl Sink) {
    sink.put(&[COMPRESSED]);
    sink.fields(2);
    sink.unsigned("Algo", LZW.into());
    sink.name("Buf");
}

/// The number of bytes that [`put_packed`] appends for this much compressed text.
fn packed_len(size: usize) -> usize {
    let mut length = Length::default();
    put_packed_head(&mut length);
    length.raw_head(size);
    length.0 + size
}

/// Inserts `size` bytes at `start` and returns them.
fn insert(out: &mut BytesMut, start: usize, size: usize) -> &mut [u8] {
    let start = start.min(out.len());
    let end = out.len();
    out.resize(end + size, 0);
    out.copy_within(start..end, start + size);
    &mut out[start..start + size]
}

/// Checks and removes the checksum, if there is one.
fn open_checksum(text: &[u8]) -> Result<&[u8], DropReason> {
    let Some((&[CHECKSUM, a, b, c, d], text)) = text.split_first_chunk::<CHECKSUM_OVERHEAD>()
    else {
        return Ok(text);
    };
    if crc32fast::hash(text) == u32::from_be_bytes([a, b, c, d]) {
        Ok(text)
    } else {
        Err(DropReason::Checksum)
    }
}

/// Whether the work of a compressed text is within the allowance.
fn is_affordable(text: &[u8], mut allowance: Allowance) -> bool {
    text.len() <= allowance.unpacked() && affords(text, NESTING_MAX, &mut allowance)
}

/// Takes the cost of the messages in a compressed text. Returns whether that much was left.
pub(super) fn affords(text: &[u8], layers_left: usize, allowance: &mut Allowance) -> bool {
    match (text.first(), layers_left.checked_sub(1)) {
        (Some(&PUSH_PULL), _) => stream::affords_table(text, allowance),
        (Some(&COMPOUND), Some(layers_left)) => {
            let mut left = allowance.take(Weight::Other, 0);
            // A broken structure ends the walk here, as it does for reading.
            _ = parts(&text[1..], |part| {
                left = left && affords(part, layers_left, allowance);
                left
            });
            left
        }
        (Some(&ALIVE), _) => allowance.take(Weight::Member, text.len()),
        (Some(&USER), _) => allowance.take(Weight::Payload, text.len()),
        _ => allowance.take(Weight::Other, text.len()),
    }
}

/// Passes each part of a compound to `visit`, as long as it returns `true`.
fn parts(body: &[u8], mut visit: impl FnMut(&[u8]) -> bool) -> Result<(), DropReason> {
    let mut reader = Reader::new(body);
    let count = reader.raw(1)?.first().copied().unwrap_or_default();
    let lengths = reader.raw(usize::from(count) * COMPOUND_PART_OVERHEAD)?;
    for length in lengths.as_chunks::<COMPOUND_PART_OVERHEAD>().0 {
        let part = reader.raw(u16::from_be_bytes(*length).into())?;
        if !visit(part) {
            break;
        }
    }
    Ok(())
}

struct Walk<'w> {
    default_port: u16,
    lzw: &'w mut Lzw,
    visit: &'w mut dyn FnMut(Result<Message<'_>, DropReason>),
    /// The number of bytes that the packet may still decompress to.
    unpacked_left: usize,
    /// The reason for dropping more.
    too_large: DropReason,
    /// The remaining work that its compressed parts may cause.
    allowance: Allowance,
}

impl Walk<'_> {
    /// Reads one message, inside which `layers_left` more layers may be nested.
    fn message(&mut self, text: &[u8], layers_left: usize) {
        let Some((&kind, body)) = text.split_first() else {
            return (self.visit)(Err(DropReason::Truncated));
        };
        let outcome = match (kind, layers_left.checked_sub(1)) {
            (COMPOUND | COMPRESSED, None) => Err(DropReason::Malformed),
            (COMPOUND, Some(layers_left)) => self.compound(body, layers_left),
            (COMPRESSED, Some(layers_left)) => self.compressed(body, layers_left),
            _ => {
                let message = decode_message(kind, body, self.default_port);
                return (self.visit)(message);
            }
        };
        if let Err(reason) = outcome {
            (self.visit)(Err(reason));
        }
    }

    fn compound(&mut self, body: &[u8], layers_left: usize) -> Result<(), DropReason> {
        parts(body, |part| {
            self.message(part, layers_left);
            true
        })
    }

    fn compressed(&mut self, body: &[u8], layers_left: usize) -> Result<(), DropReason> {
        let compressed = Compressed::decode(Reader::new(body))?;
        if compressed.algorithm != LZW {
            return Err(DropReason::Malformed);
        }
        let mut buffer = core::mem::take(&mut self.lzw.unpacked);
        let limit = self.unpacked_left;
        let (size, outcome) = self.lzw.decompress_into(compressed.text, &mut buffer, limit);
        let text = &buffer[..size];
        // Includes output before an error, which took as much time.
        let spent = size.max(UNPACKED_MESSAGE_MIN);
        self.unpacked_left = self.unpacked_left.saturating_sub(spent);
        let outcome = match outcome {
            Ok(()) if affords(text, layers_left, &mut self.allowance) => {
                self.message(text, layers_left);
                Ok(())
            }
            Ok(()) => Err(DropReason::Overpacked),
            Err(DropReason::TooLarge) => Err(self.too_large),
            Err(reason) => Err(reason),
        };
        self.lzw.unpacked = keep(buffer);
        outcome
    }
}
